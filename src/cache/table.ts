/**
 * From a key to its entry: hash chains of entries. The resolver links and unlinks, responders walk at the same time.
 *
 *   bucket -> entry -> entry -> 0          each arrow is one word, a unit number, read and written through Atomics
 *
 * An entry is complete before its link is stored, and keeps its own link after it was unlinked, until no reader can be on
 * it any more (epochs.ts): a walk never sees half an entry and never leaves the chain. At worst it misses an entry that is
 * being replaced; the resolver looks again before it asks anybody.
 */
import { word } from '../wire/octets.ts';
import { ENTRY, keyWordsOf } from './entry.ts';
import type { CacheKey } from './key.ts';
import { type CacheMemory, UNIT_WORDS } from './memory.ts';

/** Links followed at most; with two buckets a slot and a seeded hash, chains of more than six are not seen in practice. */
export const CHAIN_MAX = 64;

/** The word index of the key's entry, or 0. Allocates nothing. */
export function findEntry(memory: CacheMemory, key: CacheKey): number {
  const { words, slabAt } = memory;
  const { hash } = key;
  let link = memory.bucketsAt + (hash & (memory.plan.bucketCount - 1));
  for (let step = 0; step < CHAIN_MAX; step++) {
    const unit = Atomics.load(words, link);
    if (unit === 0) return 0;
    const at = slabAt + unit * UNIT_WORDS;
    if (word(words, at + ENTRY.HASH) === hash && hasKey(words, at, key)) return at;
    link = at + ENTRY.NEXT;
  }
  return 0;
}

function hasKey(words: Int32Array, at: number, key: CacheKey): boolean {
  const { size, words: keyWords } = key;
  if (keyWordsOf(words, at) !== size) return false;
  const from = at + ENTRY.SIZE;
  // Backwards: what follows the name differs most often.
  for (let index = size - 1; index >= 0; index--) {
    if (word(words, from + index) !== word(keyWords, index)) return false;
  }
  return true;
}

/** Puts a complete entry at the head of its chain. */
export function linkEntry(memory: CacheMemory, unit: number): void {
  const { words } = memory;
  const at = memory.slabAt + unit * UNIT_WORDS;
  const bucket = bucketOf(memory, at);
  words[at + ENTRY.NEXT] = Atomics.load(words, bucket);
  Atomics.store(words, bucket, unit);
}

/** Puts a complete entry in the place of another with the same key. */
export function replaceEntry(memory: CacheMemory, unit: number, replacedUnit: number): void {
  const { words } = memory;
  const at = memory.slabAt + unit * UNIT_WORDS;
  const replacedAt = memory.slabAt + replacedUnit * UNIT_WORDS;
  words[at + ENTRY.NEXT] = Atomics.load(words, replacedAt + ENTRY.NEXT);
  Atomics.store(words, linkTo(memory, replacedUnit), unit);
}

/** Takes an entry out of its chain; its memory may still be read until its epoch has passed. */
export function unlinkEntry(memory: CacheMemory, unit: number): void {
  const { words } = memory;
  const at = memory.slabAt + unit * UNIT_WORDS;
  Atomics.store(words, linkTo(memory, unit), Atomics.load(words, at + ENTRY.NEXT));
}

/** Links in the chain that a new entry with this hash would join; the resolver refuses to grow one beyond `CHAIN_MAX`. */
export function chainLength(memory: CacheMemory, hash: number): number {
  let length = 0;
  let link = memory.bucketsAt + (hash & (memory.plan.bucketCount - 1));
  for (; length < CHAIN_MAX; length++) {
    const unit = Atomics.load(memory.words, link);
    if (unit === 0) break;
    link = memory.slabAt + unit * UNIT_WORDS + ENTRY.NEXT;
  }
  return length;
}

function bucketOf(memory: CacheMemory, at: number): number {
  return memory.bucketsAt + (word(memory.words, at + ENTRY.HASH) & (memory.plan.bucketCount - 1));
}

/** The word that holds the link to `unit`. A linked entry is always found: chains never grow beyond `CHAIN_MAX`. */
function linkTo(memory: CacheMemory, unit: number): number {
  const { words, slabAt } = memory;
  let link = bucketOf(memory, slabAt + unit * UNIT_WORDS);
  for (let next = word(words, link); next !== unit; next = word(words, link)) {
    if (next === 0) throw new Error('the entry is not linked');
    link = slabAt + next * UNIT_WORDS + ENTRY.NEXT;
  }
  return link;
}
