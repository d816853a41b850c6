/**
 * What tells two cached answers apart, as words: the lower-case QNAME padded with zeros, then QTYPE and QCLASS, then the
 * flags with the server block and the name's size.
 *
 *   | qname word 0 | ... | qname word n-1 | QTYPE << 16 | QCLASS | block << 16 | DO CD RD << 8 | qname size |
 *
 * CoreDNS separates server block, name, type, DO and CD (1.14.7: class too). RD=0 is a key of its own here: what a server
 * says when it was told not to recurse must not answer those who want recursion.
 */
import { lowerWord, type Octets, u8, word } from '../wire/octets.ts';
import type { QueryFields } from '../wire/query.ts';
import { FLAG, HEADER_SIZE, NAME_SIZE_MAX } from '../wire/registry.ts';

const QNAME_WORDS_MAX = Math.ceil(NAME_SIZE_MAX / 4);
export const KEY_WORDS_MAX = QNAME_WORDS_MAX + 2;

export const KEY_FLAG = { DO: 1, CD: 2, RD: 4 } as const;

/** One key under construction, used again for every query. */
export class CacheKey {
  readonly words = new Int32Array(KEY_WORDS_MAX);
  /** The same memory; the first `qnameSize` octets are the lower-case name. */
  readonly octets: Octets = new Uint8Array(this.words.buffer);
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

/** Completes a key whose name is set: the last two words and the hash, seeded so that nobody outside can aim at a chain. */
export function finishKey(
  key: CacheKey,
  query: QueryFields,
  block: number,
  flags: number,
  seed: number,
): void {
  const { words, size } = key;
  words[size - 2] = (query.qtype << 16) | query.qclass;
  words[size - 1] = (block << 16) | (flags << 8) | query.qnameSize;
  key.hash = hashWords(words, 0, size, seed);
}

/** Multiply and fold per word, a final mix (constants: MurmurHash3's finaliser). */
export function hashWords(words: Int32Array, at: number, size: number, seed: number): number {
  let hash = seed;
  for (let index = at; index < at + size; index++) {
    hash = Math.imul(hash ^ word(words, index), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35 | 0);
  return hash ^ (hash >>> 16);
}

/** The key as text of one character an octet, for tables on the resolver's side. */
export function keyText(key: CacheKey): string {
  let text = '';
  for (let at = 0; at < key.size * 4; at++) text += String.fromCharCode(u8(key.octets, at));
  return text;
}
