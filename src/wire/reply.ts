/**
 * A reply to a client, made in the octets of its query: the question stays as it was asked (letter case included), the header
 * is rewritten, the body comes behind the question, and OPT last if the client sent one.
 *
 * Hot path: no allocation. The body's source is a set of plain fields, since a cached answer lies in shared memory and a
 * fresh one in an array of its own.
 */
import { type Octets, setU8, setU16, setU32, u16 } from './octets.ts';
import type { QueryFields } from './query.ts';
import { FLAG, HEADER_SIZE, QTYPE, RCODE, UDP_SIZE_MIN } from './registry.ts';
import type { ResponseBody } from './response.ts';

/** Octets of an OPT record without options. */
export const OPT_SIZE = 11;

/** Where a reply's body comes from; one object is used again for every reply. */
export class BodySource {
  octets: Octets = new Uint8Array(0);
  octetsAt = 0;
  size = 0;
  ttlOffsets: Uint16Array = new Uint16Array(0);
  ttlOffsetsAt = 0;
  ttlCount = 0;
  answerCount = 0;
  authorityCount = 0;
  additionalCount = 0;
  /** AA, TC, RA and AD. */
  flags = 0;
  rcode = 0;
  /** The TTL of every record, in seconds, or -1: as stored. */
  ttlS = -1;

  setBody(body: ResponseBody, ttlS: number): void {
    this.octets = body.octets;
    this.octetsAt = 0;
    this.size = body.octets.length;
    this.ttlOffsets = body.ttlOffsets;
    this.ttlOffsetsAt = 0;
    this.ttlCount = body.ttlOffsets.length;
    this.answerCount = body.answerCount;
    this.authorityCount = body.authorityCount;
    this.additionalCount = body.additionalCount;
    this.flags = body.flags;
    this.rcode = body.rcode;
    this.ttlS = ttlS;
  }
}

/**
 * What a UDP client is sent at most: 512 octets without EDNS, at least as many with it (RFC 6891 §6.2.3), never more than
 * `sizeMax`. ANY gets no more than it sent, hence TC and nothing else: it exists over UDP to be aimed at others (RFC 8482).
 */
export function udpLimit(query: QueryFields, querySize: number, sizeMax: number): number {
  if (query.qtype === QTYPE.ANY) return querySize;
  return Math.min(Math.max(query.udpSize, UDP_SIZE_MIN), sizeMax);
}

/**
 * Writes the reply at `at`, where the query's header and question stand; returns its size. What does not fit into `limit`
 * octets is left out from the end, with TC: the records that do fit stay, since musl's resolver never asks again over TCP.
 */
export function writeReply(
  out: Octets,
  at: number,
  query: QueryFields,
  source: BodySource,
  limit: number,
): number {
  const bodyAt = at + query.questionEnd;
  const room = limit - query.questionEnd - (query.hasOpt ? OPT_SIZE : 0);
  if (source.size > room) return writeTruncated(out, at, query, source, room);
  copyBody(out, bodyAt, source.octets, source.octetsAt, source.size);
  if (source.ttlS >= 0) patchTtls(out, bodyAt, source, source.ttlCount);
  setU16(out, at + 6, source.answerCount);
  setU16(out, at + 8, source.authorityCount);
  setU16(out, at + 10, source.additionalCount);
  return finishReply(out, at, query, source.flags, source.rcode, query.questionEnd + source.size);
}

function writeTruncated(
  out: Octets,
  at: number,
  query: QueryFields,
  source: BodySource,
  room: number,
): number {
  let size = 0;
  let count = 0;
  for (; count < source.ttlCount; count++) {
    const ttlAt = source.octetsAt + source.ttlOffsets[source.ttlOffsetsAt + count]!;
    const end = ttlAt + 6 + u16(source.octets, ttlAt + 4) - source.octetsAt;
    if (end > room) break;
    size = end;
  }
  const bodyAt = at + query.questionEnd;
  copyBody(out, bodyAt, source.octets, source.octetsAt, size);
  if (source.ttlS >= 0) patchTtls(out, bodyAt, source, count);
  const answers = Math.min(count, source.answerCount);
  const authority = Math.min(count - answers, source.authorityCount);
  setU16(out, at + 6, answers);
  setU16(out, at + 8, authority);
  setU16(out, at + 10, count - answers - authority);
  const flags = source.flags | FLAG.TC;
  return finishReply(out, at, query, flags, source.rcode, query.questionEnd + size);
}

/** A reply without records: header, question, OPT if asked with one. */
export function writeEmptyReply(
  out: Octets,
  at: number,
  query: QueryFields,
  rcode: number,
  flags: number,
): number {
  setU32(out, at + 6, 0);
  setU16(out, at + 10, 0);
  return finishReply(out, at, query, flags, rcode, query.questionEnd);
}

