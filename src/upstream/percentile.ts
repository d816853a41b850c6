/** An estimate of one percentile of a stream of times: a few operations a sample, and no sample is kept. */

/** It is moved by shares of itself, so that it never leaves zero. */
const MIN_MS = 0.1;

export class Percentile {
  /** 0: no sample so far. */
  ms = 0;
  readonly #rise: number;
  readonly #fall: number;

  /**
   * `share`: of the samples, that are below it. One below moves it down by a step, a share of itself; one above moves it up by as
   * many as make it rest there, 19 where one in twenty is above, a ninth where nine in ten are.
   */
  constructor(share: number, step: number) {
    this.#rise = 1 + (step * share) / (1 - share);
    this.#fall = 1 - step;
  }

  add(sampleMs: number): void {
    if (this.ms === 0) this.ms = sampleMs;
    else this.ms *= sampleMs > this.ms ? this.#rise : this.#fall;
    if (this.ms < MIN_MS) this.ms = MIN_MS;
  }
}
