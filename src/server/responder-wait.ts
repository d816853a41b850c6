/**
 * How a responder waits for its UDP sockets, its eventfd and TCP's descriptors, in one of two ways:
 *
 * - At a low rate in `epoll`, which knows all of them: a wake-up is one system call, which sets nothing up and looks at nothing twice.
 * - When datagrams come in batches in `poll`, for the UDP sockets and for epoll's descriptor, which has the rest: a socket that epoll
 *   knows calls it for each datagram that comes and each reply that has left, also while nobody waits, 0.15 us of a hit's 2.4.
 *
 * A wait ends at the next tick at the latest, every other second: a thread that sat in a system call for ever would hang the whole
 * process's reports and its heap statistics, and a wake-up that got lost would never be noticed. An idle thread pays 0.1 ms for each.
 */
import type { Epoll } from '../os/epoll.ts';
import { type Libc, OS, Pinned } from '../os/libc.ts';
import { Ticker } from '../os/ticker.ts';
import { TOKEN } from './stream-listeners.ts';

/** A round that receives so many makes it `poll`: each costs epoll's call, and one wait is spread over them. */
const MANY = 8;
/** After so many rounds in a row with fewer it is epoll again: a change is a system call for each socket. */
const FEW_ROUNDS = 64;
const POLLFD_SIZE = 8;
const TICK_MS = 2000;
/** For a wait without a bound, as `poll` and `epoll_wait` have it: a whole number, where V8 would make an object of Infinity each time. */
export const FOREVER_MS = -1;

export class ResponderWait {
  readonly #libc: Libc;
  readonly #epoll: Epoll;
  #fds: readonly number[] = [];
  /** An array of `pollfd`: the UDP sockets, behind them epoll's descriptor. */
  #pollSet: Pinned;
  /** The UDP sockets that epoll knows: none while it is `poll`. */
  #watched: number[] = [];
  #polls = true;
  #fewRounds = 0;
  #isOver = false;
  readonly #ticker: Ticker;

  constructor(libc: Libc, epoll: Epoll, eventFd: number) {
    this.#libc = libc;
    this.#epoll = epoll;
    this.#ticker = new Ticker(libc, TICK_MS);
    epoll.add(this.#ticker.fd, OS.EPOLLIN, TOKEN.TICK);
    epoll.add(eventFd, OS.EPOLLIN, TOKEN.EVENT_FD);
    this.#pollSet = this.#createPollSet();
  }

  /** Whether nothing came in the time of the last wait but a tick. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Waits for these from now on. Those from before are still open. */
  setSockets(fds: readonly number[]): void {
    this.#enterPoll();
    this.#fds = fds;
    this.#pollSet = this.#createPollSet();
  }

  /** At most so long, and until the next tick. How many events epoll has at the end; the tokens of UDP sockets are their indexes. */
  wait(maxMs = FOREVER_MS): number {
    if (this.#polls) return this.#poll(0, maxMs);
    const count = this.#epoll.wait(maxMs);
    this.#isOver = this.#isNothing(count);
    return count;
  }

  /** The same without the UDP sockets, which others read: only `poll` can leave them out. */
  waitAside(maxMs = FOREVER_MS): number {
    if (!this.#polls) this.#enterPoll();
    return this.#poll(this.#fds.length, maxMs);
  }

  /** Whether `poll` found an entry ready; `revents` is the upper half of its second word. */
  hasPolled(index: number): boolean {
    return this.#polls && this.#pollSet.words[2 * index + 1]! >>> 16 !== 0;
  }

  /** To be called when epoll tells TOKEN.TICK. */
  takeTick(): void {
    this.#ticker.take();
  }

  close(): void {
    this.#ticker.close();
  }

  /** Chooses how to wait the next time. */
  received(count: number): void {
    if (count >= MANY) {
      this.#fewRounds = 0;
      if (!this.#polls) this.#enterPoll();
    } else if (this.#polls && ++this.#fewRounds === FEW_ROUNDS) {
      this.#leavePoll();
    }
  }

  /** From the entry `first` on. */
  #poll(first: number, maxMs: number): number {
    const { address, words } = this.#pollSet;
    const count = this.#fds.length + 1 - first;
    // A sum is an object for V8 each time.
    const from = first === 0 ? address : address + first * POLLFD_SIZE;
    const ready = this.#libc.poll(from, count, maxMs);
    // A signal came first: what the kernel said the last time is still there.
    if (ready < 0) for (let at = 1; at < words.length; at += 2) words[at] = OS.POLLIN;
    const isOthers = this.hasPolled(this.#fds.length);
    const events = isOthers ? this.#epoll.wait(0) : 0;
    this.#isOver = ready <= (isOthers ? 1 : 0) && this.#isNothing(events);
    return events;
  }

  #isNothing(events: number): boolean {
    return events === 0 || (events === 1 && this.#epoll.tokenAt(0) === TOKEN.TICK);
  }

  #enterPoll(): void {
    this.#fewRounds = 0;
    this.#polls = true;
    for (const fd of this.#watched) this.#epoll.remove(fd);
    this.#watched = [];
  }

  #leavePoll(): void {
    try {
      for (const [index, fd] of this.#fds.entries()) {
        this.#epoll.add(fd, OS.EPOLLIN, index);
        this.#watched.push(fd);
      }
      this.#polls = false;
    } catch {
      // The user has no watches left (fs.epoll.max_user_watches): `poll` needs none.
      this.#enterPoll();
    }
  }

  #createPollSet(): Pinned {
    const fds = [...this.#fds, this.#epoll.fd];
    const pollSet = new Pinned(this.#libc, POLLFD_SIZE * fds.length);
    for (const [index, fd] of fds.entries()) {
      pollSet.words[2 * index] = fd;
      pollSet.words[2 * index + 1] = OS.POLLIN;
    }
    return pollSet;
  }
}

/** The shorter of two waits. */
export function shorterMs(oneMs: number, otherMs: number): number {
  if (oneMs === FOREVER_MS) return otherMs;
  return otherMs === FOREVER_MS ? oneMs : Math.min(oneMs, otherMs);
}
