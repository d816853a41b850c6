/**
 * The heaviest of an endless number of keys, in bounded memory: the Space-Saving sketch (Metwally, Agrawal, El Abbadi, 2005),
 * with weights and decay. It has at most `capacity` counters. A key that has none takes the place of the lightest, and starts
 * from its weight: that much it may have too many.
 *
 *   weight - excess <= true weight <= weight          for each key that has a counter
 *   true weight <= the lightest counter               for each key that has none
 *   the lightest counter <= total / capacity          so that whoever has a larger share of the total is there
 *
 * Counters lie in a heap, the lightest at the top: a new weight costs as many steps as the heap is deep.
 */
import { assert } from '../base/invariant.ts';

/** As of the moment that it is read. */
export interface Heavy {
  readonly key: string;
  readonly weight: number;
  /** How much of `weight` may be other keys'. */
  readonly excess: number;
}

interface Counter {
  key: string;
  weight: number;
  excess: number;
  /** Its place in the heap. */
  place: number;
}

export class SpaceSaving {
  readonly #capacity: number;
  readonly #byKey = new Map<string, Counter>();
  readonly #heap: Counter[] = [];
  #total = 0;

  constructor(capacity: number) {
    assert(capacity > 0, 'there is room for one key');
    this.#capacity = capacity;
  }

  /** Of all keys, those without a counter included. */
  get total(): number {
    return this.#total;
  }

  add(key: string, weight: number): void {
    this.#total += weight;
    const present = this.#byKey.get(key);
    if (present !== undefined) {
      present.weight += weight;
      this.#sink(present);
    } else if (this.#heap.length < this.#capacity) {
      const counter = { key, weight, excess: 0, place: this.#heap.length };
      this.#heap.push(counter);
      this.#byKey.set(key, counter);
      this.#rise(counter);
    } else {
      const lightest = this.#heap[0]!;
      this.#byKey.delete(lightest.key);
      lightest.key = key;
      lightest.excess = lightest.weight;
      lightest.weight += weight;
      this.#byKey.set(key, lightest);
      this.#sink(lightest);
    }
  }

  /** Makes all that was added so far count for this share of itself, from 0 to 1. */
  decay(share: number): void {
    this.#total *= share;
    for (const counter of this.#heap) {
      counter.weight *= share;
      counter.excess *= share;
    }
  }

  clear(): void {
    this.#total = 0;
    this.#byKey.clear();
    this.#heap.length = 0;
  }

  /** The keys with the most weight that is surely theirs, at most `count`, the heaviest first. */
  heaviest(count: number): Heavy[] {
    return this.#heap
      .map(({ key, weight, excess }) => ({ key, weight, excess }))
      .sort((left, right) => right.weight - right.excess - (left.weight - left.excess))
      .slice(0, count);
  }

  /** Has become heavier: goes down as long as one below is lighter. */
  #sink(counter: Counter): void {
    for (;;) {
      const left = this.#heap[2 * counter.place + 1];
      const right = this.#heap[2 * counter.place + 2];
      const lighter = right !== undefined && right.weight < left!.weight ? right : left;
      if (lighter === undefined || lighter.weight >= counter.weight) return;
      this.#swap(counter, lighter);
    }
  }

  #rise(counter: Counter): void {
    while (counter.place > 0) {
      const above = this.#heap[(counter.place - 1) >> 1]!;
      if (above.weight <= counter.weight) return;
      this.#swap(above, counter);
    }
  }

  /** `upper` and `lower` change places; the one is right above the other. */
  #swap(upper: Counter, lower: Counter): void {
    this.#heap[upper.place] = lower;
    this.#heap[lower.place] = upper;
    [upper.place, lower.place] = [lower.place, upper.place];
  }
}
