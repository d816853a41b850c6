/**
 * The encoded queries, read back by dns-packet.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from 'dns-packet';
import {
  EXPECT_ANY_RCODE,
  encodeQuestions,
  numberedQuestions,
  parseQuestions,
  type QuestionSet,
  withMixedCase,
} from '../../../bench/load/questions.ts';

const PLAIN = { edns: false, exactAddress: false };

function encoded(...parameters: Parameters<typeof encodeQuestions>): QuestionSet {
  const set = encodeQuestions(...parameters);
  assert(!(set instanceof Error));
  return set;
}

test('a query is what dns-packet reads: one question, RD, and OPT when asked for', () => {
  for (const edns of [false, true]) {
    const set = encoded(parseQuestions('WWW.example.org A\n_http._tcp.example.org srv'), {
      edns,
      exactAddress: false,
    });
    const query = decode(Buffer.from(set.octets.subarray(set.start[1]!, set.start[2]!)));
    assert.deepEqual(query.questions, [
      { name: '_http._tcp.example.org', type: 'SRV', class: 'IN' },
    ]);
    assert.equal(query.flag_rd, true);
    assert.deepEqual(
      query.additionals?.map((record) => record.type === 'OPT' && record.udpPayloadSize),
      edns ? [1232] : [],
    );
  }
});

test('lines say name, type and outcome; comments and blank lines say nothing', () => {
  const text =
    '# comment\n\n; comment\na.example.org\nb.example.org aaaa nodata\nc.example.org A ANY';
  const questions = parseQuestions(text);
  assert.deepEqual(questions, [
    { name: 'a.example.org', type: 'A', outcome: 'NOERROR' },
    { name: 'b.example.org', type: 'AAAA', outcome: 'NODATA' },
    { name: 'c.example.org', type: 'A', outcome: 'ANY' },
  ]);
  const set = encoded(questions, PLAIN);
  assert.deepEqual([...set.rcode], [0, 0, EXPECT_ANY_RCODE]);
  assert.deepEqual([...set.answers], [1, 0, 0]);
});

test('numbered names differ and have one size', () => {
  const set = encoded(numberedQuestions(300, 'm', 'example.org', 'A'), PLAIN);
  const sizes = Array.from({ length: set.count }, (_, i) => set.start[i + 1]! - set.start[i]!);
  assert.equal(new Set(sizes).size, 1);
  const names = new Set(numberedQuestions(300, 'm', 'example.org', 'A').map(({ name }) => name));
  assert.equal(names.size, 300);
});

test('mixed case adds a second spelling of the same name, with the same address', () => {
  const questions = withMixedCase(numberedQuestions(20, 'host', 'example.org', 'A'), 3);
  const set = encoded(questions, { edns: false, exactAddress: true });
  assert.equal(questions.length, 40);
  assert.notEqual(questions[1]!.name, questions[0]!.name);
  for (let index = 0; index < 40; index += 2) {
    assert.equal(questions[index + 1]!.name.toLowerCase(), questions[index]!.name);
    assert.equal(set.address[index + 1], set.address[index]);
  }
});

test('what cannot be asked is named', () => {
  const failures: readonly (readonly [string, RegExp])[] = [
    ['', /no question/],
    ['a..example.org A', /bad label/],
    [`${'a'.repeat(64)}.example.org A`, /bad label/],
    [`${'abcdefg.'.repeat(40)}org A`, /too long/],
    ['example.org BOGUS', /unknown type "BOGUS"/],
    ['example.org A MAYBE', /unknown outcome "MAYBE"/],
  ];
  for (const [text, message] of failures) {
    const error = encodeQuestions(parseQuestions(text), PLAIN);
    assert(error instanceof Error);
    assert.match(error.message, message);
  }
});
