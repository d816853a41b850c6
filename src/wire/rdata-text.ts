/**
 * RDATA from its text: the fields of each type in the order of its RFC, and the form that fits every type (`\# SIZE HEX`,
 * RFC 3597 §5), which is the only one for types that are rare (LOC, IPSECKEY, HIP, APL and others). Names are written
 * uncompressed, relative ones below the root.
 */
import { addressOctets } from '../base/ip-address.ts';
import { characterString } from './character-string.ts';
import { nameFromText } from './name.ts';
import type { Octets } from './octets.ts';
import { QTYPE, typeFromName } from './registry.ts';
import { serviceParameters } from './service-parameters.ts';
import { secondsOf } from './ttl-text.ts';
import { ZoneTextError, type ZoneWord } from './zone-tokens.ts';

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

  /** Throws a `ZoneTextError`. */
  read(type: number): Octets {
    const first = this.#words[0];
    const isGeneric = first?.text === '\\#' && !first.isQuoted;
    const fields = isGeneric ? [generic] : FIELDS.get(type);
    if (fields === undefined) {
      throw new ZoneTextError('only \\# SIZE HEX is known for', this.#typeWord);
    }
    const parts = fields.map((field) => field(this));
    const surplus = this.#words[this.#at];
    if (surplus !== undefined) throw new ZoneTextError('unexpected', surplus);
    return Uint8Array.from(Buffer.concat(parts));
  }

  next(expected: string): ZoneWord {
    const word = this.#words[this.#at++];
    if (word !== undefined) return word;
    throw new ZoneTextError(`expected ${expected} behind`, this.#words.at(-1) ?? this.#typeWord);
  }

  /** All words that are left. */
  rest(): readonly ZoneWord[] {
    const words = this.#words.slice(this.#at);
    this.#at = this.#words.length;
    return words;
  }
}

type Field = (reader: RdataReader) => Octets;

function field(expected: string, read: (text: string) => Octets | undefined): Field {
  return (reader) => {
    const word = reader.next(expected);
    return read(word.text) ?? failed(expected, word);
  };
}

function failed(expected: string, word: ZoneWord): never {
  throw new ZoneTextError(`expected ${expected}`, word);
}

/** All that is left, as one text; at least one word where `isNeeded`. */
function restField(
  expected: string,
  read: (text: string) => Octets | undefined,
  isNeeded = true,
): Field {
  return (reader) => {
    const first = isNeeded ? reader.next(expected) : undefined;
    const words = [...(first ? [first] : []), ...reader.rest()];
    const octets = read(words.map(({ text }) => text).join(''));
    return octets ?? failed(expected, words[0]!);
  };
}

function integer(size: 1 | 2 | 4, value: number): Octets | undefined {
  if (!(value >= 0 && value < 256 ** size)) return undefined;
  const octets = Buffer.alloc(size);
  octets.writeUIntBE(value, 0, size);
  return octets;
}

function unsigned(size: 1 | 2 | 4): Field {
  return field(`an integer of ${8 * size} bits`, (text) => {
    return /^\d+$/.test(text) ? integer(size, Number(text)) : undefined;
  });
}

const u8 = unsigned(1);
const u16 = unsigned(2);
const u32 = unsigned(4);
const name = field('a domain name', (text) => nameFromText(text === '@' ? '.' : text));
const ttl = field('seconds', (text) => integer(4, secondsOf(text) ?? -1));
const ipv4 = field('an IPv4 address', (text) => sized(4, addressOctets(text)));
const ipv6 = field('an IPv6 address', (text) => sized(16, addressOctets(text)));
const string = field('a character-string', (text) => lengthFirst(characterString(text)));
const bare = field('a character-string', characterString);
const base64 = restField('base64', base64Octets);
const hex = restField('hexadecimal digits', hexOctets);
const salt = field('a salt', (text) =>
  lengthFirst(text === '-' ? new Uint8Array(0) : hexOctets(text)),
);
const typeField = field('a type', (text) => integer(2, typeFromName(text) ?? -1));
const time = field('a time', timeOctets);

/** Longer ones are cut into several, as CoreDNS's library does. */
const strings: Field = (reader) => {
  const words = [reader.next('a character-string'), ...reader.rest()];
  const parts = words.flatMap((word) => {
    const octets = characterString(word.text) ?? failed('a character-string', word);
    const count = Math.max(1, Math.ceil(octets.length / STRING_SIZE_MAX));
    return Array.from({ length: count }, (_, index) => {
      const start = index * STRING_SIZE_MAX;
      return lengthFirst(octets.subarray(start, start + STRING_SIZE_MAX))!;
    });
  });
  return Buffer.concat(parts);
};

/** RFC 1035 §3.3. */
const STRING_SIZE_MAX = 255;

/** RFC 4034 §4.1.2: the types that exist, in windows of 256 bits. */
const types: Field = (reader) => {
  const windows = new Map<number, Uint8Array>();
  for (const word of reader.rest()) {
    const type = typeFromName(word.text) ?? failed('a type', word);
    const bits = windows.get(type >> 8) ?? new Uint8Array(32);
    windows.set(type >> 8, bits);
    bits[(type & 0xff) >> 3]! |= 0x80 >> (type & 7);
  }
  const parts = [...windows]
    .sort(([left], [right]) => left - right)
    .map(([window, bits]) => {
      const size = bits.findLastIndex((octet) => octet !== 0) + 1;
      return Uint8Array.from([window, size, ...bits.subarray(0, size)]);
    });
  return Buffer.concat(parts);
};

/** RFC 5155 §3.3: base32 with the extended alphabet, without padding. */
const hashed = field('a hash in base32hex', (text) => {
  if (!/^[0-9A-Va-v]+$/.test(text)) return undefined;
  const octets: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const character of text) {
    buffer = ((buffer << 5) | Number.parseInt(character, 32)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    octets.push((buffer >> bits) & 0xff);
  }
  return lengthFirst(Uint8Array.from(octets));
});

const parameters: Field = (reader) => serviceParameters(reader.rest());

const generic: Field = (reader) => {
  reader.next('\\#');
  const sizeWord = reader.next('a size');
  const octets = restField('hexadecimal digits', hexOctets, sizeWord.text !== '0')(reader);
  return String(octets.length) === sizeWord.text
    ? octets
    : failed('the size of the data', sizeWord);
};

function sized(size: number, octets: Octets | undefined): Octets | undefined {
  return octets?.length === size ? octets : undefined;
}

function lengthFirst(octets: Octets | undefined): Octets | undefined {
  if (octets === undefined || octets.length > STRING_SIZE_MAX) return undefined;
  return Uint8Array.from([octets.length, ...octets]);
}

function hexOctets(text: string): Octets | undefined {
  return /^(?:[\da-fA-F]{2})*$/.test(text) ? Buffer.from(text, 'hex') : undefined;
}

function base64Octets(text: string): Octets | undefined {
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z\d+/]*={0,2}$/.test(text);
  return isBase64 ? Buffer.from(text, 'base64') : undefined;
}

