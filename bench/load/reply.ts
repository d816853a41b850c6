/**
 * Is this reply the answer to that question? The id is the flight table's matter; here are the header, the question in
 * the spelling that was sent, the RCODE, and the answer section. Nothing is allocated and nothing outside the reply is
 * read, whatever its octets say.
 */

import { HEADER_OCTETS, RTYPE } from './protocol.ts';
import { EXPECT_ANY_RCODE, type QuestionSet } from './questions.ts';

export const VERDICT = {
  RIGHT: 0,
  /** Too short, not a response, or its records do not fit. */
  MALFORMED: 1,
  /** Not the question that was sent, letter case included. */
  WRONG_QUESTION: 2,
  TRUNCATED: 3,
  WRONG_RCODE: 4,
  /** Answers missing where they were expected, or there where not. */
  WRONG_ANSWER_COUNT: 5,
  /** No A record, or not the address that belongs to the name. */
  WRONG_ADDRESS: 6,
} as const;
export type Verdict = (typeof VERDICT)[keyof typeof VERDICT];

/** Names of the verdicts in reports, by number. */
export const VERDICT_NAMES: readonly string[] = Object.keys(VERDICT).map((name) =>
  name.toLowerCase(),
);

/** Judges the message in `octets` from `start` to `end` as a reply to question `question` of the set. */
export function judgeReply(
  octets: Uint8Array,
  start: number,
  end: number,
  set: QuestionSet,
  question: number,
): Verdict {
  const questionOctets = set.questionOctets[question]!;
  if (end - start < HEADER_OCTETS || (octets[start + 2]! & 0x80) === 0) return VERDICT.MALFORMED;
  const rcode = set.rcode[question]!;
  if (rcode === EXPECT_ANY_RCODE) return VERDICT.RIGHT;
  if ((octets[start + 3]! & 0x0f) !== rcode) return VERDICT.WRONG_RCODE;
  if ((octets[start + 2]! & 0x02) !== 0) return VERDICT.TRUNCATED;
  if (end - start < questionOctets) return VERDICT.MALFORMED;
  if (!echoesQuestion(octets, start, set, question)) return VERDICT.WRONG_QUESTION;
  const answerCount = (octets[start + 6]! << 8) | octets[start + 7]!;
  if (answerCount > 0 !== (set.answers[question] === 1)) return VERDICT.WRONG_ANSWER_COUNT;
  const address = set.address[question]!;
  if (address === 0) return VERDICT.RIGHT;
  const found = firstAddress(octets, start + questionOctets, end, answerCount);
  return found === address ? VERDICT.RIGHT : VERDICT.WRONG_ADDRESS;
}

/** The caller has seen that the reply is as long as header and question. */
function echoesQuestion(
  octets: Uint8Array,
  start: number,
  set: QuestionSet,
  question: number,
): boolean {
  if (octets[start + 4] !== 0 || octets[start + 5] !== 1) return false;
  const sent = set.octets;
  const sentAt = set.start[question]!;
  const questionOctets = set.questionOctets[question]!;
  for (let at = HEADER_OCTETS; at < questionOctets; at++) {
    if (octets[start + at] !== sent[sentAt + at]) return false;
  }
  return true;
}

/** The address of the first A record among `count` records from `at`, or 0 when there is none that fits. */
function firstAddress(octets: Uint8Array, at: number, end: number, count: number): number {
  let cursor = at;
  for (let record = 0; record < count; record++) {
    const type = skipName(octets, cursor, end);
    if (type + 10 > end) return 0;
    const rdata = type + 10;
    const rdataOctets = (octets[type + 8]! << 8) | octets[type + 9]!;
    if (rdata + rdataOctets > end) return 0;
    if (((octets[type]! << 8) | octets[type + 1]!) === RTYPE.A && rdataOctets === 4) {
      return (
        (octets[rdata]! << 24) |
        (octets[rdata + 1]! << 16) |
        (octets[rdata + 2]! << 8) |
        octets[rdata + 3]!
      );
    }
    cursor = rdata + rdataOctets;
  }
  return 0;
}

/** The offset after a name, which a compression pointer ends (RFC 1035 §4.1.4); `end` when it does not fit. */
function skipName(octets: Uint8Array, at: number, end: number): number {
  let cursor = at;
  while (cursor < end) {
    const length = octets[cursor]!;
    if (length === 0) return cursor + 1;
    if (length >= 0xc0) return cursor + 2;
    cursor += 1 + length;
  }
  return end;
}
