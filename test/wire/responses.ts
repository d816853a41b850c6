/**
 * Builds responses with compression and labels of any octets, which dns-packet cannot write, and reads records back in
 * the plainest way: every name expanded. Tests compare what comes out of the code under test with what went in.
 */
import { encodeName, FLAG, type NameText } from '../support/messages.ts';

/** A piece of RDATA: octets, or a name, compressed as the others are unless it is `plain`. */
export type RdataPart = readonly number[] | { readonly name: NameText; readonly plain?: true };

export interface RecordFields {
  /** 0 answer, 1 authority, 2 additional. */
  readonly section: number;
  readonly owner: NameText;
  readonly type: number;
  /** Default IN. */
  readonly rclass?: number;
  readonly ttlS: number;
  readonly rdata: readonly RdataPart[];
}

export interface ResponseFields {
  readonly name: NameText;
  /** Default A. */
  readonly type?: number;
  /** The header's second word; default QR, RD, RA. */
  readonly flags?: number;
  readonly records: readonly RecordFields[];
  /** Whether names become pointers to names before them; default true. */
  readonly compress?: boolean;
}

/** A response's octets. */
export function buildResponse(fields: ResponseFields): Uint8Array {
  const { name, type = 1, flags = FLAG.QR | FLAG.RD | FLAG.RA, records, compress = true } = fields;
  const writer = new Writer(compress);
  const count = (section: number) => records.filter((record) => record.section === section).length;
  writer.words(0x1234, flags, 1, count(0), count(1), count(2));
  writer.name(name);
  writer.words(type, 1);
  for (const record of records.toSorted((left, right) => left.section - right.section)) {
    writer.record(record);
  }
  return Uint8Array.from(writer.octets);
}

/** Where the question of a message with one question ends. */
export function endOfQuestion(name: NameText): number {
  return 12 + encodeName(name).length + 4;
}

/** A record that owns the root: OPT with an extended rcode's upper bits, a version, flags. */
export function optRecord(rcodeHigh = 0, flags = 0, rdata: readonly number[] = []): RecordFields {
  const ttlS = rcodeHigh * 0x100_0000 + flags;
  return { section: 2, owner: '.', type: 41, rclass: 1232, ttlS, rdata: [rdata] };
}

class Writer {
  readonly octets: number[] = [];
  readonly #compress: boolean;
  readonly #places = new Map<string, number>();

  constructor(compress: boolean) {
    this.#compress = compress;
  }

  words(...values: number[]): void {
    for (const value of values) this.octets.push(value >> 8, value & 0xff);
  }

  name(name: NameText, isPlain = false): void {
    let rest = encodeName(name);
    while (rest[0] !== 0) {
      const suffix = rest.toString('latin1');
      const place = this.#places.get(suffix);
      if (place !== undefined && this.#compress && !isPlain) {
        this.words(0xc000 | place);
        return;
      }
      if (this.octets.length < 0x4000) this.#places.set(suffix, this.octets.length);
      const size = rest[0]! + 1;
      this.octets.push(...rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    this.octets.push(0);
  }

  record({ owner, type, rclass = 1, ttlS, rdata }: RecordFields): void {
    this.name(owner);
    this.words(type, rclass, Math.floor(ttlS / 0x1_0000), ttlS % 0x1_0000, 0);
    const start = this.octets.length;
    for (const part of rdata) {
      if ('name' in part) this.name(part.name, part.plain);
      else this.octets.push(...part);
    }
    const size = this.octets.length - start;
    this.octets[start - 2] = size >> 8;
    this.octets[start - 1] = size & 0xff;
  }
}

/** One record as read back: names in hexadecimal, uncompressed. */
export interface PlainRecord {
  readonly section: number;
  readonly owner: string;
  readonly type: number;
  readonly rclass: number;
  readonly ttlS: number;
  readonly ttlAt: number;
  readonly rdata: string;
}

/** Octets before the names in RDATA, and how many names, of the types whose names may be compressed. */
const NAMES: Readonly<Record<number, readonly [prefix: number, count: number]>> = {
  2: [0, 1],
  3: [0, 1],
  4: [0, 1],
  5: [0, 1],
  6: [0, 2],
  7: [0, 1],
  8: [0, 1],
  9: [0, 1],
  12: [0, 1],
  14: [0, 2],
  15: [2, 1],
  17: [0, 2],
  18: [2, 1],
  21: [2, 1],
  24: [18, 1],
  26: [2, 2],
  30: [0, 1],
  33: [6, 1],
  36: [2, 1],
  39: [0, 1],
  46: [18, 1],
  47: [0, 1],
};

/** The records of a well-formed message, OPT included; throws where the octets are none. */
export function readPlainly(message: Uint8Array): PlainRecord[] {
  const buffer = Buffer.from(message);
  const records: PlainRecord[] = [];
  let at = nameEnd(buffer, 12) + 4;
  for (let section = 0; section < 3; section++) {
    for (let count = buffer.readUInt16BE(6 + 2 * section); count > 0; count--) {
      const fixedAt = nameEnd(buffer, at);
      const dataAt = fixedAt + 10;
      const dataEnd = dataAt + buffer.readUInt16BE(fixedAt + 8);
      if (dataEnd > buffer.length) throw new RangeError('a record ends behind the message');
      const type = buffer.readUInt16BE(fixedAt);
      records.push({
        section,
        owner: plainName(buffer, at).toString('hex'),
        type,
        rclass: buffer.readUInt16BE(fixedAt + 2),
        ttlS: buffer.readUInt32BE(fixedAt + 4),
        ttlAt: fixedAt + 4,
        rdata: plainRdata(buffer, type, dataAt, dataEnd).toString('hex'),
      });
      at = dataEnd;
    }
  }
  return records;
}

/** The record without what depends on its place. */
export function withoutPlace({ ttlAt: _, ...record }: PlainRecord): Omit<PlainRecord, 'ttlAt'> {
  return record;
}

/** Empty RDATA is taken for what it is in any type, as the code under test does (RFC 2136 has such records). */
function plainRdata(message: Buffer, type: number, from: number, to: number): Buffer {
  if (from === to) return Buffer.alloc(0);
  const naptrPrefix = () => {
    let at = from + 4;
    for (let strings = 0; strings < 3; strings++) at += message.readUInt8(at) + 1;
    return at - from;
  };
  const [prefix, count] = type === 35 ? [naptrPrefix(), 1] : (NAMES[type] ?? [0, 0]);
  const parts = [message.subarray(from, from + prefix)];
  let at = from + prefix;
  for (let index = 0; index < count; index++) {
    parts.push(plainName(message, at));
    at = nameEnd(message, at);
  }
  if (at > to) throw new RangeError('a name ends behind its RDATA');
  return Buffer.concat([...parts, message.subarray(at, to)]);
}

function nameEnd(message: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const label = message.readUInt8(at);
    if (label === 0) return at + 1;
    if (label >= 0xc0) return at + 2;
    at += label + 1;
  }
}

function plainName(message: Buffer, at: number): Buffer {
  const label = message.readUInt8(at);
  if (label === 0) return Buffer.of(0);
  if (label >= 0xc0) return plainName(message, message.readUInt16BE(at) & 0x3fff);
  return Buffer.concat([message.subarray(at, at + label + 1), plainName(message, at + label + 1)]);
}