/** From March 1 of the year 0 to the start of 1970. */
const DAYS_TO_1970 = 719_468;

/** RFC 4034 §3.2: `YYYYMMDDHHmmSS`, or seconds since 1970. */
function timeOctets(text: string): Octets | undefined {
  if (/^\d{1,10}$/.test(text)) return integer(4, Number(text));
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as number[];
  // Years that begin in March end with the leap day.
  const shifted = month! < 3 ? year! - 1 : year!;
  const daysOfYears = 365 * shifted + Math.floor(shifted / 4) - Math.floor(shifted / 100);
  const daysOfMonths = Math.floor((153 * ((month! + 9) % 12) + 2) / 5) + day! - 1;
  const days = daysOfYears + Math.floor(shifted / 400) + daysOfMonths - DAYS_TO_1970;
  return integer(4, ((days * 24 + hour!) * 3_600 + minute! * 60 + second!) % 2 ** 32);
}

const DIGEST = [u16, u8, u8, hex];
const KEY = [u16, u8, u8, base64];
const ASSOCIATION = [u8, u8, u8, hex];
const SERVICE = [u16, name, parameters];
const SIGNATURE = [typeField, u8, u8, ttl, time, time, u16, name, base64];

const FIELDS: ReadonlyMap<number, readonly Field[]> = new Map<number, readonly Field[]>([
  [QTYPE.A, [ipv4]],
  [QTYPE.AAAA, [ipv6]],
  [QTYPE.NS, [name]],
  [QTYPE.MD, [name]],
  [QTYPE.MF, [name]],
  [QTYPE.CNAME, [name]],
  [QTYPE.DNAME, [name]],
  [QTYPE.MB, [name]],
  [QTYPE.MG, [name]],
  [QTYPE.MR, [name]],
  [QTYPE.PTR, [name]],
  [QTYPE.SOA, [name, name, u32, ttl, ttl, ttl, ttl]],
  [QTYPE.HINFO, [string, string]],
  [QTYPE.MINFO, [name, name]],
  [QTYPE.MX, [u16, name]],
  [QTYPE.TXT, [strings]],
  [QTYPE.SPF, [strings]],
  [QTYPE.AVC, [strings]],
  [QTYPE.NINFO, [strings]],
  [QTYPE.RESINFO, [strings]],
  [QTYPE.RP, [name, name]],
  [QTYPE.AFSDB, [u16, name]],
  [QTYPE.RT, [u16, name]],
  [QTYPE.KX, [u16, name]],
  [QTYPE.LP, [u16, name]],
  [QTYPE.PX, [u16, name, name]],
  [QTYPE.SRV, [u16, u16, u16, name]],
  [QTYPE.NAPTR, [u16, u16, string, string, string, name]],
  [QTYPE.URI, [u16, u16, bare]],
  [QTYPE.CAA, [u8, string, bare]],
  [QTYPE.CERT, [u16, u16, u8, base64]],
  [QTYPE.SSHFP, [u8, u8, hex]],
  [QTYPE.TLSA, ASSOCIATION],
  [QTYPE.SMIMEA, ASSOCIATION],
  [QTYPE.DHCID, [base64]],
  [QTYPE.OPENPGPKEY, [base64]],
  [QTYPE.DS, DIGEST],
  [QTYPE.CDS, DIGEST],
  [QTYPE.DLV, DIGEST],
  [QTYPE.TA, DIGEST],
  [QTYPE.DNSKEY, KEY],
  [QTYPE.CDNSKEY, KEY],
  [QTYPE.KEY, KEY],
  [QTYPE.RKEY, KEY],
  [QTYPE.RRSIG, SIGNATURE],
  [QTYPE.SIG, SIGNATURE],
  [QTYPE.NSEC, [name, types]],
  [QTYPE.NSEC3, [u8, u8, u16, salt, hashed, types]],
  [QTYPE.NSEC3PARAM, [u8, u8, u16, salt]],
  [QTYPE.CSYNC, [u32, u16, types]],
  [QTYPE.ZONEMD, [u32, u8, u8, hex]],
  [QTYPE.SVCB, SERVICE],
  [QTYPE.HTTPS, SERVICE],
]);
