/**
 * The questions of a run, encoded before it: a query is then a copy of octets and an id.
 *
 * A list comes from a count and a zone (`h00000000.bench.example.org`, ...) or from lines as dnsperf reads them,
 * `NAME TYPE`, with an optional third word that says what to expect.
 */
import {
  addressOfName,
  EDNS_UDP_SIZE,
  encodeName,
  HEADER_OCTETS,
  OPT_OCTETS,
  RCODE,
  RTYPE,
  rcodeNumber,
  typeNumber,
} from './protocol.ts';
import { seededRandom } from './random.ts';

/** NOERROR wants answers, NODATA is NOERROR without, another RCODE wants none, ANY accepts every reply. */
export interface Question {
  readonly name: string;
  readonly type: string;
  readonly outcome: string;
  /** Questions whose latency is to be told apart from that of others; undefined: none of their own. */
  readonly group?: string;
}

/** 64 MB of octets at most; a run of 100 s at 8,000 distinct names a second needs 800,000. */
export const QUESTION_COUNT_MAX = 1_000_000;

export const EXPECT_ANY_RCODE = 255;

/** Struct of arrays by question index; a query's octets have id 0. */
export interface QuestionSet {
  readonly count: number;
  readonly octets: Uint8Array;
  /** Where each query starts in `octets`; one more than `count`, so that the next start is the end. */
  readonly start: Int32Array;
  /** Octets of header and question. */
  readonly questionOctets: Int32Array;
  /** The RCODE to expect, or `EXPECT_ANY_RCODE`. */
  readonly rcode: Uint8Array;
  /** 1 where the answer section must hold a record, 0 where it must hold none. */
  readonly answers: Uint8Array;
  /** Which of `groups` a question belongs to. */
  readonly group: Uint8Array;
  readonly groups: readonly string[];
  /** The A record's address by `addressOfName`, or 0 where any will do. */
  readonly address: Int32Array;
}

export interface EncodeOptions {
  readonly edns: boolean;
  /** Ask for the address that `load/upstream.ts` gives. */
  readonly exactAddress: boolean;
}

/** `count` names of one zone, all of one type, numbered so that they have the same size. */
export function numberedQuestions(
  count: number,
  prefix: string,
  zone: string,
  type: string,
): Question[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${prefix}${index.toString(16).padStart(8, '0')}.${zone}`,
    type,
    outcome: 'NOERROR',
  }));
}

/** Lines of `NAME TYPE [OUTCOME [GROUP]]`; `#` and `;` start a comment line. */
export function parseQuestions(text: string): Question[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith(';'))
    .map((line) => {
      const [name, type = 'A', outcome = 'NOERROR', group] = line.split(/\s+/);
      const question = { name: name!, type: type.toUpperCase(), outcome: outcome.toUpperCase() };
      return group === undefined ? question : { ...question, group };
    });
}

/** Each question followed by itself in random letter case: one entry of a cache, two spellings to echo. */
export function withMixedCase(questions: readonly Question[], seed: number): Question[] {
  const random = seededRandom(seed);
  const flip = (letter: string) => (random() < 0.5 ? letter.toUpperCase() : letter.toLowerCase());
  return questions.flatMap((question) => [
    question,
    { ...question, name: question.name.replace(/[a-z]/gi, flip) },
  ]);
}

/** The lines that `parseQuestions` reads. */
export function formatQuestions(questions: readonly Question[]): string {
  return questions
    .map(({ name, type, outcome, group = '' }) => `${name} ${type} ${outcome} ${group}\n`)
    .join('');
}

/** The queries in octets, or the first question that cannot be asked. */
export function encodeQuestions(
  questions: readonly Question[],
  options: EncodeOptions,
): QuestionSet | Error {
  const count = questions.length;
  if (count === 0) return new Error('no question to ask');
  if (count > QUESTION_COUNT_MAX) return new Error(`more than ${QUESTION_COUNT_MAX} questions`);
  const queries: Uint8Array[] = [];
  const set = {
    count,
    start: new Int32Array(count + 1),
    questionOctets: new Int32Array(count),
    rcode: new Uint8Array(count),
    answers: new Uint8Array(count),
    group: new Uint8Array(count),
    groups: groupsOf(questions),
    address: new Int32Array(count),
  };
  for (const [index, question] of questions.entries()) {
    const name = encodeName(question.name);
    if (name instanceof Error) return name;
    const type = typeNumber(question.type);
    const rcode = expectedRcode(question.outcome);
    if (type === undefined) return new Error(`unknown type "${question.type}"`);
    if (rcode === undefined) return new Error(`unknown outcome "${question.outcome}"`);
    const query = encodeQuery(name, type, options.edns);
    queries.push(query);
    set.start[index + 1] = set.start[index]! + query.length;
    set.questionOctets[index] = HEADER_OCTETS + name.length + 4;
    set.rcode[index] = rcode;
    set.group[index] = set.groups.indexOf(question.group ?? '');
    set.answers[index] = question.outcome === 'NOERROR' ? 1 : 0;
    const hasAddress = options.exactAddress && type === RTYPE.A && set.answers[index] === 1;
    set.address[index] = hasAddress ? addressOfName(name, 0, name.length) : 0;
  }
  return { ...set, octets: new Uint8Array(Buffer.concat(queries)) };
}

/** The groups in the order of their names; '' is that of questions without one. */
function groupsOf(questions: readonly Question[]): string[] {
  return [...new Set(questions.map(({ group = '' }) => group))].sort();
}

function expectedRcode(outcome: string): number | undefined {
  if (outcome === 'ANY') return EXPECT_ANY_RCODE;
  return outcome === 'NODATA' ? RCODE.NOERROR : rcodeNumber(outcome);
}

/** A query with RD set, class IN, id 0. */
function encodeQuery(name: Uint8Array, type: number, edns: boolean): Uint8Array {
  const questionAt = HEADER_OCTETS + name.length;
  const query = Buffer.alloc(questionAt + 4 + (edns ? OPT_OCTETS : 0));
  query.writeUInt16BE(0x0100, 2);
  query.writeUInt16BE(1, 4);
  query.set(name, HEADER_OCTETS);
  query.writeUInt16BE(type, questionAt);
  query.writeUInt16BE(1, questionAt + 2);
  if (edns) {
    query.writeUInt16BE(1, 10);
    query.writeUInt16BE(RTYPE.OPT, questionAt + 5);
    query.writeUInt16BE(EDNS_UDP_SIZE, questionAt + 7);
  }
  return query;
}
