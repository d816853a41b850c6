/**
 * What tells two cached answers apart, as words: the lower-case QNAME padded with zeros, then QTYPE and QCLASS, then the
 * flags with the server block and the name's size.
 *
 *   | qname word 0 | ... | qname word n-1 | QTYPE << 16 | QCLASS | block << 16 | DO CD RD << 8 | qname size |
 *
 * CoreDNS separates server block, name, type, DO and CD (1.14.7: class too). RD=0 is a key of its own here: what a server
 * says when it was told not to recurse must not answer those who want recursion.
 */
import { lowerWord, type Octets, word } from '../wire/octets.ts';
import type { QueryFields } from '../wire/query.ts';
import { FLAG, HEADER_SIZE, NAME_SIZE_MAX } from '../wire/registry.ts';

const QNAME_WORDS_MAX = Math.ceil(NAME_SIZE_MAX / 4);
export const KEY_WORDS_MAX = QNAME_WORDS_MAX + 2;
/** The 3 of HalfSipHash-1-3. */
const FINAL_ROUNDS = 3;

export const KEY_FLAG = { DO: 1, CD: 2, RD: 4 } as const;

/** One key under construction, used again for every query. */
export class CacheKey {
  readonly words = new Int32Array(KEY_WORDS_MAX);
  /** The same memory; the first `qnameSize` octets are the lower-case name. */
  readonly octets: Octets = new Uint8Array(this.words.buffer);
  /** And once more, to make text of it. */
  readonly buffer = Buffer.from(this.words.buffer);
  /** Words in use. */
  size = 0;
  hash = 0;

  get qnameSize(): number {
    return word(this.words, this.size - 1) & 0xff;
  }

  get qtype(): number {
    return word(this.words, this.size - 2) >>> 16;
  }

  get qclass(): number {
    return word(this.words, this.size - 2) & 0xffff;
  }

  get flags(): number {
    return (word(this.words, this.size - 1) >> 8) & 0xff;
  }

  get block(): number {
    return word(this.words, this.size - 1) >>> 16;
  }
}

/** `KEY_FLAG`s of a query. */
export function keyFlags(query: QueryFields): number {
  return (
    (query.dnssecOk ? KEY_FLAG.DO : 0) |
    ((query.flags & FLAG.CD) !== 0 ? KEY_FLAG.CD : 0) |
    ((query.flags & FLAG.RD) !== 0 ? KEY_FLAG.RD : 0)
  );
}

/**
 * Fills the key's name from the query at word `messageAt` of `words`: four octets a step, since a message starts at a
 * multiple of four and QNAME twelve octets later.
 */
export function setKeyName(
  key: CacheKey,
  words: Int32Array,
  messageAt: number,
  qnameSize: number,
): void {
  const from = messageAt + HEADER_SIZE / 4;
  const whole = qnameSize >> 2;
  const out = key.words;
  for (let index = 0; index < whole; index++) out[index] = lowerWord(word(words, from + index));
  const rest = qnameSize & 3;
  if (rest !== 0) {
    // Little-endian: the octets that belong to the name are the word's low ones.
    out[whole] = lowerWord(word(words, from + whole)) & ((1 << (8 * rest)) - 1);
  }
  key.size = whole + (rest === 0 ? 0 : 1) + 2;
}

/** The secret of a process's hash: without it nobody outside can aim at a chain. */
export interface HashSeed {
  readonly low: number;
  readonly high: number;
}

/** Completes a key whose name is set: the last two words and the hash. */
export function finishKey(
  key: CacheKey,
  query: Pick<QueryFields, 'qtype' | 'qclass' | 'qnameSize'>,
  block: number,
  flags: number,
  seed: HashSeed,
): void {
  const { words, size } = key;
  words[size - 2] = (query.qtype << 16) | query.qclass;
  words[size - 1] = (block << 16) | (flags << 8) | query.qnameSize;
  key.hash = hashWords(words, size, seed);
}

/**
 * HalfSipHash-1-3 (Aumasson and Bernstein) of the first `size` words. A cheaper multiply-and-fold has collisions that hold
 * for every seed; with them a pod could fill the chain of any name and keep it out of the cache. The last word of a key
 * holds its size, so none is added. Rounds are written out: a function with four results would allocate.
 */
export function hashWords(words: Int32Array, size: number, seed: HashSeed): number {
  let v0 = seed.low;
  let v1 = seed.high;
  let v2 = seed.low ^ 0x6c796765;
  let v3 = seed.high ^ 0x74656462;
  for (let index = 0; index < size + FINAL_ROUNDS; index++) {
    const next = index < size ? word(words, index) : 0;
    if (index === size) v2 ^= 0xff;
    v3 ^= next;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= next;
  }
  return v1 ^ v3;
}

/** The key as text of one character an octet, for tables on the resolver's side. */
export function keyText(key: CacheKey): string {
  return key.buffer.toString('latin1', 0, 4 * key.size);
}
