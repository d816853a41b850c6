/**
 * Time for the loop of a load: CLOCK_MONOTONIC in ticks of 100 ns as a 32-bit integer that wraps. Such a number lives in
 * a register and an Int32Array; `performance.now()` allocates 12 octets a call, `process.hrtime()` an array.
 *
 * Differences are right up to 107 s, which bounds the length of a run.
 */
import { type Libc, OS, Pinned } from '../../src/os/libc.ts';

/** A point in time or a length of time in units of 100 ns. */
export type Ticks = number;

export const TICKS_PER_SECOND = 10_000_000;
export const TICKS_PER_MS = 10_000;
/** Below 107 s by the 2 s that a run waits for its last replies. */
export const RUN_SECONDS_MAX = 100;

/** From `from` to `to`; negative when `to` comes first. */
export function ticksBetween(from: Ticks, to: Ticks): Ticks {
  return (to - from) | 0;
}

export class TickClock {
  readonly #libc: Libc;
  readonly #time: Pinned;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#time = new Pinned(libc, 16);
  }

  now(): Ticks {
    this.#libc.clock_gettime(OS.CLOCK_MONOTONIC, this.#time.address);
    const words = this.#time.words;
    return (Math.imul(words[0]!, TICKS_PER_SECOND) + ((words[2]! / 100) | 0)) | 0;
  }
}
