/**
 * Which questions are under way, and who waits for each: k identical questions at the same time are one question to an
 * upstream and k replies. Knows neither questions nor waiters; a key is text. Both numbers are bounded.
 */

export interface InFlightLimits {
  /** Questions under way at most. */
  readonly questions: number;
  /** Waiters of all questions together. */
  readonly waiters: number;
}

/** `started`: the caller asks now and calls `finish`; `joined`: somebody asks already; `full`: answer with an error at once. */
export type Joined = 'started' | 'joined' | 'full';

export class InFlightTable<Waiter> {
  readonly #limits: InFlightLimits;
  readonly #waiters = new Map<string, Waiter[]>();
  #waiterCount = 0;
  /** Waiters who found their question under way. */
  coalescedCount = 0;
  /** Questions and waiters turned away at a limit. */
  refusedCount = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  get questionCount(): number {
    return this.#waiters.size;
  }

  get waiterCount(): number {
    return this.#waiterCount;
  }

  /** Waits for the answer to `key`; a refresh has no waiter. */
  join(key: string, waiter: Waiter | undefined): Joined {
    const waiters = this.#waiters.get(key);
    const isFull =
      (waiter !== undefined && this.#waiterCount >= this.#limits.waiters) ||
      (waiters === undefined && this.#waiters.size >= this.#limits.questions);
    if (isFull) {
      this.refusedCount += 1;
      return 'full';
    }
    if (waiter !== undefined) this.#waiterCount += 1;
    if (waiters === undefined) {
      this.#waiters.set(key, waiter === undefined ? [] : [waiter]);
      return 'started';
    }
    if (waiter !== undefined) {
      waiters.push(waiter);
      this.coalescedCount += 1;
    }
    return 'joined';
  }

  /** Takes those who wait so far, while the question goes on (they are answered otherwise). */
  takeWaiters(key: string): Waiter[] {
    const waiters = this.#waiters.get(key) ?? [];
    if (waiters.length === 0) return waiters;
    this.#waiterCount -= waiters.length;
    this.#waiters.set(key, []);
    return waiters;
  }

  /** Ends a question; returns those who wait for it. */
  finish(key: string): Waiter[] {
    const waiters = this.takeWaiters(key);
    this.#waiters.delete(key);
    return waiters;
  }
}
