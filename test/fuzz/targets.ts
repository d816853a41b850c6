/**
 * What is fuzzed, and what must hold for every input: readers return, throw nothing but what they say, see nothing beyond
 * the end, and agree with a plain second reader.
 */
import assert from 'node:assert/strict';
import { CorefileError, type Directive, type Word } from '../../src/corefile/ast.ts';
import type { FileSource } from '../../src/corefile/file-source.ts';
import { parseCorefile } from '../../src/corefile/parser.ts';
import { printCorefile } from '../../src/corefile/printer.ts';
import { expandName, nameFromText, nameSpan, nameToText } from '../../src/wire/name.ts';
import { QueryFields, readQuery, VERDICT } from '../../src/wire/query.ts';
import { questionEnd, walkRecords } from '../../src/wire/record.ts';
import { MESSAGE_SIZE_MAX, NAME_SIZE_MAX, RCODE } from '../../src/wire/registry.ts';
import { BodySource, writeEmptyReply, writeHeaderReply, writeReply } from '../../src/wire/reply.ts';
import { type Response, readResponse } from '../../src/wire/response.ts';
import { type PlainRecord, readPlainly } from '../wire/responses.ts';
import { RENDERING_TARGETS } from './rendering-targets.ts';
import { streams } from './stream-target.ts';

export interface Target {
  /** The sources whose coverage counts, by URL. */
  readonly sources: RegExp;
  /** Throws where something does not hold. */
  readonly run: (input: Uint8Array) => void;
  /** Pieces that make a difference, beside random octets. */
  readonly tokens: readonly string[];
}

const NOW_S = 1_700_000_000;
/** Where readers must stop although octets follow: zeros, pointers to the start, ones. */
const OUTSIDES = [0x00, 0xc0, 0xff];
const QTYPE_OPT = 41;

/** The input in the middle of other octets, once for each of OUTSIDES; all `read` must come to the same. */
function readInside<T>(input: Uint8Array, read: (octets: Uint8Array, at: number) => T): T {
  const results = OUTSIDES.map((outside) => {
    const larger = new Uint8Array(input.length + 400).fill(outside);
    larger.set(input, 64);
    return read(larger, 64);
  });
  for (const result of results.slice(1)) assert.deepEqual(result, results[0]);
  return results[0]!;
}

function query(input: Uint8Array): void {
  const { verdict, fields } = readInside(input, (octets, at) => {
    const read = new QueryFields();
    return { verdict: readQuery(octets, at, input.length, read), fields: read };
  });
  if (verdict === VERDICT.IGNORE) return;
  const reply = Uint8Array.from(input);
  if (verdict === VERDICT.ACCEPT || verdict === VERDICT.BADVERS) {
    assert.ok(fields.questionEnd <= input.length && fields.qnameSize <= NAME_SIZE_MAX);
    assert.equal(fields.questionEnd, 12 + fields.qnameSize + 4);
    assert.equal(fields.labelAt[fields.labelCount], fields.qnameSize - 1);
    assert.ok(
      walkRecords(input, () => true),
      'all records are inside',
    );
    assert.ok(writeEmptyReply(reply, 0, fields, RCODE.REFUSED, 0) <= input.length);
  } else {
    assert.ok(writeHeaderReply(reply, 0, RCODE.FORMERR) <= input.length);
  }
}

function response(input: Uint8Array): void {
  const end = questionEnd(input);
  if (end < 17 || input[4] !== 0 || input[5] !== 1 || input.length > MESSAGE_SIZE_MAX) return;
  // A name that ends in a pointer is no question that a client asked.
  const asked = new QueryFields();
  const question = questionOf(input, end);
  if (readQuery(question, 0, end, asked) !== VERDICT.ACCEPT) return;
  const read = readInside(input, (octets, at) => {
    return readResponse(octets.subarray(at, at + input.length), end, NOW_S);
  });
  if (read === undefined) return;
  const wanted = readPlainly(input).filter(({ type }) => type !== QTYPE_OPT);
  for (const limit of [512, 1232, MESSAGE_SIZE_MAX]) {
    compare(reply(question, asked, read, limit), wanted, limit);
  }
}

