/**
 * What this room reads of a DNS message: enough to tell whether a reply answers a query, whether it is truncated, and its
 * RCODE. All else passes through unread.
 */
import { assert } from '../base/invariant.ts';
import { nameFromText, nameSpan } from '../wire/name.ts';
import { lowerOctet, setU16, u8, u16 } from '../wire/octets.ts';
import { FLAG, HEADER_SIZE, QCLASS, QTYPE } from '../wire/registry.ts';

/** The end of the one question of a query of ours; the caller has built it, so a broken one is our fault. */
export function questionEndOf(query: Uint8Array): number {
  const span = nameSpan(query, HEADER_SIZE, query.length);
  const end = HEADER_SIZE + span + 4;
  assert(span > 0 && end <= query.length && u16(query, 4) === 1, 'a query with one question');
  return end;
}

/**
 * Whether `reply` is a response to `query`: QR, the opcode, and the same question once, letters compared without case as
 * CoreDNS does (RFC 5452 §9.1). The id is the caller's: it found `query` by it.
 */
export function answers(query: Uint8Array, questionEnd: number, reply: Uint8Array): boolean {
  if (reply.length < questionEnd || u16(reply, 4) !== 1) return false;
  const mask = FLAG.QR | FLAG.OPCODE;
  if ((u16(reply, 2) & mask) !== (FLAG.QR | (u16(query, 2) & FLAG.OPCODE))) return false;
  // Octets that count a label's length are below 64, so that lower-casing leaves them alone.
  const typeAt = questionEnd - 4;
  for (let at = HEADER_SIZE; at < typeAt; at++) {
    if (lowerOctet(u8(query, at)) !== lowerOctet(u8(reply, at))) return false;
  }
  return (
    u16(query, typeAt) === u16(reply, typeAt) && u16(query, typeAt + 2) === u16(reply, typeAt + 2)
  );
}

/** Whether it is a response at all: what a health check asks for. */
export function isResponse(reply: Uint8Array): boolean {
  return reply.length >= HEADER_SIZE && (u16(reply, 2) & FLAG.QR) !== 0;
}

export function isTruncated(reply: Uint8Array): boolean {
  return (u16(reply, 2) & FLAG.TC) !== 0;
}

/** The four bits of the header. */
export function rcodeOf(reply: Uint8Array): number {
  return u16(reply, 2) & FLAG.RCODE;
}

/** The question of a health check, `DOMAIN IN NS`, as CoreDNS asks it: without OPT. */
export function healthQuery(domain: string, recursionDesired: boolean): Uint8Array {
  const name = nameFromText(domain);
  assert(name !== undefined, `${domain} is a domain name`);
  const query = new Uint8Array(HEADER_SIZE + name.length + 4);
  setU16(query, 2, recursionDesired ? FLAG.RD : 0);
  setU16(query, 4, 1);
  query.set(name, HEADER_SIZE);
  setU16(query, HEADER_SIZE + name.length, QTYPE.NS);
  setU16(query, HEADER_SIZE + name.length + 2, QCLASS.IN);
  return query;
}
