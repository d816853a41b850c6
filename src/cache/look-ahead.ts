/**
 * Lets the memory that the hits of a batch will read come while the processor waits for the first of it. Where the cache is
 * larger than the processor's own, a hit waits three times for memory, since each place is written in the one before:
 *
 *   bucket -> entry -> mark
 *
 * Here each of these steps is taken for the whole batch in a loop of few instructions, so that its waits are one (bench/README.md
 * has what that saves). What is read decides nothing: the links are read plainly, where a look-up reads them through Atomics, and an
 * entry that is not the first of its chain is found by its look-up as ever.
 */
import { word } from '../wire/octets.ts';
import { ENTRY } from './entry.ts';
import { type CacheMemory, LINE, MARK_WORDS, UNIT_WORDS } from './memory.ts';

const LINE_WORDS = LINE / 4;

export class LookAhead {
  readonly #memory: CacheMemory;
  readonly #marksAt: number;
  /** By place in the batch: its key's hash, and the first entry of that chain. */
  readonly #hashes: Int32Array;
  readonly #entries: Int32Array;
  /** What was read goes here: what nobody uses, the compiler would not read. */
  #sum = 0;

  /** `marksAt`: of the reader, as `marksOf` has it. */
  constructor(memory: CacheMemory, marksAt: number, batchMax: number) {
    this.#memory = memory;
    this.#marksAt = marksAt;
    this.#hashes = new Int32Array(batchMax);
    this.#entries = new Int32Array(batchMax);
  }

  /** The key that is to be looked up for a place. A place that none is set for keeps an earlier one, which does no harm. */
  set(place: number, hash: number): void {
    this.#hashes[place] = hash;
  }

  /** For the places before `count`; to be called inside a reader's epoch, as a look-up is. */
  run(count: number): void {
    const { words, bucketsAt, slabAt, plan } = this.#memory;
    const entries = this.#entries;
    for (let place = 0; place < count; place++) {
      const bucket = bucketsAt + (word(this.#hashes, place) & (plan.bucketCount - 1));
      entries[place] = slabAt + word(words, bucket) * UNIT_WORDS;
    }
    let sum = 0;
    for (let place = 0; place < count; place++) {
      const at = word(entries, place);
      // Three lines hold an entry with one address, and are within the slab for any other: its last unit is never an entry's.
      sum ^= word(words, at) ^ word(words, at + LINE_WORDS) ^ word(words, at + 2 * LINE_WORDS);
    }
    for (let place = 0; place < count; place++) {
      const slot = word(words, word(entries, place) + ENTRY.SLOT);
      sum ^= word(words, this.#marksAt + slot * MARK_WORDS);
    }
    this.#sum ^= sum;
  }
}
