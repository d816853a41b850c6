/**
 * The builder of queries, against dns-packet as reader.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, encodeName, encodeQuery, FLAG } from './messages.ts';

test('builds header, question and OPT record', () => {
  const octets = encodeQuery({
    name: 'www.example.org',
    type: 'AAAA',
    class: 'CH',
    id: 258,
    flags: FLAG.RD | FLAG.CD,
    edns: {
      size: 4096,
      dnssecOk: true,
      version: 1,
      options: [{ code: 65001, data: Buffer.from('x') }],
    },
  });
  const { id, flag_rd, flag_cd, questions, additionals } = decodeMessage(octets);
  assert.deepEqual([id, flag_rd, flag_cd], [258, true, true]);
  assert.deepEqual(questions, [{ name: 'www.example.org', type: 'AAAA', class: 'CH' }]);
  const [opt] = additionals;
  assert.ok(opt?.type === 'OPT');
  assert.deepEqual([opt.udpPayloadSize, opt.flag_do, opt.ednsVersion], [4096, true, 1]);
  assert.deepEqual(
    opt.options.map(({ code }) => code),
    [65001],
  );
});

test('takes any octets for labels, and whole messages as they are', () => {
  assert.deepEqual([...encodeName([Uint8Array.of(0, 255, 46), 'a'])], [3, 0, 255, 46, 1, 97, 0]);
  assert.deepEqual([...encodeName('.')], [0]);
  assert.deepEqual([...encodeQuery(Uint8Array.of(1, 2))], [1, 2]);
  assert.throws(() => encodeQuery({ name: '.', type: 'NOPE' }), RangeError);
});
