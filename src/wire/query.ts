/**
 * Reading a client's query in place, on the hot path: no allocation, no exception, nothing read past its end.
 *
 *   header 12 | QNAME, QTYPE 2, QCLASS 2 | at most one RR in answer and authority, two in additional (one of them OPT)
 *
 * What is accepted follows miekg/dns's accept function, which CoreDNS uses: QR=1 is ignored, an opcode other than QUERY and
 * NOTIFY gives NOTIMP, impossible section counts and malformed records give FORMERR. Octets after the last record are ignored.
 */

import { nameSpan } from './name.ts';
import { type Octets, u8, u16 } from './octets.ts';
import { FLAG, HEADER_SIZE, LABEL_SIZE_MAX, NAME_SIZE_MAX, OPCODE, QTYPE } from './registry.ts';

/** What to do with a datagram or frame after reading it. */
export const VERDICT = {
  /** A question to be answered. */
  ACCEPT: 0,
  /** Not a query, or no header: no reply at all (RFC 1035 leaves it open; a reply could loop). */
  IGNORE: 1,
  FORMERR: 2,
  NOTIMP: 3,
  /** EDNS version other than 0 (RFC 6891 §6.1.3); the question was read. */
  BADVERS: 4,
} as const;
export type Verdict = (typeof VERDICT)[keyof typeof VERDICT];

/** The fields of one query; one object is used again for every query. Offsets count from the message's first octet. */
export class QueryFields {
  id = 0;
  /** The header's second word as received. */
  flags = 0;
  /** Octets of QNAME with its root label; it starts at offset 12. */
  qnameSize = 0;
  qtype = 0;
  qclass = 0;
  /** The end of the question section. */
  questionEnd = 0;
  /** Labels in QNAME, the root label left out. */
  labelCount = 0;
  hasOpt = false;
  /** As the client wrote it; 0 without OPT. */
  udpSize = 0;
  dnssecOk = false;
  /** Where each label starts, counted from QNAME's first octet; the root label's place follows the last. */
  readonly labelAt = new Uint8Array(NAME_SIZE_MAX);
}

/** Reads the message at `octets[at .. at + size]`. Fields after the first malformed one keep old values. */
export function readQuery(octets: Octets, at: number, size: number, out: QueryFields): Verdict {
  if (size < HEADER_SIZE) return VERDICT.IGNORE;
  const flags = u16(octets, at + 2);
  out.id = u16(octets, at);
  out.flags = flags;
  out.hasOpt = false;
  out.udpSize = 0;
  out.dnssecOk = false;
  if ((flags & FLAG.QR) !== 0) return VERDICT.IGNORE;
  const opcode = (flags & FLAG.OPCODE) >> 11;
  if (opcode !== OPCODE.QUERY && opcode !== OPCODE.NOTIFY) return VERDICT.NOTIMP;
  if (u16(octets, at + 4) !== 1) return VERDICT.FORMERR;
  const recordCount = u16(octets, at + 6) + u16(octets, at + 8) + u16(octets, at + 10);
  if (u16(octets, at + 6) > 1 || u16(octets, at + 8) > 1 || u16(octets, at + 10) > 2) {
    return VERDICT.FORMERR;
  }
  const end = at + size;
  const nameEnd = readQname(octets, at + HEADER_SIZE, end, out);
  if (nameEnd < 0 || nameEnd + 4 > end) return VERDICT.FORMERR;
  out.qtype = u16(octets, nameEnd);
  out.qclass = u16(octets, nameEnd + 2);
  out.questionEnd = nameEnd + 4 - at;
  return recordCount === 0
    ? VERDICT.ACCEPT
    : readRecords(octets, nameEnd + 4, end, recordCount, out);
}

/** Returns the offset behind the name, or -1. A pointer in the question has nothing to point at, so it is malformed. */
function readQname(octets: Octets, start: number, end: number, out: QueryFields): number {
  let at = start;
  let labelCount = 0;
  for (;;) {
    if (at >= end) return -1;
    const label = u8(octets, at);
    out.labelAt[labelCount] = at - start;
    if (label === 0) break;
    if (label > LABEL_SIZE_MAX) return -1;
    at += label + 1;
    if (at - start >= NAME_SIZE_MAX) return -1;
    labelCount += 1;
  }
  out.labelCount = labelCount;
  out.qnameSize = at + 1 - start;
  return at + 1;
}

function readRecords(
  octets: Octets,
  start: number,
  end: number,
  count: number,
  out: QueryFields,
): Verdict {
  let at = start;
  let verdict: Verdict = VERDICT.ACCEPT;
  for (let index = 0; index < count; index++) {
    const span = nameSpan(octets, at, end);
    if (span < 0 || at + span + 10 > end) return VERDICT.FORMERR;
    const fixedAt = at + span;
    const dataEnd = fixedAt + 10 + u16(octets, fixedAt + 8);
    if (dataEnd > end) return VERDICT.FORMERR;
    if (u16(octets, fixedAt) === QTYPE.OPT) {
      // RFC 6891 §6.1.1: one OPT, owned by the root.
      if (out.hasOpt || span !== 1 || !areOptions(octets, fixedAt + 10, dataEnd)) {
        return VERDICT.FORMERR;
      }
      out.hasOpt = true;
      out.udpSize = u16(octets, fixedAt + 2);
      out.dnssecOk = (u8(octets, fixedAt + 6) & 0x80) !== 0;
      if (u8(octets, fixedAt + 5) !== 0) verdict = VERDICT.BADVERS;
    }
    at = dataEnd;
  }
  return verdict;
}

/** RFC 6891 §6.1.2: option code 2, length 2, data; exactly filling the RDATA. */
function areOptions(octets: Octets, start: number, end: number): boolean {
  let at = start;
  while (at + 4 <= end) at += 4 + u16(octets, at + 2);
  return at === end;
}
