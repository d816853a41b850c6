/**
 * TCP connections of clients by descriptor: taken from a listening socket, read, written and closed without waiting and without
 * allocating.
 */
import { ERRNO } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';
import { SOCKET_ADDRESS_SIZE } from './socket-octets.ts';

/** In place of a count of octets. */
export const STREAM = {
  /** Nothing to read, or no room to write: later. */
  WOULD_BLOCK: -1,
  /** A reset, or whatever else the kernel says: the connection is over. */
  BROKEN: -2,
} as const;

/** In place of a descriptor, from `accept`. */
export const ACCEPT = {
  /** Nobody waits. */
  NONE: -1,
  /** No descriptor is left, of the process (EMFILE) or of the machine (ENFILE), or no memory. */
  EXHAUSTED: -2,
} as const;

export class StreamSockets {
  readonly #libc: Libc;
  /** An address, its size behind it, and the value of SO_LINGER. */
  readonly #place: Pinned;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#place = new Pinned(libc, SOCKET_ADDRESS_SIZE + 16);
  }

  /** The peer of the connection that was accepted last, as a socket address. */
  get peer(): Uint8Array {
    return this.#place.octets.subarray(0, SOCKET_ADDRESS_SIZE);
  }

  /** The next connection of a listening socket, or one of ACCEPT. */
  accept(listenerFd: number): number {
    const { address, octets, words } = this.#place;
    octets.fill(0, 0, SOCKET_ADDRESS_SIZE);
    words[SOCKET_ADDRESS_SIZE >> 2] = SOCKET_ADDRESS_SIZE;
    const sizeAt = address + SOCKET_ADDRESS_SIZE;
    // One that was reset while it waited (ECONNABORTED) makes place for the next.
    for (;;) {
      const flags = OS.SOCK_NONBLOCK | OS.SOCK_CLOEXEC;
      const fd = this.#libc.accept4(listenerFd, address, sizeAt, flags);
      if (fd >= 0) return fd;
      const errno = this.#libc.errno();
      if (errno === ERRNO.EAGAIN) return ACCEPT.NONE;
      if (errno !== ERRNO.ECONNABORTED && errno !== ERRNO.EINTR) return ACCEPT.EXHAUSTED;
    }
  }

  /** Octets read to `address`, 0 at the end of the stream, or one of STREAM. */
  receive(fd: number, address: number, size: number): number {
    const count = this.#libc.recv(fd, address, size, OS.MSG_DONTWAIT);
    return count >= 0 ? count : this.#failure();
  }

  /** Octets that the kernel took, or one of STREAM. */
  send(fd: number, address: number, size: number): number {
    const count = this.#libc.send(fd, address, size, OS.MSG_DONTWAIT | OS.MSG_NOSIGNAL);
    return count >= 0 ? count : this.#failure();
  }

  /** FIN behind what was sent; the other direction stays open. */
  finish(fd: number): void {
    this.#libc.shutdown(fd, OS.SHUT_WR);
  }

  close(fd: number): void {
    this.#libc.close(fd);
  }

  /** RST, whatever is under way. */
  reset(fd: number): void {
    const { address, words } = this.#place;
    const at = SOCKET_ADDRESS_SIZE + 8;
    // `struct linger`: on, for no time.
    words[at >> 2] = 1;
    words[(at >> 2) + 1] = 0;
    this.#libc.setsockopt(fd, OS.SOL_SOCKET, OS.SO_LINGER, address + at, 8);
    this.#libc.close(fd);
  }

  #failure(): number {
    const errno = this.#libc.errno();
    const isLater = errno === ERRNO.EAGAIN || errno === ERRNO.EINTR;
    return isLater ? STREAM.WOULD_BLOCK : STREAM.BROKEN;
  }
}
