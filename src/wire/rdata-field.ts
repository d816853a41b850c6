/**
 * The shape of a field of RDATA, which stands in a master file as one word or some, and what reads words and octets one after the
 * other. Either side refuses by an error that whoever asked turns into a value.
 */
import type { Octets } from './octets.ts';
import { ZoneTextError, type ZoneWord } from './zone-tokens.ts';

export interface Field {
  /** Takes its words; throws a `ZoneTextError`. */
  readonly read: (reader: RdataReader) => Octets;
  /** Takes its octets, gives its words; throws a `MalformedData`. */
  readonly write: (data: RdataCursor) => string;
}

/** Reads the words of one record's RDATA. */
export class RdataReader {
  readonly #typeWord: ZoneWord;
  readonly #words: readonly ZoneWord[];
  #at = 0;

  /** `typeWord` stands before the others. */
  constructor(typeWord: ZoneWord, words: readonly ZoneWord[]) {
    this.#typeWord = typeWord;
    this.#words = words;
  }

  next(expected: string): ZoneWord {
    const word = this.#words[this.#at++];
    if (word !== undefined) return word;
    throw new ZoneTextError(`expected ${expected} behind`, this.#words.at(-1) ?? this.#typeWord);
  }

  /** Undefined behind the last. */
  peek(): ZoneWord | undefined {
    return this.#words[this.#at];
  }

  /** All words that are left. */
  rest(): readonly ZoneWord[] {
    const words = this.#words.slice(this.#at);
    this.#at = this.#words.length;
    return words;
  }
}

/** RDATA that is not what its type says, or that its text could not say. */
export class MalformedData extends Error {}

export function malformed(): never {
  throw new MalformedData();
}

/** Reads octets of RDATA, whose names are uncompressed. */
export class RdataCursor {
  readonly #octets: Octets;
  #at = 0;

  constructor(octets: Octets) {
    this.#octets = octets;
  }

  get left(): number {
    return this.#octets.length - this.#at;
  }

  take(size: number): Buffer {
    if (size > this.left) throw new MalformedData();
    const octets = this.#octets.subarray(this.#at, this.#at + size);
    this.#at += size;
    return Buffer.from(octets.buffer, octets.byteOffset, size);
  }

  rest(): Buffer {
    return this.take(this.left);
  }

  integer(size: 1 | 2 | 4): number {
    return this.take(size).readUIntBE(0, size);
  }

  /** A character-string's octets. */
  string(): Buffer {
    return this.take(this.integer(1));
  }
}

export function failed(expected: string, word: ZoneWord): never {
  throw new ZoneTextError(`expected ${expected}`, word);
}

/** A field of one word; `read` gives undefined where the word is none. */
export function field(
  expected: string,
  read: (text: string) => Octets | undefined,
  write: (data: RdataCursor) => string,
): Field {
  return {
    read(reader) {
      const word = reader.next(expected);
      return read(word.text) ?? failed(expected, word);
    },
    write,
  };
}

/** All that is left, as one text; at least one word where `isNeeded`. */
export function restField(
  expected: string,
  read: (text: string) => Octets | undefined,
  write: (octets: Buffer) => string,
  isNeeded = true,
): Field {
  return {
    read(reader) {
      const first = isNeeded ? reader.next(expected) : undefined;
      const words = [...(first ? [first] : []), ...reader.rest()];
      const octets = read(words.map(({ text }) => text).join(''));
      return octets ?? failed(expected, words[0]!);
    },
    write: (data) => (isNeeded && data.left === 0 ? malformed() : write(data.rest())),
  };
}

/** Big-endian; undefined where the value has no such size. */
export function integerOctets(size: 1 | 2 | 4, value: number): Octets | undefined {
  if (!(value >= 0 && value < 256 ** size)) return undefined;
  const octets = Buffer.alloc(size);
  octets.writeUIntBE(value, 0, size);
  return octets;
}

/** RFC 1035 §3.3. */
export const STRING_SIZE_MAX = 255;

/** With its length before it. */
export function lengthFirst(octets: Octets | undefined): Octets | undefined {
  if (octets === undefined || octets.length > STRING_SIZE_MAX) return undefined;
  return Uint8Array.from([octets.length, ...octets]);
}
