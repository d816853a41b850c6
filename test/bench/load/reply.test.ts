/**
 * What is a right reply, and that each kind of wrong one is named and none read past its end.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { encodeQuestions, parseQuestions } from '../../../bench/load/questions.ts';
import { judgeReply, VERDICT } from '../../../bench/load/reply.ts';
import { dottedAddress } from '../support/address.ts';

const NAME = 'WwW.example.org';
const set = encodeQuestions(
  parseQuestions(`${NAME} A\n${NAME} A NODATA\n${NAME} A NXDOMAIN\n${NAME} A ANY`),
  { edns: false, exactAddress: true },
);
assert(!(set instanceof Error));
const WANTS_ANSWER = 0;
const WANTS_NODATA = 1;
const WANTS_NXDOMAIN = 2;
const WANTS_ANY = 3;

const QUESTION = { name: NAME, type: 'A', class: 'IN' } as const;
const ADDRESS = { name: NAME, type: 'A', ttl: 30, data: dottedAddress(set.address[0]!) } as const;
const ALIAS = { name: NAME, type: 'CNAME', ttl: 30, data: 'x.example.org' } as const;

function reply(packet: Packet): Buffer {
  return encode({ type: 'response', questions: [QUESTION], ...packet });
}

function judge(octets: Uint8Array, question = WANTS_ANSWER) {
  assert(!(set instanceof Error));
  return judgeReply(octets, 0, octets.length, set, question);
}

test('the right address is right, behind aliases too', () => {
  assert.equal(judge(reply({ answers: [ADDRESS] })), VERDICT.RIGHT);
  assert.equal(judge(reply({ answers: [ALIAS, ADDRESS] })), VERDICT.RIGHT);
});

test('the offset of a reply in a larger buffer does not matter', () => {
  const octets = reply({ answers: [ADDRESS] });
  const padded = Buffer.concat([Buffer.alloc(7, 0xff), octets, Buffer.alloc(9, 0xff)]);
  assert.equal(judgeReply(padded, 7, 7 + octets.length, set, WANTS_ANSWER), VERDICT.RIGHT);
});

test('outcomes without an answer', () => {
  assert.equal(judge(reply({}), WANTS_NODATA), VERDICT.RIGHT);
  assert.equal(judge(reply({ flags: 3 }), WANTS_NXDOMAIN), VERDICT.RIGHT);
  assert.equal(judge(reply({ flags: 2 }), WANTS_ANY), VERDICT.RIGHT);
  assert.equal(judge(reply({ answers: [ADDRESS] }), WANTS_NODATA), VERDICT.WRONG_ANSWER_COUNT);
});

test('each kind of wrong reply is named', () => {
  const lower = { ...QUESTION, name: NAME.toLowerCase() };
  const other = { ...ADDRESS, data: '192.0.2.1' };
  assert.equal(judge(encode({ type: 'query', questions: [QUESTION] })), VERDICT.MALFORMED);
  assert.equal(judge(reply({ answers: [ADDRESS] }).subarray(0, 20)), VERDICT.MALFORMED);
  assert.equal(judge(reply({ flags: 2 })), VERDICT.WRONG_RCODE);
  assert.equal(judge(reply({ flags: 0x200 })), VERDICT.TRUNCATED);
  assert.equal(judge(reply({})), VERDICT.WRONG_ANSWER_COUNT);
  assert.equal(judge(reply({ answers: [other] })), VERDICT.WRONG_ADDRESS);
  assert.equal(judge(reply({ answers: [ALIAS] })), VERDICT.WRONG_ADDRESS);
  assert.equal(judge(reply({ questions: [lower], answers: [ADDRESS] })), VERDICT.WRONG_QUESTION);
});

test('a reply that is cut anywhere, or damaged, is never right and never read past its end', () => {
  const whole = reply({ answers: [ALIAS, ADDRESS] });
  for (let size = 0; size < whole.length; size++) {
    // The octets behind `end` would make it right, if they were read.
    assert.notEqual(judgeReply(whole, 0, size, set, WANTS_ANSWER), VERDICT.RIGHT);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => {
      assert.notEqual(judge(octets), VERDICT.RIGHT);
    }),
  );
});
