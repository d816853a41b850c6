/**
 * What an upstream said, brought into the one form that everything behind it uses: the octets behind the question, names
 * compressed against a question at octet 12 (RFC 1035 §4.1.4), OPT taken out (it is hop by hop, RFC 6891 §6.2.6), and the
 * places of the TTL fields. The same form is stored, sent to clients, truncated and counted down.
 *
 * Names inside RDATA are compressed in the types of RFC 1035 only and written out in the later types that once allowed it
 * (RFC 3597 §4). RDATA of any other type is copied as it is. A message that is malformed anywhere is refused whole.
 */

import { NameCopier } from './compression.ts';
import type { ExtendedError } from './extended-error.ts';
import { type Octets, setU8, setU16, setU32, u8, u16, u32 } from './octets.ts';
import { namesInData } from './rdata-names.ts';
import { RecordCursor, readRecord, SECTION } from './record.ts';
import { FLAG, HEADER_SIZE, MESSAGE_SIZE_MAX, NAME_SIZE_MAX, QTYPE } from './registry.ts';

export interface ResponseBody {
  /** Everything behind the question, without OPT. */
  readonly octets: Octets;
  /** Offsets in `octets` of the 32-bit TTLs, in order, one a record. */
  readonly ttlOffsets: Uint16Array;
  /** AA, TC, RA and AD of the header's second word; what has TC is never cached. */
  readonly flags: number;
  /** With the upper bits from OPT (RFC 6891 §6.1.3). */
  readonly rcode: number;
  readonly answerCount: number;
  readonly authorityCount: number;
  readonly additionalCount: number;
  /** Goes to clients with EDNS; the cache does not keep it. */
  readonly extendedError?: ExtendedError | undefined;
}

/** What lifetimes depend on (RFC 2308, and CoreDNS's classification). TTLs in seconds. */
export interface ResponseFacts {
  readonly isTruncated: boolean;
  readonly hasOpt: boolean;
  readonly opcode: number;
  /** The smallest TTL of all records; undefined where there is none. */
  readonly ttlMinS: number | undefined;
  /** The TTL of the SOA record in authority. */
  readonly soaTtlS: number | undefined;
  /** Whether answer holds a record of the type asked for (or any, where ANY or RRSIG was asked). */
  readonly answersType: boolean;
  /** DO in the response's OPT and an RRSIG whose validity excludes `nowS`. */
  readonly hasExpiredSignature: boolean;
}

export interface Response {
  readonly body: ResponseBody;
  readonly facts: ResponseFacts;
}

/** RDATA of one size only. */
const FIXED_SIZE: ReadonlyMap<number, number> = new Map([
  [QTYPE.A, 4],
  [QTYPE.AAAA, 16],
]);

/** Half the space of serial arithmetic (RFC 4034 §3.1.5). */
const SERIAL_HALF = 0x8000_0000;

/** The message under construction; a name may be written behind its bound before that shows. */
const scratch = new Uint8Array(MESSAGE_SIZE_MAX + NAME_SIZE_MAX);
const names = new NameCopier(scratch);
/** A record takes eleven octets at least. */
const ttlOffsets = new Uint16Array(Math.ceil(MESSAGE_SIZE_MAX / 11));

/**
 * Reads a response to the question `[12, questionEnd)`, which has been compared with what was asked. Undefined where it is
 * malformed. `nowS`: wall-clock seconds, for signatures only.
 */
export function readResponse(
  message: Octets,
  questionEnd: number,
  nowS: number,
): Response | undefined {
  return reader.read(message, questionEnd, nowS);
}

class ResponseReader {
  readonly #record = new RecordCursor();
  readonly #counts = [0, 0, 0];
  #in: Octets = scratch;
  #questionEnd = 0;
  #nowS = 0;
  #qtype = 0;
  #ttlCount = 0;
  #end = 0;
  #ttlMinS: number | undefined;
  #soaTtlS: number | undefined;
  #answersType = false;
  #hasOpt = false;
  #dnssecOk = false;
  #rcodeHigh = 0;
  #badSignature = false;

