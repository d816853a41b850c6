/** How long an upstream takes: a running mean, and an estimate of the 95th percentile that decides when a query is late. */
import { Percentile } from './percentile.ts';

/** Weight of a new sample in the mean: the last twenty or so count. */
const MEAN_WEIGHT = 0.05;
/** From 1 ms to 1 s and back takes a few hundred samples. */
const STEP = 0.005;
/** Bounds of the time after which a query is asked again (a hedge): below, a stall of our own would cause it; above, the
 * stub resolver's own patience of 5 s would not leave room for a third try. */
const HEDGE_DELAY_MIN_MS = 250;
const HEDGE_DELAY_MAX_MS = 500;

export class Latency {
  meanMs = 0;
  readonly #p95 = new Percentile(0.95, STEP);

  get p95Ms(): number {
    return this.#p95.ms;
  }

  add(sampleMs: number): void {
    if (this.p95Ms === 0) this.meanMs = sampleMs;
    else this.meanMs += MEAN_WEIGHT * (sampleMs - this.meanMs);
    this.#p95.add(sampleMs);
  }

  /** After how long without an answer to ask again. */
  hedgeDelayMs(): number {
    return Math.min(HEDGE_DELAY_MAX_MS, Math.max(HEDGE_DELAY_MIN_MS, 2 * this.p95Ms));
  }
}
