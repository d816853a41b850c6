/**
 * Who has which units of the slab: an allocator of runs of 64-octet units. Only the resolver calls it.
 *
 * Its bookkeeping lives inside the units, so that memory which holds nothing costs nothing:
 *
 *   used run   word 0: size << 2 | previous-run-is-free << 1        the rest belongs to the entry
 *   free run   word 0: size << 2 | 1, word 1: next, word 2: previous free run of the same bin, last word: size
 *
 * A freed run is joined with its free neighbours at once. Bins hold runs of one size up to 63 units, then of one power of
 * two; the smallest bin that is sure to fit is taken, which wastes less than a bin's width. Readers never look at word 0
 * of an entry, nor at units that are free: epochs.ts says when that is.
 */
import { assert } from '../base/invariant.ts';
import { word } from '../wire/octets.ts';
import { type CacheMemory, UNIT, UNIT_WORDS } from './memory.ts';

const FREE = 1;
const PREVIOUS_FREE = 2;
const EXACT_BINS = 64;
const BIN_COUNT = EXACT_BINS + 32;
/** Runs looked at in a bin whose runs differ in size, before the next bin is taken, where every run fits. */
const BIN_WALK_MAX = 8;

export class Slab {
  readonly #words: Int32Array;
  readonly #base: number;
  /** Unit of the first free run per bin; 0: none. */
  readonly #bins = new Int32Array(BIN_COUNT);
  readonly unitCount: number;
  #usedUnits = 0;

  constructor(memory: CacheMemory) {
    this.#words = memory.words;
    this.#base = memory.slabAt;
    this.unitCount = memory.plan.unitCount;
    // Unit 0 stands for "none"; the last unit is a used run that ends the walk to the right.
    assert(this.unitCount > 2);
    this.#words[this.#at(this.unitCount - 1)] = 1 << 2;
    this.#addFree(1, this.unitCount - 2);
  }

  get usedBytes(): number {
    return this.#usedUnits * UNIT;
  }

  get capacityBytes(): number {
    return (this.unitCount - 2) * UNIT;
  }

  /** The first unit of a run that holds `bytes`, or 0 where none is free. */
  allocate(bytes: number): number {
    const size = Math.ceil(bytes / UNIT);
    const unit = this.#findFree(size);
    if (unit === 0) return 0;
    const found = this.#sizeOf(unit);
    this.#removeFree(unit, found);
    if (found > size) this.#addFree(unit + size, found - size);
    else this.#clearPreviousFree(unit + size);
    this.#words[this.#at(unit)] = size << 2;
    this.#usedUnits += size;
    return unit;
  }

  /** Gives a run back. */
  free(unit: number): void {
    const header = word(this.#words, this.#at(unit));
    assert((header & FREE) === 0, 'a run is freed once');
    let start = unit;
    let size = header >> 2;
    this.#usedUnits -= size;
    const right = unit + size;
    if ((word(this.#words, this.#at(right)) & FREE) !== 0) {
      const rightSize = this.#sizeOf(right);
      this.#removeFree(right, rightSize);
      size += rightSize;
    }
    if ((header & PREVIOUS_FREE) !== 0) {
      const leftSize = word(this.#words, this.#at(unit) - 1);
      start -= leftSize;
      this.#removeFree(start, leftSize);
      size += leftSize;
    }
    this.#addFree(start, size);
  }

  /** Octets of the run at `unit`. */
  bytesOf(unit: number): number {
    return this.#sizeOf(unit) * UNIT;
  }

  #at(unit: number): number {
    return this.#base + unit * UNIT_WORDS;
  }

  #sizeOf(unit: number): number {
    return word(this.#words, this.#at(unit)) >> 2;
  }

  #findFree(size: number): number {
    let bin = binOf(size);
    if (bin >= EXACT_BINS) {
      let unit = word(this.#bins, bin);
      for (let step = 0; unit !== 0 && step < BIN_WALK_MAX; step++) {
        if (this.#sizeOf(unit) >= size) return unit;
        unit = word(this.#words, this.#at(unit) + 1);
      }
      bin += 1;
    }
    for (; bin < BIN_COUNT; bin++) {
      const unit = word(this.#bins, bin);
      if (unit !== 0) return unit;
    }
    return 0;
  }

  #addFree(unit: number, size: number): void {
    const at = this.#at(unit);
    const bin = binOf(size);
    const next = word(this.#bins, bin);
    this.#words[at] = (size << 2) | FREE;
    this.#words[at + 1] = next;
    this.#words[at + 2] = 0;
    this.#words[at + size * UNIT_WORDS - 1] = size;
    if (next !== 0) this.#words[this.#at(next) + 2] = unit;
    this.#bins[bin] = unit;
    const right = this.#at(unit + size);
    this.#words[right] = word(this.#words, right) | PREVIOUS_FREE;
  }

  #removeFree(unit: number, size: number): void {
    const at = this.#at(unit);
    const next = word(this.#words, at + 1);
    const previous = word(this.#words, at + 2);
    if (next !== 0) this.#words[this.#at(next) + 2] = previous;
    if (previous !== 0) this.#words[this.#at(previous) + 1] = next;
    else this.#bins[binOf(size)] = next;
  }

  #clearPreviousFree(unit: number): void {
    const at = this.#at(unit);
    this.#words[at] = word(this.#words, at) & ~PREVIOUS_FREE;
  }
}

function binOf(size: number): number {
  return size < EXACT_BINS ? size : EXACT_BINS + 31 - Math.clz32(size) - 6;
}
