/**
 * Waiting for replies with the precision that a fixed rate needs: `ppoll` counts in nanoseconds where `poll` counts in
 * milliseconds, and the timer slack is set from 50 us to the least. These two calls are the load generator's alone, hence
 * here and not in `src/os`.
 */
import { createRequire } from 'node:module';
import { type Libc, OS, Pinned } from '../../src/os/libc.ts';
import { TICKS_PER_SECOND, type Ticks } from './clock.ts';

interface WaitCalls {
  ppoll(fds: number, count: number, timeout: number, signals: number): number;
  prctl(option: number, argument: number): number;
}

/** linux/prctl.h */
const PR_SET_TIMERSLACK = 29;
const POLLFD_OCTETS = 8;

/** Waits on a fixed list of descriptors. */
export class ReadWait {
  readonly #calls: WaitCalls;
  readonly #fds: Pinned;
  readonly #count: number;
  readonly #timeout: Pinned;

  constructor(libc: Libc, fds: readonly number[]) {
    this.#calls = loadWaitCalls();
    this.#count = fds.length;
    this.#fds = new Pinned(libc, fds.length * POLLFD_OCTETS);
    this.#timeout = new Pinned(libc, 16);
    for (const [index, fd] of fds.entries()) {
      this.#fds.words[index * 2] = fd;
      this.#fds.words[index * 2 + 1] = OS.POLLIN;
    }
    this.#calls.prctl(PR_SET_TIMERSLACK, 1);
  }

  /** Returns when a descriptor is readable (or in error) or after `timeout`; a signal ends it early too. */
  wait(timeout: Ticks): void {
    this.#timeout.words[0] = (timeout / TICKS_PER_SECOND) | 0;
    this.#timeout.words[2] = (timeout % TICKS_PER_SECOND) * 100;
    this.#calls.ppoll(this.#fds.address, this.#count, this.#timeout.address, 0);
  }

  /** Whether the last `wait` found descriptor number `index` readable or in error. */
  isReady(index: number): boolean {
    return this.#fds.words[index * 2 + 1]! >>> 16 !== 0;
  }
}

function loadWaitCalls(): WaitCalls {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi').default;
  const library = koffi.load(null); // what the process has loaded, glibc or musl
  return {
    ppoll: library.func('int ppoll(uintptr_t, unsigned long, uintptr_t, uintptr_t)'),
    prctl: library.func('int prctl(int, unsigned long)'),
  } as unknown as WaitCalls;
}
