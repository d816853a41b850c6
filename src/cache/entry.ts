/**
 * The layout of one cached answer in the slab. Immutable once it is linked, but for the link to its neighbour.
 *
 *   word  0  the slab's                         10  header flags | rcode << 16 (12 bits, RFC 6891)
 *         1  next entry of the chain            11  key words | entry flags << 16
 *         2  hash                               12  answer count | authority count << 16
 *         3  slot                               13  additional count | TTL count << 16
 *      4, 5  expires at, ms (double)            14  body octets
 *      6, 7  stale until, ms (double)           15  prefetch: hits needed
 *      8, 9  prefetch from, ms (double)         16  prefetch: pause between hits at most, ms
 *                                               17  born at, ms (wrapping): older marks of the slot are another entry's
 *                                               18  TTL as admitted, seconds
 *                                               19  server block
 *                                               20  TTL when stale, seconds
 *   key      key words
 *   ttls     16-bit offsets of TTL fields in the body, padded to a word
 *   body     the octets behind the question: answer, authority, additional, without OPT
 *
 * Compression pointers in the body point into the question or the body and hold for any message with this QNAME at octet 12.
 */
import { word } from '../wire/octets.ts';
import type { ResponseBody } from '../wire/response.ts';
import type { CacheKey } from './key.ts';
import { type CacheMemory, UNIT_WORDS } from './memory.ts';

export const ENTRY = {
  NEXT: 1,
  HASH: 2,
  SLOT: 3,
  EXPIRES: 4,
  STALE: 6,
  PREFETCH: 8,
  HEADER: 10,
  KEY: 11,
  ANSWERS: 12,
  ADDITIONAL: 13,
  BODY_SIZE: 14,
  PREFETCH_HITS: 15,
  PREFETCH_PAUSE: 16,
  BORN: 17,
  TTL: 18,
  BLOCK: 19,
  STALE_TTL: 20,
  SIZE: 21,
} as const;

export const ENTRY_FLAG = {
  /** Of the denial class: NXDOMAIN, NODATA, SERVFAIL. */
  DENIAL: 1,
  /** When stale, the upstream is asked before it is served (`serve_stale ... verify`). */
  VERIFY: 2,
  /** Serve the original TTL until expiry. */
  KEEP_TTL: 4,
  /** SERVFAIL: never stands in for a usable answer. */
  SERVER_ERROR: 8,
  /** An alias without a record of the type asked for. */
  INCOMPLETE: 16,
} as const;

/** When an entry is fresh, stale, worth refreshing; decided once at admission. All in the clock's milliseconds. */
export interface EntryTimes {
  readonly expiresAtMs: number;
  /** Equal to `expiresAtMs` where stale answers are off. */
  readonly staleUntilMs: number;
  /** Infinity where prefetch is off. */
  readonly prefetchAtMs: number;
  readonly prefetchHits: number;
  readonly prefetchPauseMs: number;
  readonly ttlS: number;
  /** What a stale reply shows. */
  readonly staleTtlS: number;
}

/** Octets of an entry. */
export function entryBytes(keyWords: number, body: ResponseBody): number {
  return (ENTRY.SIZE + keyWords + ttlWords(body.ttlOffsets.length)) * 4 + body.octets.length;
}

/** The word index of the entry at a unit. */
export function entryAt(memory: CacheMemory, unit: number): number {
  return memory.slabAt + unit * UNIT_WORDS;
}

/** Writes everything but word 0 and the link. `bornAtMs` (wrapping) lies before now where a refreshed entry keeps its marks. */
export function writeEntry(
  memory: CacheMemory,
  at: number,
  key: CacheKey,
  slot: number,
  flags: number,
  body: ResponseBody,
  times: EntryTimes,
  bornAtMs: number,
): void {
  const { words, doubles, halves, octets } = memory;
  words[at + ENTRY.HASH] = key.hash;
  words[at + ENTRY.SLOT] = slot;
  doubles[(at + ENTRY.EXPIRES) >> 1] = times.expiresAtMs;
  doubles[(at + ENTRY.STALE) >> 1] = times.staleUntilMs;
  doubles[(at + ENTRY.PREFETCH) >> 1] = times.prefetchAtMs;
  words[at + ENTRY.HEADER] = body.flags | (body.rcode << 16);
  words[at + ENTRY.KEY] = key.size | (flags << 16);
  words[at + ENTRY.ANSWERS] = body.answerCount | (body.authorityCount << 16);
  words[at + ENTRY.ADDITIONAL] = body.additionalCount | (body.ttlOffsets.length << 16);
  words[at + ENTRY.BODY_SIZE] = body.octets.length;
  words[at + ENTRY.PREFETCH_HITS] = times.prefetchHits;
  words[at + ENTRY.PREFETCH_PAUSE] = times.prefetchPauseMs;
  words[at + ENTRY.BORN] = bornAtMs | 0;
  words[at + ENTRY.TTL] = times.ttlS;
  words[at + ENTRY.BLOCK] = key.block;
  words[at + ENTRY.STALE_TTL] = times.staleTtlS;
  for (let index = 0; index < key.size; index++) {
    words[at + ENTRY.SIZE + index] = word(key.words, index);
  }
  const ttlsAt = at + ENTRY.SIZE + key.size;
  halves.set(body.ttlOffsets, ttlsAt * 2);
  octets.set(body.octets, (ttlsAt + ttlWords(body.ttlOffsets.length)) * 4);
}

function ttlWords(count: number): number {
  return (count + 1) >> 1;
}

export function keyWordsOf(words: Int32Array, at: number): number {
  return word(words, at + ENTRY.KEY) & 0xffff;
}

export function flagsOf(words: Int32Array, at: number): number {
  return word(words, at + ENTRY.KEY) >>> 16;
}

export function ttlCountOf(words: Int32Array, at: number): number {
  return word(words, at + ENTRY.ADDITIONAL) >>> 16;
}

/** The word index of the TTL offsets. */
export function ttlsAt(words: Int32Array, at: number): number {
  return at + ENTRY.SIZE + keyWordsOf(words, at);
}

/** The word index of the body. */
export function bodyAt(words: Int32Array, at: number): number {
  return ttlsAt(words, at) + ttlWords(ttlCountOf(words, at));
}

/** The body as a copy, with what a reply's header needs: the way back to `ResponseBody`, for the resolver. */
export function readBody(memory: CacheMemory, at: number): ResponseBody {
  const { words } = memory;
  const start = bodyAt(words, at) * 4;
  const offsetsAt = ttlsAt(words, at) * 2;
  return {
    octets: memory.octets.slice(start, start + word(words, at + ENTRY.BODY_SIZE)),
    ttlOffsets: memory.halves.slice(offsetsAt, offsetsAt + ttlCountOf(words, at)),
    flags: word(words, at + ENTRY.HEADER) & 0xffff,
    rcode: word(words, at + ENTRY.HEADER) >>> 16,
    answerCount: word(words, at + ENTRY.ANSWERS) & 0xffff,
    authorityCount: word(words, at + ENTRY.ANSWERS) >>> 16,
    additionalCount: word(words, at + ENTRY.ADDITIONAL) & 0xffff,
  };
}

/** Copies the entry's key into `key`, as a query for it would have made it. */
export function readKey(words: Int32Array, at: number, key: CacheKey): void {
  key.size = keyWordsOf(words, at);
  key.hash = word(words, at + ENTRY.HASH);
  for (let index = 0; index < key.size; index++) {
    key.words[index] = word(words, at + ENTRY.SIZE + index);
  }
}
