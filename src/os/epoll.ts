/**
 * What a thread waits for, kept in the kernel from one wait to the next (epoll(7)): sockets are told to it once, where `poll` is told
 * all of them each time. Level-triggered: what was not read is told again.
 *
 * Who adds a descriptor gives it a token, a whole number that comes back with its events. A token may come back once more in the
 * same wait after its descriptor was removed.
 */
import { SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';

/** Of one wait; what is ready beyond comes with the next. */
export const EVENTS_MAX = 64;

/**
 * `struct epoll_event` is a word of events and two of data; the kernel packs it on x86-64, and aligns the data to eight octets
 * elsewhere (eventpoll.h: EPOLL_PACKED).
 */
const IS_PACKED = process.arch === 'x64';
const STRIDE = IS_PACKED ? 3 : 4;
const TOKEN = IS_PACKED ? 1 : 2;

export class Epoll {
  readonly #libc: Libc;
  readonly fd: number;
  readonly #ready: Pinned;
  readonly #change: Pinned;

  /** Throws a SystemCallError. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.fd = libc.epoll_create1(OS.EPOLL_CLOEXEC);
    if (this.fd < 0) throw new SystemCallError('epoll_create1', libc.errno());
    this.#ready = new Pinned(libc, 4 * STRIDE * EVENTS_MAX);
    this.#change = new Pinned(libc, 4 * STRIDE);
  }

  /** Throws a SystemCallError. */
  add(fd: number, events: number, token: number): void {
    this.#control(OS.EPOLL_CTL_ADD, fd, events, token);
  }

  /** Throws a SystemCallError. */
  change(fd: number, events: number, token: number): void {
    this.#control(OS.EPOLL_CTL_MOD, fd, events, token);
  }

  /** Before a descriptor is closed: another process may hold the same socket, and the kernel would go on telling of it. */
  remove(fd: number): void {
    this.#control(OS.EPOLL_CTL_DEL, fd, 0, 0);
  }

  /** Descriptors that are ready, at most EVENTS_MAX; 0 after `timeoutMs`, or where a signal came first. */
  wait(timeoutMs: number): number {
    return Math.max(0, this.#libc.epoll_wait(this.fd, this.#ready.address, EVENTS_MAX, timeoutMs));
  }

  /** `OS.EPOLLIN` and others, of the wait that was last. */
  eventsAt(index: number): number {
    return this.#ready.words[index * STRIDE]!;
  }

  tokenAt(index: number): number {
    return this.#ready.words[index * STRIDE + TOKEN]!;
  }

  close(): void {
    this.#libc.close(this.fd);
  }

  #control(operation: number, fd: number, events: number, token: number): void {
    const { address, words } = this.#change;
    words[0] = events;
    words[TOKEN] = token;
    if (this.#libc.epoll_ctl(this.fd, operation, fd, address) < 0) {
      throw new SystemCallError('epoll_ctl', this.#libc.errno());
    }
  }
}
