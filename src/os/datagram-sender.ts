/**
 * Sends datagrams from the resolver on sockets that responders read: collected during a turn of the event loop, sent with one
 * `sendmmsg` for each run of the same socket. What is queued is copied at once, so callers may use their buffers again.
 */
import { atTurnEnd } from '../base/turn-end.ts';
import { type Libc, OS, Pinned } from './libc.ts';

const MESSAGES_MAX = 128;
/** More than the largest datagram (65,507 octets) and some hundred usual answers. */
const ARENA_SIZE = 256 * 1024;
const MMSGHDR_SIZE = 64;
const IOVEC_SIZE = 16;
const HEADERS = 0;
const IOVECS = HEADERS + MESSAGES_MAX * MMSGHDR_SIZE;
const ARENA = IOVECS + MESSAGES_MAX * IOVEC_SIZE;

export class DatagramSender {
  readonly #libc: Libc;
  readonly #memory: Pinned;
  readonly #fds = new Int32Array(MESSAGES_MAX);
  #count = 0;
  #end = ARENA;
  #isScheduled = false;
  readonly #flushScheduled = () => {
    this.#isScheduled = false;
    this.flush();
  };
  /** Datagrams that the kernel refused. */
  failures = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#memory = new Pinned(libc, ARENA + ARENA_SIZE);
  }

  /** Queues a datagram; `control` is a control block to send with it, empty for none. */
  queue(fd: number, peer: Uint8Array, control: Uint8Array, data: Uint8Array): void {
    const size = up(peer.length) + up(control.length) + up(data.length);
    if (this.#count === MESSAGES_MAX || this.#end + size > ARENA + ARENA_SIZE) this.flush();
    const index = this.#count++;
    const header = HEADERS + index * MMSGHDR_SIZE;
    const iovec = IOVECS + index * IOVEC_SIZE;
    const { address, words } = this.#memory;
    this.#memory.setPointer(header, this.#copy(peer));
    words[(header + 8) >> 2] = peer.length;
    this.#memory.setPointer(header + 16, address + iovec);
    this.#memory.setPointer(header + 24, 1);
    this.#memory.setPointer(header + 32, this.#copy(control));
    this.#memory.setPointer(header + 40, control.length);
    this.#memory.setPointer(iovec, this.#copy(data));
    this.#memory.setPointer(iovec + 8, data.length);
    this.#fds[index] = fd;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    atTurnEnd(this.#flushScheduled);
  }

  /** Sends what is queued. */
  flush(): void {
    for (let first = 0; first < this.#count; ) {
      const fd = this.#fds[first]!;
      let end = first + 1;
      while (end < this.#count && this.#fds[end] === fd) end += 1;
      this.#send(fd, first, end);
      first = end;
    }
    this.#count = 0;
    this.#end = ARENA;
  }

  #send(fd: number, first: number, end: number): void {
    for (let next = first; next < end; ) {
      const headers = this.#memory.address + HEADERS + next * MMSGHDR_SIZE;
      const sent = this.#libc.sendmmsg(fd, headers, end - next, OS.MSG_DONTWAIT);
      if (sent > 0) {
        next += sent;
      } else {
        this.failures += 1;
        next += 1;
      }
    }
  }

  #copy(data: Uint8Array): number {
    const at = this.#end;
    this.#memory.octets.set(data, at);
    this.#end += up(data.length);
    return this.#memory.address + at;
  }
}

function up(size: number): number {
  return (size + 7) & ~7;
}