/** The query that the response answers. */
function questionOf(input: Uint8Array, end: number): Uint8Array {
  const octets = input.slice(0, end);
  octets.set([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return octets;
}

function reply(question: Uint8Array, asked: QueryFields, read: Response, limit: number): Buffer {
  const out = Buffer.alloc(MESSAGE_SIZE_MAX + 1);
  out.set(question);
  const source = new BodySource();
  source.setBody(read.body, -1);
  return out.subarray(0, writeReply(out, 0, asked, source, limit));
}

/** The reply holds the records that came in, or with TC as many as fit; the upper half of TTLs means 0 (RFC 2181 §8). */
function compare(octets: Buffer, wanted: readonly PlainRecord[], limit: number): void {
  assert.ok(octets.length <= limit);
  const records = readPlainly(octets);
  assert.ok(records.length === wanted.length || (octets[2]! & 0x02) !== 0, 'TC');
  for (const [index, record] of records.entries()) {
    const { ttlS, ttlAt: _, ...rest } = wanted[index]!;
    const plain = { ...rest, ttlS: ttlS >= 0x8000_0000 ? 0 : ttlS };
    const { ttlAt: __, ...written } = record;
    assert.deepEqual(written, plain);
  }
}

function name(input: Uint8Array): void {
  for (const text of [Buffer.from(input).toString('latin1'), Buffer.from(input).toString()]) {
    const octets = nameFromText(text);
    if (octets !== undefined) assertNameText(octets);
  }
  const start = input.length >> 1;
  const { size, span, octets } = readInside(input, (larger, at) => {
    const message = larger.subarray(at);
    const out = new Uint8Array(NAME_SIZE_MAX);
    return {
      size: expandName(message, start, input.length, out, 0),
      span: nameSpan(message, start, input.length),
      octets: out,
    };
  });
  if (size < 0) return;
  assert.ok(span > 0 && start + span <= input.length && size <= NAME_SIZE_MAX);
  assertNameText(octets.subarray(0, size));
}

function assertNameText(octets: Uint8Array): void {
  assert.ok(octets.length <= NAME_SIZE_MAX);
  assert.deepEqual(nameFromText(nameToText(octets)), new Uint8Array(octets));
}

/** Every import finds the same file, which itself may import. */
const FILES: FileSource = {
  read: (path) =>
    path.endsWith('missing')
      ? { code: 'failed', reason: 'no such file' }
      : { code: 'read', text: path.endsWith('loop') ? 'import loop' : 'log\nimport missing*\n' },
  glob: (pattern) => (pattern.startsWith('missing') ? [] : ['a', 'b']),
};
const COREFILE = { file: 'Corefile', environment: { A: 'a', B: '{' }, files: FILES };
/** What the printer cannot write, and says so. */
const UNPRINTABLE = /\{[$%]|\\("|$)/;

function corefile(input: Uint8Array): void {
  const text = Buffer.from(input).toString();
  try {
    const blocks = parseCorefile(text, COREFILE);
    const words = blocks.flatMap(({ keys, directives }) => [...keys, ...wordsOf(directives)]);
    if (words.some((word) => UNPRINTABLE.test(word.text))) return;
    const printed = printCorefile(blocks);
    assert.equal(printCorefile(parseCorefile(printed, COREFILE)), printed);
  } catch (error) {
    if (!(error instanceof CorefileError)) throw error;
    const { line, column } = error.at;
    assert.ok(line >= 1 && column >= 1 && error.problem !== '' && !error.message.includes('\n'));
  }
}

function wordsOf(directives: readonly Directive[]): Word[] {
  return directives.flatMap(({ name: word, args, block }) => [
    word,
    ...args,
    ...wordsOf(block ?? []),
  ]);
}

export const TARGETS: Readonly<Record<string, Target>> = {
  'wire-query': { sources: /\/src\/wire\//, run: query, tokens: [] },
  'wire-response': { sources: /\/src\/wire\//, run: response, tokens: [] },
  'wire-name': {
    sources: /\/src\/wire\//,
    run: name,
    tokens: ['.', '\\', '\\046', '\\300', '\\.', 'example', 'é'],
  },
  corefile: {
    sources: /\/src\/corefile\//,
    run: corefile,
    tokens: [
      '{',
      '}',
      '{}',
      ' ',
      '\n',
      '"',
      '\\"',
      '\\\n',
      '#',
      ',',
      '(a)',
      'import a',
      'import loop',
      'import *',
      'import missing',
      '{$A}',
      '{%B%}',
      '.:53',
      '\u00a0',
    ],
  },
  'server-streams': {
    sources: /\/src\/(server\/(responder-)?stream|wire\/frame)/,
    run: streams,
    tokens: [],
  },
  ...RENDERING_TARGETS,
};
