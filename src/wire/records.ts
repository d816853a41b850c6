/**
 * A response's records one by one, for directives that make answers or change them: owner and RDATA with all names written
 * out, whatever the message had compressed. And back into the one form that everything behind uses (response.ts).
 *
 * This is the long way: it allocates as it likes, and no answer from the cache passes here unless a directive asks for it.
 */
import { assert } from '../base/invariant.ts';
import { expandName } from './name.ts';
import { type Octets, setU16, setU32 } from './octets.ts';
import { namesInData } from './rdata-names.ts';
import { RecordCursor, readRecord, walkRecords } from './record.ts';
import { HEADER_SIZE, MESSAGE_SIZE_MAX, NAME_SIZE_MAX } from './registry.ts';
import { type Response, type ResponseBody, readResponse } from './response.ts';

export interface ResourceRecord {
  /** Uncompressed, in the letter case it came in. */
  readonly owner: Octets;
  readonly type: number;
  readonly rclass: number;
  readonly ttlS: number;
  /** RDATA; names in it are uncompressed. */
  readonly data: Octets;
}

/** Of a response, OPT is in none of them. */
export interface Sections {
  readonly answer: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
}

export const NO_RECORDS: Sections = { answer: [], authority: [], additional: [] };

/** What a response answers. */
export interface AnsweredQuestion {
  /** Uncompressed. */
  readonly qname: Octets;
  readonly qtype: number;
  readonly qclass: number;
}

/** The records of a body that answers `question`. */
export function sectionsOf(body: ResponseBody, question: AnsweredQuestion): Sections {
  const message = messageOf(body, question);
  let at = questionEndOf(question);
  const cursor = new RecordCursor();
  const take = (count: number): ResourceRecord[] =>
    Array.from({ length: count }, () => {
      const record = readRecord(message, at, cursor) ? recordAt(message, cursor) : undefined;
      assert(record !== undefined, 'a body is well formed');
      at = cursor.dataEnd;
      return record;
    });
  return {
    answer: take(body.answerCount),
    authority: take(body.authorityCount),
    additional: take(body.additionalCount),
  };
}

/** The records of a message from anybody, OPT among the additional ones; undefined where one is malformed. */
export function messageRecords(message: Octets): Sections | undefined {
  const sections: ResourceRecord[][] = [[], [], []];
  let isMalformed = false;
  const isWalked = walkRecords(message, (cursor) => {
    const record = recordAt(message, cursor);
    if (record === undefined) isMalformed = true;
    else sections[cursor.section]!.push(record);
    return record !== undefined;
  });
  if (!isWalked || isMalformed) return undefined;
  const [answer, authority, additional] = sections as [ResourceRecord[], ...ResourceRecord[][]];
  return { answer, authority: authority!, additional: additional! };
}

/** A body as a response again, every TTL set to `ttlS` seconds. */
export function responseWithTtl(
  body: ResponseBody,
  question: AnsweredQuestion,
  ttlS: number,
): Response {
  const message = messageOf(body, question);
  const bodyAt = questionEndOf(question);
  for (const offset of body.ttlOffsets) setU32(message, bodyAt + offset, ttlS);
  const response = readResponse(message, bodyAt, 0);
  assert(response !== undefined, 'a body is well formed');
  return withRcode(response, body.rcode);
}

function messageOf(body: ResponseBody, question: AnsweredQuestion): Octets {
  const { flags, answerCount, authorityCount, additionalCount } = body;
  const message = new Uint8Array(questionEndOf(question) + body.octets.length);
  writeHead(message, question, flags, [answerCount, authorityCount, additionalCount]);
  message.set(body.octets, questionEndOf(question));
  return message;
}

function questionEndOf({ qname }: AnsweredQuestion): number {
  return HEADER_SIZE + qname.length + 4;
}

