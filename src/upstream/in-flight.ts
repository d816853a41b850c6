/**
 * Which questions are under way, and who waits for each: k identical questions at the same time are one question to an
 * upstream and k replies. Knows neither questions nor waiters; a key is text. Both numbers are bounded, and shared fairly
 * among the sources that the waiters come from.
 */
import { FairShare } from '../base/fair-share.ts';

export interface InFlightLimits {
  /** Questions under way at most. */
  readonly questions: number;
  /** Waiters of all questions together. */
  readonly waiters: number;
}

/** What metrics tell of it. */
export type InFlightCounts = Pick<
  InFlightTable<unknown>,
  'questionCount' | 'waiterCount' | 'coalescedCount' | 'fullCount' | 'unfairCount'
>;

/** `started`: the caller asks now and calls `finish`; `joined`: somebody asks already; `full`: answer with an error at once. */
export type Joined = 'started' | 'joined' | 'full';

/** A question that nobody waits for counts as this source's. */
const REFRESH_SOURCE = '';

interface Question<Waiter> {
  /** Who started it, and holds its place. */
  readonly source: string;
  waiters: Waiter[];
}

export class InFlightTable<Waiter> {
  readonly #sourceOf: (waiter: Waiter) => string;
  readonly #questions = new Map<string, Question<Waiter>>();
  readonly #questionShares: FairShare;
  readonly #waiterShares: FairShare;
  /** Waiters who found their question under way. */
  coalescedCount = 0;

  constructor(limits: InFlightLimits, sourceOf: (waiter: Waiter) => string) {
    this.#sourceOf = sourceOf;
    this.#questionShares = new FairShare(limits.questions);
    this.#waiterShares = new FairShare(limits.waiters);
  }

  get questionCount(): number {
    return this.#questions.size;
  }

  get waiterCount(): number {
    return this.#waiterShares.held;
  }

  /** Turned away because a limit was reached. */
  get fullCount(): number {
    return this.#questionShares.fullCount + this.#waiterShares.fullCount;
  }

  /** Turned away because their source held its share. */
  get unfairCount(): number {
    return this.#questionShares.unfairCount + this.#waiterShares.unfairCount;
  }

  /** Waits for the answer to `key`; a refresh has no waiter. */
  join(key: string, waiter: Waiter | undefined): Joined {
    const source = waiter === undefined ? REFRESH_SOURCE : this.#sourceOf(waiter);
    const question = this.#questions.get(key);
    if (question === undefined && !this.#questionShares.take(source)) return 'full';
    if (waiter !== undefined && !this.#waiterShares.take(source)) {
      if (question === undefined) this.#questionShares.giveBack(source);
      return 'full';
    }
    if (question === undefined) {
      this.#questions.set(key, { source, waiters: waiter === undefined ? [] : [waiter] });
      return 'started';
    }
    if (waiter !== undefined) {
      question.waiters.push(waiter);
      this.coalescedCount += 1;
    }
    return 'joined';
  }

  /** Takes those who wait so far, while the question goes on (they are answered otherwise). */
  takeWaiters(key: string): Waiter[] {
    const question = this.#questions.get(key);
    if (question === undefined) return [];
    const { waiters } = question;
    question.waiters = [];
    return this.#released(waiters);
  }

  /** Ends a question; returns those who wait for it. */
  finish(key: string): Waiter[] {
    const question = this.#questions.get(key);
    if (question === undefined) return [];
    this.#questionShares.giveBack(question.source);
    this.#questions.delete(key);
    return this.#released(question.waiters);
  }

  #released(waiters: Waiter[]): Waiter[] {
    for (const waiter of waiters) this.#waiterShares.giveBack(this.#sourceOf(waiter));
    return waiters;
  }
}