  #begin(message: Octets, questionEnd: number, nowS: number): void {
    this.#in = message;
    this.#questionEnd = this.#end = questionEnd;
    this.#nowS = nowS;
    this.#qtype = u16(message, questionEnd - 4);
    this.#counts.fill(0);
    this.#ttlCount = 0;
    this.#ttlMinS = this.#soaTtlS = undefined;
    this.#answersType = this.#hasOpt = this.#dnssecOk = this.#badSignature = false;
    this.#rcodeHigh = 0;
    names.begin(message);
    names.copy(HEADER_SIZE, HEADER_SIZE, false);
  }

  read(message: Octets, questionEnd: number, nowS: number): Response | undefined {
    this.#begin(message, questionEnd, nowS);
    let at = questionEnd;
    for (let section = 0; section < 3; section++) {
      for (let count = u16(this.#in, 6 + 2 * section); count > 0; count--) {
        this.#record.section = section as 0 | 1 | 2;
        if (!readRecord(this.#in, at, this.#record)) return undefined;
        const isRead = this.#record.type === QTYPE.OPT ? this.#readOpt() : this.#copyRecord();
        if (!isRead) return undefined;
        at = this.#record.dataEnd;
      }
    }
    return this.#result();
  }

  #result(): Response {
    const flags = u16(this.#in, 2);
    const start = this.#questionEnd;
    return {
      body: {
        octets: scratch.slice(start, this.#end),
        ttlOffsets: ttlOffsets.slice(0, this.#ttlCount),
        flags: flags & (FLAG.AA | FLAG.TC | FLAG.RA | FLAG.AD),
        rcode: (flags & FLAG.RCODE) | this.#rcodeHigh,
        answerCount: this.#counts[SECTION.ANSWER]!,
        authorityCount: this.#counts[SECTION.AUTHORITY]!,
        additionalCount: this.#counts[SECTION.ADDITIONAL]!,
      },
      facts: {
        isTruncated: (flags & FLAG.TC) !== 0,
        hasOpt: this.#hasOpt,
        opcode: (flags & FLAG.OPCODE) >> 11,
        ttlMinS: this.#ttlMinS,
        soaTtlS: this.#soaTtlS,
        answersType: this.#answersType,
        hasExpiredSignature: this.#dnssecOk && this.#badSignature,
      },
    };
  }

  #readOpt(): boolean {
    const { section, fixedAt, at } = this.#record;
    if (this.#hasOpt || section !== SECTION.ADDITIONAL || fixedAt !== at + 1) return false;
    this.#hasOpt = true;
    this.#rcodeHigh = u8(this.#in, fixedAt + 4) << 4;
    this.#dnssecOk = (u8(this.#in, fixedAt + 6) & 0x80) !== 0;
    return true;
  }

  #copyRecord(): boolean {
    const { type, rclass, at, section } = this.#record;
    if (!this.#copyName(at, true)) return false;
    const fixedOutAt = this.#end;
    if (fixedOutAt + 10 > MESSAGE_SIZE_MAX) return false;
    // RFC 2181 §8: a TTL with the top bit set is 0.
    const ttlS = this.#record.ttlS >= 0x8000_0000 ? 0 : this.#record.ttlS;
    setU16(scratch, fixedOutAt, type);
    setU16(scratch, fixedOutAt + 2, rclass);
    setU32(scratch, fixedOutAt + 4, ttlS);
    this.#end += 10;
    if (!this.#copyData()) return false;
    setU16(scratch, fixedOutAt + 8, this.#end - fixedOutAt - 10);
    ttlOffsets[this.#ttlCount++] = fixedOutAt + 4 - this.#questionEnd;
    this.#counts[section]! += 1;
    this.#note(type, section, ttlS);
    return true;
  }

  #note(type: number, section: number, ttlS: number): void {
    this.#ttlMinS = Math.min(this.#ttlMinS ?? ttlS, ttlS);
    if (section === SECTION.AUTHORITY && type === QTYPE.SOA) this.#soaTtlS = ttlS;
    if (section === SECTION.ANSWER) {
      if (type === this.#qtype || this.#qtype === QTYPE.ANY) this.#answersType = true;
    }
    if (type === QTYPE.RRSIG && !this.#isSignatureValid()) this.#badSignature = true;
  }

  /** RFC 4034 §3.1.5: inception and expiration are serial numbers of seconds. Empty RDATA was let through. */
  #isSignatureValid(): boolean {
    const { dataAt, dataEnd } = this.#record;
    if (dataAt === dataEnd) return false;
    const expiration = u32(this.#in, dataAt + 8);
    const inception = u32(this.#in, dataAt + 12);
    const isAtOrAfter = (left: number, right: number) => (left - right) >>> 0 < SERIAL_HALF;
    return isAtOrAfter(expiration, this.#nowS) && isAtOrAfter(this.#nowS, inception);
  }

  #copyData(): boolean {
    const { type, dataAt, dataEnd } = this.#record;
    const size = dataEnd - dataAt;
    const fixedSize = FIXED_SIZE.get(type);
    if (fixedSize !== undefined && size !== fixedSize) return false;
    const shape = namesInData(type);
    // Update messages carry empty RDATA (RFC 2136); nothing to read then.
    if (shape === undefined || size === 0) return this.#copyOctets(dataAt, dataEnd);
    let at = dataAt + shape.prefixSize;
    if (type === QTYPE.NAPTR) at = this.#stringsEnd(at, dataEnd, 3);
    if (at > dataEnd || !this.#copyOctets(dataAt, at)) return false;
    for (let index = 0; index < shape.nameCount; index++) {
      const end = this.#nameEnd(at, dataEnd);
      if (end < 0 || !this.#copyName(at, shape.compresses)) return false;
      at = end;
    }
    return this.#copyOctets(at, dataEnd);
  }

  /** The end of so many character-strings (RFC 1035 §3.3); beyond `end` where they do not fit. */
  #stringsEnd(start: number, end: number, count: number): number {
    let at = start;
    for (let index = 0; index < count && at <= end; index++) {
      at += at < end ? u8(this.#in, at) + 1 : 1;
    }
    return at;
  }

  #nameEnd(start: number, end: number): number {
    let at = start;
    while (at < end) {
      const label = u8(this.#in, at);
      if (label === 0) return at + 1;
      if (label >= 0xc0) return at + 2 <= end ? at + 2 : -1;
      at += label + 1;
    }
    return -1;
  }

  #copyName(at: number, compresses: boolean): boolean {
    const end = names.copy(at, this.#end, compresses);
    if (end >= 0) this.#end = end;
    return end >= 0;
  }

  #copyOctets(from: number, to: number): boolean {
    if (this.#end + to - from > MESSAGE_SIZE_MAX) return false;
    // Cheaper than a view of the few octets that most RDATA has.
    for (let at = from; at < to; at++) setU8(scratch, this.#end++, u8(this.#in, at));
    return true;
  }
}

/** One for the thread: a response is read before the next one begins. */
const reader = new ResponseReader();
