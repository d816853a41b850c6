/**
 * Walking the resource records of a message (RFC 1035 §4.1.3). One cursor is moved along; nothing is copied.
 */

import { nameSpan } from './name.ts';
import { type Octets, u16, u32 } from './octets.ts';
import { HEADER_SIZE } from './registry.ts';

export const SECTION = { ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 2 } as const;
export type Section = (typeof SECTION)[keyof typeof SECTION];

/** One record's place: owner at `at`, fixed part at `fixedAt`, RDATA at `dataAt .. dataEnd`. */
export class RecordCursor {
  section: Section = SECTION.ANSWER;
  at = 0;
  fixedAt = 0;
  dataAt = 0;
  dataEnd = 0;
  type = 0;
  rclass = 0;
  ttlS = 0;
}

/** The end of the question section, or -1 where it is malformed. Messages with no question end it at 12. */
export function questionEnd(message: Octets): number {
  if (message.length < HEADER_SIZE) return -1;
  let at = HEADER_SIZE;
  for (let count = u16(message, 4); count > 0; count--) {
    const span = nameSpan(message, at, message.length);
    if (span < 0 || at + span + 4 > message.length) return -1;
    at += span + 4;
  }
  return at;
}

/**
 * Calls `visit` for each record in order; it may return false to stop. Returns false where a record is malformed, i.e. runs
 * past the message's end. Bounded by the message: a record takes at least 11 octets.
 */
export function walkRecords(
  message: Octets,
  visit: (record: RecordCursor) => boolean | undefined,
): boolean {
  let at = questionEnd(message);
  if (at < 0) return false;
  const record = new RecordCursor();
  for (let section = 0; section < 3; section++) {
    record.section = section as Section;
    for (let count = u16(message, 6 + 2 * section); count > 0; count--) {
      if (!readRecord(message, at, record)) return false;
      if (visit(record) === false) return true;
      at = record.dataEnd;
    }
  }
  return true;
}

/** Reads the record at `at`; false where it does not fit into the message. */
export function readRecord(message: Octets, at: number, out: RecordCursor): boolean {
  const span = nameSpan(message, at, message.length);
  if (span < 0) return false;
  const fixedAt = at + span;
  if (fixedAt + 10 > message.length) return false;
  out.at = at;
  out.fixedAt = fixedAt;
  out.type = u16(message, fixedAt);
  out.rclass = u16(message, fixedAt + 2);
  out.ttlS = u32(message, fixedAt + 4);
  out.dataAt = fixedAt + 10;
  out.dataEnd = out.dataAt + u16(message, fixedAt + 8);
  return out.dataEnd <= message.length;
}
