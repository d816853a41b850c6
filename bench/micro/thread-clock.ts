/**
 * The CPU time of this thread in nanoseconds, collections of its heap included. `process.threadCpuUsage()` counts in ticks of
 * the scheduler, which is nothing for what takes less than one.
 */
import { Pinned, requireLibc } from '../../src/os/libc.ts';

/** linux/time.h: what other processes take from the core is not in it. */
const CLOCK_THREAD_CPUTIME_ID = 3;

export class ThreadClock {
  readonly #libc = requireLibc();
  readonly #time = new Pinned(this.#libc, 16);

  nowNs(): number {
    this.#libc.clock_gettime(CLOCK_THREAD_CPUTIME_ID, this.#time.address);
    return this.#time.words[0]! * 1e9 + this.#time.words[2]!;
  }
}
