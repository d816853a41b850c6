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

/** What tells questions apart: the text does, the hash (of 32 bits, with a secret) says where to look. */
export interface FlightKey {
  readonly text: string;
  readonly hash: number;
}

/** `started`: the caller asks now and calls `finish`; `joined`: somebody asks already; `full`: answer with an error at once. */
export type Joined = 'started' | 'joined' | 'full';

/** A question that nobody waits for counts as this source's. */
const REFRESH_SOURCE = '';

/** More than questions on a usual node; in a flood of ten thousand three are looked at in the mean. */
const CHAIN_COUNT = 4096;

interface Question<Waiter> {
  readonly key: FlightKey;
  /** Who started it, and holds its place. */
  readonly source: string;
  waiters: Waiter[];
  /** Of the same chain. */
  next: Question<Waiter> | undefined;
}

export class InFlightTable<Waiter> {
  readonly #sourceOf: (waiter: Waiter) => string;
  /** Chains of our own and not a `Map`, for the reason that `outstanding.ts` gives. */
  readonly #chains: (Question<Waiter> | undefined)[] = new Array(CHAIN_COUNT).fill(undefined);
  #questionCount = 0;
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
    return this.#questionCount;
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
  join(key: FlightKey, waiter: Waiter | undefined): Joined {
    const source = waiter === undefined ? REFRESH_SOURCE : this.#sourceOf(waiter);
    const question = this.#find(key);
    if (question === undefined && !this.#questionShares.take(source)) return 'full';
    if (waiter !== undefined && !this.#waiterShares.take(source)) {
      if (question === undefined) this.#questionShares.giveBack(source);
      return 'full';
    }
    if (question === undefined) {
      this.#add(key, source, waiter === undefined ? [] : [waiter]);
      return 'started';
    }
    if (waiter !== undefined) {
      question.waiters.push(waiter);
      this.coalescedCount += 1;
    }
    return 'joined';
  }

  /** Takes those who wait so far, while the question goes on (they are answered otherwise). */
  takeWaiters(key: FlightKey): Waiter[] {
    const question = this.#find(key);
    if (question === undefined) return [];
    const { waiters } = question;
    question.waiters = [];
    return this.#released(waiters);
  }

  /** Ends a question; returns those who wait for it. */
  finish(key: FlightKey): Waiter[] {
    const question = this.#find(key);
    if (question === undefined) return [];
    this.#questionShares.giveBack(question.source);
    this.#remove(question);
    return this.#released(question.waiters);
  }

  #find({ hash, text }: FlightKey): Question<Waiter> | undefined {
    let question = this.#chains[chainOf(hash)];
    while (question !== undefined && question.key.text !== text) question = question.next;
    return question;
  }

  #add(key: FlightKey, source: string, waiters: Waiter[]): void {
    const chain = chainOf(key.hash);
    this.#chains[chain] = { key, source, waiters, next: this.#chains[chain] };
    this.#questionCount += 1;
  }

  #remove(question: Question<Waiter>): void {
    const chain = chainOf(question.key.hash);
    let before = this.#chains[chain]!;
    if (before === question) this.#chains[chain] = question.next;
    else {
      while (before.next !== question) before = before.next!;
      before.next = question.next;
    }
    question.next = undefined;
    this.#questionCount -= 1;
  }

  #released(waiters: Waiter[]): Waiter[] {
    for (const waiter of waiters) this.#waiterShares.giveBack(this.#sourceOf(waiter));
    return waiters;
  }
}

function chainOf(hash: number): number {
  return hash & (CHAIN_COUNT - 1);
}
