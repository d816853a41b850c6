/**
 * When the memory of an entry may be used again: epoch-based reclamation (as in RCU), one writer, many readers.
 *
 *   global epoch G      one word, written by the resolver only
 *   reader's epoch R[i] one word a reader, written by that reader only; 0 while it reads nothing (it waits in the kernel)
 *
 *   reader, a batch:    Atomics.store(R[i], Atomics.load(G)) ; look up entries ... ; Atomics.store(R[i], 0)
 *   writer, removing:   Atomics.store(the link to the entry) ; tag := G ; Atomics.store(G, G + 1) ; keep (entry, tag)
 *   writer, later:      the entry is free when for every i:  Atomics.load(R[i]) is 0 or after tag
 *
 * Why it holds. All four are sequentially consistent. If the writer reads R[i] = 0 from before a batch, then the batch's
 * store, and with it every later `Atomics.load` of a link, comes after the link was removed: that batch cannot find the
 * entry. If it reads R[i] > tag, the reader loaded G after the removal, with the same result. Links must be read with
 * `Atomics.load`: on arm64 a plain load may pass the reader's own store before it.
 *
 * The reader announces G as it loaded it; if G moves on between its load and its store, it announces an older epoch than it
 * could, which only keeps memory longer. A stopped reader keeps everything: the list of retired entries is bounded, and when
 * it is full nothing more is admitted (counted) until the reader moves. Epochs wrap; they are compared by difference.
 * `test/cache/epochs.test.ts` walks through all interleavings of a small model of this.
 */
import { assert } from '../base/invariant.ts';
import { word } from '../wire/octets.ts';
import { type CacheMemory, LINE } from './memory.ts';

const LINE_WORDS = LINE / 4;

/** A reader's side; `enter` before the first look-up of a batch, `leave` after the last octet was copied. */
export class ReaderEpoch {
  readonly #words: Int32Array;
  readonly #globalAt: number;
  readonly #ownAt: number;

  constructor(memory: CacheMemory, reader: number) {
    this.#words = memory.words;
    this.#globalAt = memory.epochAt;
    this.#ownAt = memory.epochAt + LINE_WORDS * (1 + reader);
  }

  enter(): void {
    Atomics.store(this.#words, this.#ownAt, Atomics.load(this.#words, this.#globalAt));
  }

  leave(): void {
    Atomics.store(this.#words, this.#ownAt, 0);
  }
}

/** The writer's side: retired units in the order of their tags. */
export class RetiredUnits {
  readonly #words: Int32Array;
  readonly #epochAt: number;
  readonly #readerCount: number;
  readonly #units: Int32Array;
  readonly #tags: Int32Array;
  #head = 0;
  #count = 0;

  /** `limit`: units that may wait at most. */
  constructor(memory: CacheMemory, limit: number) {
    this.#words = memory.words;
    this.#epochAt = memory.epochAt;
    this.#readerCount = memory.plan.readerCount;
    this.#units = new Int32Array(limit);
    this.#tags = new Int32Array(limit);
    Atomics.store(this.#words, this.#epochAt, 1);
  }

  get count(): number {
    return this.#count;
  }

  /** Call after the last link to the entry was removed, and only while the list has room. */
  retire(unit: number): void {
    assert(this.#count < this.#units.length, 'the list of retired units is bounded by its owner');
    const tail = (this.#head + this.#count) % this.#units.length;
    const epoch = Atomics.load(this.#words, this.#epochAt);
    this.#units[tail] = unit;
    this.#tags[tail] = epoch;
    this.#count += 1;
    // 0 means "reads nothing", so no epoch has that number.
    Atomics.store(this.#words, this.#epochAt, epoch === -1 ? 1 : (epoch + 1) | 0);
  }

  /** Hands each unit that no reader can see any more to `free`. */
  reclaim(free: (unit: number) => void): void {
    if (this.#count === 0) return;
    const oldest = this.#oldestReader();
    while (this.#count > 0) {
      if (oldest !== 0 && ((oldest - word(this.#tags, this.#head)) | 0) <= 0) return;
      free(word(this.#units, this.#head));
      this.#head = (this.#head + 1) % this.#units.length;
      this.#count -= 1;
    }
    // From the front again: going round for ever would touch all of it.
    this.#head = 0;
  }

  /** The earliest epoch that a reader is in; 0 where none reads. */
  #oldestReader(): number {
    let oldest = 0;
    for (let reader = 1; reader <= this.#readerCount; reader++) {
      const epoch = Atomics.load(this.#words, this.#epochAt + LINE_WORDS * reader);
      if (epoch !== 0 && (oldest === 0 || ((epoch - oldest) | 0) < 0)) oldest = epoch;
    }
    return oldest;
  }
}
