/**
 * "Refresh me": slots of entries that a reader served stale or close to their end. One ring a reader, the reader writes, the
 * resolver takes. A slot may have passed to another entry on the way; the resolver checks whether a refresh is due at all.
 *
 *   word 0: written so far   (own line)      word 16: taken so far   (own line)      word 32...: slots
 */
import { word } from '../wire/octets.ts';
import { type CacheMemory, LINE, REFRESH_RING_SIZE } from './memory.ts';

const LINE_WORDS = LINE / 4;
const RING_WORDS = REFRESH_RING_SIZE + 2 * LINE_WORDS;

function ringOf(memory: CacheMemory, reader: number): number {
  return memory.ringsAt + reader * RING_WORDS;
}

/** The reader's end. */
export class RefreshRing {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(memory: CacheMemory, reader: number) {
    this.#words = memory.words;
    this.#at = ringOf(memory, reader);
  }

  /** False where the ring is full: the request is dropped, a later hit asks again. */
  push(slot: number): boolean {
    const written = word(this.#words, this.#at);
    const waiting = (written - Atomics.load(this.#words, this.#at + LINE_WORDS)) | 0;
    if (waiting >= REFRESH_RING_SIZE) return false;
    this.#words[this.#at + 2 * LINE_WORDS + (written & (REFRESH_RING_SIZE - 1))] = slot;
    Atomics.store(this.#words, this.#at, (written + 1) | 0);
    return true;
  }
}

/** The resolver's end: calls `take` with each waiting slot of each reader. */
export function drainRefreshRings(memory: CacheMemory, take: (slot: number) => void): void {
  const { words } = memory;
  for (let reader = 0; reader < memory.plan.readerCount; reader++) {
    const at = ringOf(memory, reader);
    const written = Atomics.load(words, at);
    let taken = word(words, at + LINE_WORDS);
    for (; taken !== written; taken = (taken + 1) | 0) {
      take(word(words, at + 2 * LINE_WORDS + (taken & (REFRESH_RING_SIZE - 1))));
    }
    Atomics.store(words, at + LINE_WORDS, taken);
  }
}
