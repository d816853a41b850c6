/**
 * How long an upstream takes: a running mean, and an estimate of the 95th percentile that decides when a query is late. Each
 * costs a few operations a sample and keeps no samples.
 */

/** Weight of a new sample in the mean: the last twenty or so count. */
const MEAN_WEIGHT = 0.05;
/**
 * The percentile moves up by 19 steps where a sample is above it and down by one where below, so that it rests where one
 * in twenty is above. A step is a share of the value: from 1 ms to 1 s and back takes a few hundred samples.
 */
const PERCENTILE_STEP = 0.005;
const PERCENTILE_RISE = 1 + 19 * PERCENTILE_STEP;
const PERCENTILE_FALL = 1 - PERCENTILE_STEP;
const PERCENTILE_MIN_MS = 0.1;
/** Bounds of the time after which a query is asked again (a hedge): below, a stall of our own would cause it; above, the
 * stub resolver's own patience of 5 s would not leave room for a third try. */
const HEDGE_DELAY_MIN_MS = 250;
const HEDGE_DELAY_MAX_MS = 500;

export class Latency {
  meanMs = 0;
  p95Ms = 0;

  add(sampleMs: number): void {
    if (this.p95Ms === 0) {
      this.meanMs = sampleMs;
      this.p95Ms = Math.max(sampleMs, PERCENTILE_MIN_MS);
      return;
    }
    this.meanMs += MEAN_WEIGHT * (sampleMs - this.meanMs);
    this.p95Ms *= sampleMs > this.p95Ms ? PERCENTILE_RISE : PERCENTILE_FALL;
    if (this.p95Ms < PERCENTILE_MIN_MS) this.p95Ms = PERCENTILE_MIN_MS;
  }

  /** After how long without an answer to ask again. */
  hedgeDelayMs(): number {
    return Math.min(HEDGE_DELAY_MAX_MS, Math.max(HEDGE_DELAY_MIN_MS, 2 * this.p95Ms));
  }
}
