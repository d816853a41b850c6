/**
 * Builds queries octet by octet and reads replies, for tests. Labels may hold any octet, which dns-packet cannot say
 * (it takes names for UTF-8); replies are decoded with dns-packet, an implementation that is not ours.
 */
import * as dnsPacket from 'dns-packet';

/** `www.example.org` (dots separate, characters are Latin-1 octets), or labels of any octets. */
export type NameText = string | readonly (string | Uint8Array)[];

const TYPES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  AXFR: 252,
  ANY: 255,
};
const CLASSES: Readonly<Record<string, number>> = { IN: 1, CH: 3, ANY: 255 };

/** Bits of the header's second word (RFC 1035 §4.1.1, RFC 4035 §3.2). */
export const FLAG = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  Z: 0x0040,
  AD: 0x0020,
  CD: 0x0010,
} as const;

export interface EdnsFields {
  /** Default 1232. */
  readonly size?: number;
  readonly dnssecOk?: boolean;
  readonly version?: number;
  readonly options?: readonly { readonly code: number; readonly data: Uint8Array }[];
}

export interface QueryFields {
  readonly name: NameText;
  /** Default A; a number for a type without a mnemonic here. */
  readonly type?: string | number;
  /** Default IN. */
  readonly class?: string | number;
  /** Default: drawn at random. */
  readonly id?: number;
  /** The header's second word; default RD alone. */
  readonly flags?: number;
  /** Default: no OPT record. */
  readonly edns?: EdnsFields;
}

/** A whole message, or the fields to build a query from. */
export type QueryInput = Uint8Array | QueryFields;

/** A name in uncompressed wire form (RFC 1035 §3.1); lengths are not checked, so that a test can break them. */
export function encodeName(name: NameText): Buffer {
  const labels = typeof name === 'string' ? name.split('.').filter((label) => label !== '') : name;
  const parts = labels.map((label) => {
    const octets = typeof label === 'string' ? Buffer.from(label, 'latin1') : label;
    return Buffer.concat([Uint8Array.of(octets.length), octets]);
  });
  return Buffer.concat([...parts, Uint8Array.of(0)]);
}

/** The octets of a query; octets that are given stay as they are. */
export function encodeQuery(query: QueryInput): Buffer {
  if (query instanceof Uint8Array) return Buffer.from(query);
  const { name, type = 'A', class: qclass = 'IN', flags = FLAG.RD, edns } = query;
  const { id = Math.floor(Math.random() * 65536) } = query;
  const additionals = edns ? [encodeOpt(edns)] : [];
  return Buffer.concat([
    words(id, flags, 1, 0, 0, additionals.length),
    encodeName(name),
    words(numberOf(TYPES, type), numberOf(CLASSES, qclass)),
    ...additionals,
  ]);
}

function encodeOpt({ size = 1232, dnssecOk = false, version = 0, options = [] }: EdnsFields) {
  const rdata = options.map(({ code, data }) => Buffer.concat([words(code, data.length), data]));
  const rdataOctets = rdata.reduce((sum, option) => sum + option.length, 0);
  const ttl = words(version, dnssecOk ? 0x8000 : 0);
  return Buffer.concat([Uint8Array.of(0), words(41, size), ttl, words(rdataOctets), ...rdata]);
}

function words(...values: number[]): Buffer {
  const octets = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) octets.writeUInt16BE(value, 2 * index);
  return octets;
}

function numberOf(registry: Readonly<Record<string, number>>, value: string | number): number {
  const number = typeof value === 'number' ? value : registry[value];
  if (number === undefined) throw new RangeError(`no number for ${value}: give it as a number`);
  return number;
}

/** What dns-packet gives, with what its types leave out: sections are always there, mnemonics too. */
export interface DecodedMessage extends dnsPacket.DecodedPacket {
  id: number;
  flags: number;
  questions: dnsPacket.Question[];
  answers: dnsPacket.Answer[];
  authorities: dnsPacket.Answer[];
  additionals: dnsPacket.Answer[];
  rcode: string;
  opcode: string;
}

/** Throws where the octets are no message. */
export function decodeMessage(octets: Uint8Array): DecodedMessage {
  return dnsPacket.decode(Buffer.from(octets)) as DecodedMessage;
}

/** A message received: its octets as they came, and what they say. */
export class Reply {
  readonly octets: Buffer;

  constructor(octets: Buffer) {
    this.octets = octets;
  }

  get id(): number {
    return this.octets.readUInt16BE(0);
  }

  /** Decoded on each call; throws where the octets are no message. */
  get decoded(): DecodedMessage {
    return decodeMessage(this.octets);
  }

  get rcode(): string {
    return this.decoded.rcode;
  }

  hasFlag(flag: keyof typeof FLAG): boolean {
    return (this.octets.readUInt16BE(2) & FLAG[flag]) !== 0;
  }

  /** The data of the answer section's records of `type`, addresses and names as text. */
  data(type: string): unknown[] {
    return this.decoded.answers
      .filter((record) => record.type === type)
      .map((record) => ('data' in record ? record.data : undefined));
  }
}