/**
 * What a query gets that cannot be read: the header alone, as miekg/dns sends it (FORMERR with opcode QUERY, NOTIMP with the
 * opcode it came with); never longer than what came in.
 */
export function writeHeaderReply(out: Octets, at: number, rcode: number): number {
  const flags = u16(out, at + 2);
  const kept = rcode === RCODE.NOTIMP ? FLAG.OPCODE | FLAG.RD | FLAG.CD : FLAG.RD | FLAG.CD;
  setU16(out, at + 2, FLAG.QR | (flags & kept) | rcode);
  setU32(out, at + 4, 0);
  setU32(out, at + 8, 0);
  return HEADER_SIZE;
}

/** The header's flags and OPT; the section counts are written, OPT is added to them. */
function finishReply(
  out: Octets,
  at: number,
  query: QueryFields,
  flags: number,
  rcode: number,
  size: number,
): number {
  let kept = flags;
  // RFC 6840 §5.7, 5.8: AD only for those who said that they understand it.
  if (!query.dnssecOk && (query.flags & FLAG.AD) === 0) kept &= ~FLAG.AD;
  const echoed = query.flags & (FLAG.OPCODE | FLAG.RD | FLAG.CD);
  setU16(out, at + 2, FLAG.QR | echoed | kept | (rcode & FLAG.RCODE));
  if (!query.hasOpt) return size;
  setU16(out, at + 10, u16(out, at + 10) + 1);
  writeOpt(out, at + size, query.udpSize, query.dnssecOk, rcode);
  return size + OPT_SIZE;
}

/** RFC 6891 §6.1.2, version 0, no options. CoreDNS mirrors the client's UDP size. */
export function writeOpt(
  out: Octets,
  at: number,
  udpSize: number,
  dnssecOk: boolean,
  rcode: number,
): number {
  setU8(out, at, 0);
  setU16(out, at + 1, QTYPE.OPT);
  setU16(out, at + 3, udpSize);
  setU8(out, at + 5, rcode >> 4);
  setU8(out, at + 6, 0);
  setU16(out, at + 7, dnssecOk ? 0x8000 : 0);
  setU16(out, at + 9, 0);
  return OPT_SIZE;
}

function patchTtls(out: Octets, bodyAt: number, source: BodySource, count: number): void {
  for (let index = 0; index < count; index++) {
    setU32(out, bodyAt + source.ttlOffsets[source.ttlOffsetsAt + index]!, source.ttlS);
  }
}

function copyBody(out: Octets, at: number, from: Octets, fromAt: number, size: number): void {
  for (let index = 0; index < size; index++) out[at + index] = from[fromAt + index]!;
}

/**
 * A query to an upstream in the one shape that all have: id 0, our OPT, none of the client's options (`rewrite` may add some), and
 * AD: we understand it (RFC 6840 §5.7), whoever of those that share the answer does.
 */
export interface UpstreamQueryShape {
  /** Uncompressed. */
  readonly qname: Octets;
  readonly qtype: number;
  readonly qclass: number;
  readonly opcode: number;
  readonly rd: boolean;
  readonly cd: boolean;
  readonly dnssecOk: boolean;
  readonly ednsOptions?: readonly EdnsOption[];
}

/** RFC 6891 §6.1.2. */
export interface EdnsOption {
  readonly code: number;
  readonly data: Octets;
}

/** `udpSize`: octets that our OPT offers. */
export function buildUpstreamQuery(shape: UpstreamQueryShape, udpSize: number): Octets {
  const questionEnd = HEADER_SIZE + shape.qname.length + 4;
  const options = shape.ednsOptions ?? [];
  const optionsSize = options.reduce((sum, { data }) => sum + 4 + data.length, 0);
  // From Node's pool: an array of its own outside of the heap takes four times as much.
  const out = Buffer.allocUnsafe(questionEnd + OPT_SIZE + optionsSize);
  const flags = (shape.rd ? FLAG.RD : 0) | (shape.cd ? FLAG.CD : 0) | FLAG.AD;
  setU16(out, 0, 0);
  setU16(out, 2, (shape.opcode << 11) | flags);
  setU16(out, 4, 1);
  setU32(out, 6, 0);
  setU16(out, 10, 1);
  out.set(shape.qname, HEADER_SIZE);
  setU16(out, questionEnd - 4, shape.qtype);
  setU16(out, questionEnd - 2, shape.qclass);
  writeOpt(out, questionEnd, udpSize, shape.dnssecOk, 0);
  setU16(out, questionEnd + OPT_SIZE - 2, optionsSize);
  let at = questionEnd + OPT_SIZE;
  for (const { code, data } of options) {
    setU16(out, at, code);
    setU16(out, at + 2, data.length);
    out.set(data, at + 4);
    at += 4 + data.length;
  }
  return out;
}
