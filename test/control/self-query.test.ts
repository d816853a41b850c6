/** Our own questions to ourselves: answers read, silence and closed ports told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askSelf } from '../../src/control/self-query.ts';
import { QTYPE, RCODE } from '../../src/wire/registry.ts';
import { freePorts } from '../support/free-port.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const QUESTION = { name: 'kube-dns.example.', qtype: QTYPE.A };

test('rcode and addresses', async (t) => {
  const server = await ScriptedUpstream.start(t, (query) => ({
    answers: ['192.0.2.1', '192.0.2.2'].map((data) => ({
      type: 'A' as const,
      name: query.question.name,
      ttl: 5,
      data,
    })),
  }));
  const answer = await askSelf({ host: '127.0.0.1', port: server.port }, QUESTION, 10_000);
  assert.deepEqual(answer, {
    code: 'answered',
    rcode: RCODE.NOERROR,
    addresses: ['192.0.2.1', '192.0.2.2'],
  });
});

test('an rcode without records', async (t) => {
  const server = await ScriptedUpstream.start(t, () => ({ flags: RCODE.NXDOMAIN }));
  const answer = await askSelf({ host: '127.0.0.1', port: server.port }, QUESTION, 10_000);
  assert.deepEqual(answer, { code: 'answered', rcode: RCODE.NXDOMAIN, addresses: [] });
});

test('silence ends with the time-out', async (t) => {
  const server = await ScriptedUpstream.start(t, () => 'drop');
  const answer = await askSelf({ host: '127.0.0.1', port: server.port }, QUESTION, 50);
  assert.deepEqual(answer, { code: 'failed', reason: 'no answer within 0.05 s' });
});

test('a port that nobody listens on is told at once', async () => {
  const [port] = await freePorts(1);
  const answer = await askSelf({ host: '127.0.0.1', port: port! }, QUESTION, 10_000);
  assert.equal(answer.code, 'failed');
  assert.match((answer as { reason: string }).reason, /ECONNREFUSED/);
});

test('what is no answer to the question is not taken for one', async (t) => {
  const wrongId = Buffer.from('ffff8180000100000000000000000100 01'.replace(' ', ''), 'hex');
  const server = await ScriptedUpstream.start(t, ({ octets }) => {
    const echo = Buffer.from(octets);
    const cut = Buffer.concat([echo.subarray(0, 2), Buffer.from([0x81, 0x80, 0, 1, 0, 5, 0, 0])]);
    wrongId.writeUInt16BE(echo.readUInt16BE(0) ^ 1, 0);
    return [wrongId, echo, cut];
  });
  const answer = await askSelf({ host: '127.0.0.1', port: server.port }, QUESTION, 200);
  assert.equal(answer.code, 'failed');
});
