/**
 * Whether an upstream has fallen silent, as clients' own questions show it long before health checks do: one of them is late or
 * lost, and nothing was heard since it was asked. From then on it gets a few trial questions a second and no more, however
 * many clients ask; others are asked, or wait. Any answer ends it.
 */

/** The first trials come soon, for what ends by itself (one slow name, a restart) ends soon ... */
export const TRIAL_PAUSE_MIN_MS = 50;
/** ... and then less often: a client pays for a trial with the wait until it is asked again elsewhere, and recovery is to be
 * seen within a second. */
export const TRIAL_PAUSE_MAX_MS = 250;

export class Silence {
  #isSuspected = false;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #nextTrialAtMs = 0;
  #trialPauseMs = TRIAL_PAUSE_MIN_MS;

  get isSuspected(): boolean {
    return this.#isSuspected;
  }

  /** The upstream has answered something. */
  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
    this.#isSuspected = false;
    this.#trialPauseMs = TRIAL_PAUSE_MIN_MS;
  }

  /** A question asked then has no answer in time, or never. */
  unanswered(askedAtMs: number): void {
    if (this.#heardAtMs < askedAtMs) this.#isSuspected = true;
  }

  /** Whether a question may be asked now: always while nothing is suspected, else as a trial, which this counts. */
  takeTurn(nowMs: number): boolean {
    if (!this.#isSuspected) return true;
    if (nowMs < this.#nextTrialAtMs) return false;
    this.#nextTrialAtMs = nowMs + this.#trialPauseMs;
    this.#trialPauseMs = Math.min(2 * this.#trialPauseMs, TRIAL_PAUSE_MAX_MS);
    return true;
  }
}
