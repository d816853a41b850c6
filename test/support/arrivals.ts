/**
 * A list that things arrive in, and that a test can wait on: the next one, or until there are so many.
 */
import { within } from './deadline.ts';

interface Waiter {
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

export class Arrivals<T> {
  /** Everything that arrived, oldest first. */
  readonly all: T[] = [];
  readonly #what: string;
  readonly #waiters = new Set<Waiter>();
  #taken = 0;
  #end: Error | undefined;

  /** `what` names one of them in the message of a failed wait. */
  constructor(what: string) {
    this.#what = what;
  }

  push(value: T): void {
    this.all.push(value);
    for (const { count, resolve } of this.#waiters) if (this.all.length >= count) resolve();
  }

  /** Nothing more will arrive: who waits in vain gets `reason`. */
  end(reason: Error): void {
    this.#end ??= reason;
    for (const { reject } of this.#waiters) reject(reason);
  }

  /** The first one not yet taken. */
  async next(timeoutMs?: number): Promise<T> {
    const index = this.#taken++;
    try {
      await this.count(index + 1, timeoutMs);
    } catch (error) {
      this.#taken -= 1; // what arrives later is still there to be taken
      throw error;
    }
    return this.all[index]!;
  }

  /** Resolves when at least `count` have arrived. */
  async count(count: number, timeoutMs?: number): Promise<void> {
    if (this.all.length >= count) return;
    if (this.#end) throw this.#end;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { count, resolve, reject };
    this.#waiters.add(waiter);
    try {
      await within(promise, `${this.#what} number ${count}`, timeoutMs);
    } finally {
      this.#waiters.delete(waiter);
    }
  }
}
