/** The option of an extended error behind a finished reply, as far as the client's size holds it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as dnsPacket from 'dns-packet';
import { addExtendedError } from '../../src/wire/extended-error.ts';
import { nameFromText } from '../../src/wire/name.ts';
import { QueryFields, readQuery } from '../../src/wire/query.ts';
import { buildUpstreamQuery, writeEmptyReply } from '../../src/wire/reply.ts';

/** A reply with an OPT at its end, in a buffer with room behind. */
function replyWithOpt(): { out: Uint8Array; size: number } {
  const qname = nameFromText('a.example')!;
  const shape = { qname, qtype: 1, qclass: 1, opcode: 0, rd: true, cd: false, dnssecOk: false };
  const query = buildUpstreamQuery(shape, 1232);
  const out = new Uint8Array(4_096);
  out.set(query);
  const fields = new QueryFields();
  readQuery(out, 0, query.length, fields);
  return { out, size: writeEmptyReply(out, 0, fields, 3, 0) };
}

function optionsIn(octets: Uint8Array): unknown {
  const { additionals = [] } = dnsPacket.decode(Buffer.from(octets));
  assert.equal(additionals.length, 1);
  const [opt] = additionals as unknown as [{ options: { code: number; data: Buffer }[] }];
  return opt.options.map(({ code, data }) => [code, data.toString('hex')]);
}

test('code and text', () => {
  const { out, size } = replyWithOpt();
  const end = addExtendedError(out, size, 1_232, { code: 21, text: 'né' });
  assert.equal(end, size + 9);
  assert.deepEqual(optionsIn(out.subarray(0, end)), [[15, '00156ec3a9']]);
});

test('what the limit does not hold is left out: the text first', () => {
  const error = { code: 4_096, text: 'x'.repeat(100) };
  for (const [room, options] of [
    [106, [[15, `1000${'78'.repeat(100)}`]]],
    [105, [[15, '1000']]],
    [6, [[15, '1000']]],
    [5, []],
    [0, []],
  ] as const) {
    const { out, size } = replyWithOpt();
    const end = addExtendedError(out, size, size + room, error);
    assert(end <= size + room);
    assert.deepEqual(optionsIn(out.subarray(0, end)), options, String(room));
  }
});