function writeHead(
  out: Octets,
  { qname, qtype, qclass }: AnsweredQuestion,
  flags: number,
  counts: readonly [number, number, number],
): void {
  setU16(out, 2, flags);
  setU16(out, 4, 1);
  for (const [section, count] of counts.entries()) setU16(out, 6 + 2 * section, count);
  out.set(qname, HEADER_SIZE);
  setU16(out, HEADER_SIZE + qname.length, qtype);
  setU16(out, HEADER_SIZE + qname.length + 2, qclass);
}

function withRcode(response: Response, rcode: number): Response {
  return { ...response, body: { ...response.body, rcode } };
}

/** Undefined where a name is malformed. */
function recordAt(message: Octets, cursor: RecordCursor): ResourceRecord | undefined {
  const { type, rclass, ttlS } = cursor;
  const owner = nameAt(message, cursor.at);
  const data = dataOf(message, cursor);
  return owner && data && { owner, type, rclass, ttlS, data };
}

function nameAt(message: Octets, at: number): Octets | undefined {
  const name = new Uint8Array(NAME_SIZE_MAX);
  const size = expandName(message, at, message.length, name, 0);
  return size > 0 ? name.subarray(0, size) : undefined;
}

/** The names of RDATA that may be compressed end it, or only fixed fields follow them. */
function dataOf(message: Octets, { type, dataAt, dataEnd }: RecordCursor): Octets | undefined {
  const shape = namesInData(type);
  // Only those come compressed: the reader of responses has written the names of other types out.
  if (shape === undefined || !shape.compresses) return message.slice(dataAt, dataEnd);
  let at = Math.min(dataAt + shape.prefixSize, dataEnd);
  const parts = [message.subarray(dataAt, at)];
  for (let count = shape.nameCount; count > 0 && at < dataEnd; count--) {
    const name = nameAt(message, at);
    if (name === undefined) return undefined;
    parts.push(name);
    at += compressedSpan(message, at);
  }
  if (at > dataEnd) return undefined;
  parts.push(message.subarray(at, dataEnd));
  return Uint8Array.from(Buffer.concat(parts));
}

/** Octets that a well-formed name takes in place. */
function compressedSpan(message: Octets, start: number): number {
  let at = start;
  while (message[at]! !== 0) {
    if (message[at]! >= 0xc0) return at + 2 - start;
    at += message[at]! + 1;
  }
  return at + 1 - start;
}

export interface ResponseParts {
  /** AA, RA, AD of the header's second word. */
  readonly flags: number;
  /** With the bits that OPT carries. */
  readonly rcode: number;
  readonly sections: Sections;
}

/** A response made of records; undefined where they do not fit into a message, or one of them is malformed. */
export function responseOf(question: AnsweredQuestion, parts: ResponseParts): Response | undefined {
  const { answer, authority, additional } = parts.sections;
  const records = [...answer, ...authority, ...additional];
  const questionEnd = questionEndOf(question);
  const size = records.reduce((sum, { owner, data }) => sum + owner.length + 10 + data.length, 0);
  // Names written out count: an answer that would fit only compressed is refused, since it is read uncompressed here.
  if (questionEnd + size > MESSAGE_SIZE_MAX) return undefined;
  const message = new Uint8Array(questionEnd + size);
  writeHead(message, question, parts.flags, [answer.length, authority.length, additional.length]);
  let at = questionEnd;
  for (const record of records) at = writeRecord(message, at, record);
  const response = readResponse(message, questionEnd, 0);
  return response && withRcode(response, parts.rcode);
}

function writeRecord(out: Octets, at: number, record: ResourceRecord): number {
  const { owner, type, rclass, ttlS, data } = record;
  const fixedAt = at + owner.length;
  out.set(owner, at);
  setU16(out, fixedAt, type);
  setU16(out, fixedAt + 2, rclass);
  setU32(out, fixedAt + 4, ttlS);
  setU16(out, fixedAt + 8, data.length);
  out.set(data, fixedAt + 10);
  return fixedAt + 10 + data.length;
}
