/**
 * What responders note about entries, by slot, each in words of its own:
 *
 *   word 0  time of the last hit, ms (wrapping)          the index reads it: was this entry visited since I looked?
 *   word 1  hits without a longer pause                  prefetch
 *   word 2  time of the last "refresh me" request, ms    so that a hot entry asks once a second, not once a hit
 *
 * A slot that passed to another entry still has the old one's words: whatever is older than the entry's birth counts as
 * nothing. The resolver only reads; an aligned word does not tear, and a mark that is a moment late costs nothing.
 */
import { word } from '../wire/octets.ts';
import { ENTRY } from './entry.ts';
import { type CacheMemory, MARK_WORDS } from './memory.ts';

/** A second: the shortest life of an entry's TTL, so that no refresh comes too late by it. */
export const REFRESH_PAUSE_MS = 1000;

/** The first of a reader's marks. */
export function marksOf(memory: CacheMemory, reader: number): number {
  return memory.marksAt + reader * memory.plan.slotCount * MARK_WORDS;
}

/** Notes a hit on the entry at `at`. */
export function markHit(words: Int32Array, marksAt: number, at: number, nowMs: number): void {
  const mark = marksAt + word(words, at + ENTRY.SLOT) * MARK_WORDS;
  const now = nowMs | 0;
  const needed = word(words, at + ENTRY.PREFETCH_HITS);
  if (needed !== 0) {
    const last = word(words, mark);
    const goesOn =
      ((last - word(words, at + ENTRY.BORN)) | 0) >= 0 &&
      ((now - last) | 0) <= word(words, at + ENTRY.PREFETCH_PAUSE);
    words[mark + 1] = goesOn ? word(words, mark + 1) + 1 : 1;
  }
  words[mark] = nonZero(now);
}

/** Whether this reader has seen enough hits on the entry for a prefetch. */
export function isPopular(words: Int32Array, marksAt: number, at: number): boolean {
  const mark = marksAt + word(words, at + ENTRY.SLOT) * MARK_WORDS;
  return word(words, mark + 1) >= word(words, at + ENTRY.PREFETCH_HITS);
}

/** Whether this reader should ask for a refresh now; true at most once a second for an entry. */
export function takeRefreshTurn(
  words: Int32Array,
  marksAt: number,
  at: number,
  nowMs: number,
): boolean {
  const mark = marksAt + word(words, at + ENTRY.SLOT) * MARK_WORDS + 2;
  const now = nowMs | 0;
  const asked = word(words, mark);
  if (asked !== 0 && ((now - asked) | 0) < REFRESH_PAUSE_MS && ((now - asked) | 0) >= 0)
    return false;
  words[mark] = nonZero(now);
  return true;
}

/** The time of the last hit that any reader saw on the slot, ms (wrapping), or `since` where none is later. */
export function lastHitAfter(memory: CacheMemory, slot: number, sinceMs: number): number {
  const { words, plan } = memory;
  let latest = sinceMs | 0;
  for (let reader = 0; reader < plan.readerCount; reader++) {
    const hit = word(words, memory.marksAt + (reader * plan.slotCount + slot) * MARK_WORDS);
    if (hit !== 0 && ((hit - latest) | 0) > 0) latest = hit;
  }
  return latest;
}

/** 0 stands for "never". */
function nonZero(timeMs: number): number {
  return timeMs === 0 ? 1 : timeMs;
}
