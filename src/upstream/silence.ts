/**
 * Whether an upstream has fallen silent, as clients' own questions show it long before health checks do: one of them is late or
 * lost, and nothing was heard since it was asked. Then others are asked first; after a second of it, the upstream gets
 * a few trial questions a second and no more, however many clients ask. Any answer ends it.
 */

/** So long a pause may be a slow name or a short break; questions still go there if there is nobody else. */
const CERTAIN_AFTER_MS = 1000;
/** A client pays for a trial with the wait until it is asked again elsewhere; recovery is to be seen within a second. */
export const TRIAL_INTERVAL_MS = 250;

export class Silence {
  #sinceMs = Number.POSITIVE_INFINITY;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #nextTrialAtMs = 0;

  get isSuspected(): boolean {
    return this.#sinceMs !== Number.POSITIVE_INFINITY;
  }

  isCertain(nowMs: number): boolean {
    return nowMs - this.#sinceMs >= CERTAIN_AFTER_MS;
  }

  /** The upstream has answered something. */
  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
    this.#sinceMs = Number.POSITIVE_INFINITY;
  }

  /** A question asked then has no answer in time, or never. */
  unanswered(askedAtMs: number): void {
    if (this.#heardAtMs < askedAtMs) this.#sinceMs = Math.min(this.#sinceMs, askedAtMs);
  }

  /** Whether a question may be asked now: always while nothing is suspected, else as a trial, which this counts. */
  takeTurn(nowMs: number): boolean {
    if (!this.isSuspected) return true;
    if (nowMs < this.#nextTrialAtMs) return false;
    this.#nextTrialAtMs = nowMs + TRIAL_INTERVAL_MS;
    return true;
  }
}
