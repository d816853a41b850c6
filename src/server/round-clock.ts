/**
 * The monotonic clock of a responder, in milliseconds: asked for at most a few times a round, through `clock_gettime`, since
 * `process.hrtime` allocates. The time is in an array so that no number object is made of it.
 */
import { type Libc, OS, Pinned } from '../os/libc.ts';

export class RoundClock {
  readonly #libc: Libc;
  readonly #timespec: Pinned;
  readonly #time = new Float64Array(1);
  #isFresh = false;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#timespec = new Pinned(libc, 16);
    this.read();
  }

  /** From here on the time as it was read last is an old one. */
  startRound(): void {
    this.#isFresh = false;
  }

  /** Asks for the time, with fractions. */
  read(): number {
    const { address, words } = this.#timespec;
    this.#libc.clock_gettime(OS.CLOCK_MONOTONIC, address);
    this.#time[0] = words[0]! * 1000 + words[2]! / 1e6;
    this.#isFresh = true;
    return this.#time[0]!;
  }

  /** Of this round. */
  get nowMs(): number {
    return this.#isFresh ? this.#time[0]! : this.read();
  }

  /** The same in whole milliseconds, wrapping: for differences. */
  get word(): number {
    if (!this.#isFresh) this.read();
    return this.#time[0]! | 0;
  }
}
