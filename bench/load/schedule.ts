/**
 * When the queries of an open loop are due: evenly at a rate, in bursts of the same mean rate, or with a spike in the
 * middle third. Query n is due at a time that depends on n alone, never on an answer.
 *
 *   even    |  |  |  |  |  |  |  |  |
 *   bursts  |||         |||         |||
 *   spike   |     |     |||||||||||||     |     |
 */
import { TICKS_PER_SECOND, type Ticks } from './clock.ts';

export interface Pace {
  readonly ratePerSecond: number;
  /** How many queries leave at once; 1: evenly. */
  readonly burst: number;
  /** The rate of the middle third; undefined: no spike. */
  readonly spikePerSecond: number | undefined;
}

export class Schedule {
  /** How many queries the whole phase has. */
  readonly count: number;
  readonly #interval: number;
  readonly #burst: number;
  readonly #spikeInterval: number;
  /** The number of the spike's first query, and of the first one after it. */
  readonly #spikeFrom: number;
  readonly #spikeTo: number;

  constructor(pace: Pace, seconds: number, countMax: number) {
    const { ratePerSecond, spikePerSecond = ratePerSecond } = pace;
    this.#burst = pace.burst;
    this.#interval = TICKS_PER_SECOND / ratePerSecond;
    this.#spikeInterval = TICKS_PER_SECOND / spikePerSecond;
    const third = seconds / 3;
    this.#spikeFrom = Math.floor(third * ratePerSecond);
    this.#spikeTo = this.#spikeFrom + Math.floor(third * spikePerSecond);
    const planned =
      pace.spikePerSecond === undefined
        ? Math.floor(seconds * ratePerSecond)
        : this.#spikeTo + this.#spikeFrom;
    this.count = Math.min(countMax, planned);
  }

  /** From the start of the phase. Non-decreasing. */
  dueAfter(query: number): Ticks {
    const first = this.#burst === 1 ? query : query - (query % this.#burst);
    if (first <= this.#spikeFrom) return Math.floor(first * this.#interval);
    const inSpike = Math.min(first, this.#spikeTo) - this.#spikeFrom;
    const after = Math.max(0, first - this.#spikeTo);
    return Math.floor((this.#spikeFrom + after) * this.#interval + inSpike * this.#spikeInterval);
  }
}
