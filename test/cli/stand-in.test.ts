/**
 * The stand-in over the wire: both transports, EDNS, truncation, framing, and its settings. What the zones answer is in
 * `stand-in-zones.test.ts`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import fc from 'fast-check';
import { emptyReply } from '../../src/cli/stand-in/reply.ts';
import { StandIn, type StandInOptions } from '../../src/cli/stand-in/stand-in.ts';
import { TcpClient, tcpAsk, tcpAskAll, UdpClient, udpAsk } from '../support/dns-client.ts';
import { encodeName, encodeQuery, FLAG } from '../support/messages.ts';
import type { CleanUp } from '../support/temporary-directory.ts';

const WEB = 'web.default.svc.cluster.local';
const TWO_HUNDRED = 'two-hundred.default.svc.cluster.local';

async function startStandIn(t: CleanUp, options?: StandInOptions): Promise<StandIn> {
  const standIn = await StandIn.start(options);
  t.after(() => standIn.close());
  return standIn;
}

test('answers over UDP and TCP on one port, with id, RD and CD of the query', async (t) => {
  const server = await startStandIn(t);
  for (const ask of [udpAsk, tcpAsk]) {
    const reply = await ask(server, { name: WEB, id: 4711, flags: FLAG.RD | FLAG.CD });
    assert.equal(reply.id, 4711);
    assert.deepEqual(reply.data('A'), ['10.96.1.1']);
    assert.ok(reply.hasFlag('AA') && reply.hasFlag('RD') && reply.hasFlag('CD'));
    assert.ok(!reply.hasFlag('TC') && !reply.hasFlag('AD') && !reply.hasFlag('Z'));
  }
  assert.deepEqual(server.stats.queries, { udp: 1, tcp: 1 });
  assert.deepEqual(
    server.seen.map(({ name, transport }) => `${name} ${transport}`),
    [`${WEB} udp`, `${WEB} tcp`],
  );
});

test('echoes the letter case of the question, in the owner names too', async (t) => {
  const server = await startStandIn(t);
  const name = 'WeB.dEfault.SVC.cluster.LOCAL';
  const { decoded } = await udpAsk(server, { name });
  assert.equal(decoded.questions[0]?.name, name);
  assert.equal(decoded.answers[0]?.name, name);
});

test('echoes labels of any octets', async (t) => {
  const server = await startStandIn(t);
  const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
  const names = fc.array(label, { maxLength: 3 }).map((labels) => [...labels, 'example', 'org']);
  const client = await UdpClient.open(server);
  t.after(() => client.close());
  await fc.assert(
    fc.asyncProperty(names, async (name) => {
      const query = encodeQuery({ name });
      const { octets } = await client.ask(query);
      assert.deepEqual(octets.subarray(12, query.length), query.subarray(12));
    }),
    { numRuns: 50 },
  );
});

test('fills a UDP answer up to the size of the client and sets TC', async (t) => {
  const server = await startStandIn(t);
  const sizes: [number | undefined, number][] = [
    [undefined, 512],
    [100, 512],
    [1232, 1232],
    [65535, 65535],
  ];
  for (const [size, sizeMax] of sizes) {
    const edns = size === undefined ? {} : { edns: { size } };
    const reply = await udpAsk(server, { name: TWO_HUNDRED, ...edns });
    const spare = sizeMax - reply.octets.length;
    assert.ok(spare >= 0);
    assert.equal(reply.hasFlag('TC'), sizeMax < 65535);
    if (sizeMax < 65535) assert.ok(spare < 16, 'one more A record would have fitted');
    else assert.equal(reply.decoded.answers.length, 200);
  }
  const whole = await tcpAsk(server, { name: TWO_HUNDRED });
  assert.equal(whole.decoded.answers.length, 200);
  assert.ok(!whole.hasFlag('TC'));
});

test('gives an OPT record only where the query has one, and echoes DO', async (t) => {
  const server = await startStandIn(t);
  const without = await udpAsk(server, { name: WEB });
  assert.deepEqual(without.decoded.additionals, []);
  const edns = { size: 1400, dnssecOk: true, options: [{ code: 65001, data: Buffer.from('x') }] };
  const [opt] = (await udpAsk(server, { name: WEB, edns })).decoded.additionals;
  assert.ok(opt?.type === 'OPT');
  assert.equal(opt.udpPayloadSize, 1400);
  assert.equal(opt.flag_do, true);
  assert.deepEqual(opt.options, []);
});

test('refuses what is not a query that it can answer', async (t) => {
  const server = await startStandIn(t);
  const badVersion = await udpAsk(server, { name: WEB, edns: { version: 1 } });
  assert.equal(badVersion.octets.at(-6), 1, 'the upper bits of BADVERS');
  assert.equal((await udpAsk(server, { name: WEB, flags: 2 << 11 })).rcode, 'NOTIMP');
  assert.equal((await udpAsk(server, { name: WEB, class: 'CH' })).rcode, 'REFUSED');
  const noQuestion = encodeQuery({ name: WEB }).subarray(0, 12);
  assert.equal((await udpAsk(server, noQuestion)).rcode, 'FORMERR');
  assert.equal((await udpAsk(server, noQuestion)).octets.length, 12);
});

test('stays silent towards responses and stumps', async (t) => {
  const server = await startStandIn(t);
  const client = await UdpClient.open(server);
  t.after(() => client.close());
  client.send(encodeQuery({ name: WEB, flags: FLAG.QR }), Buffer.alloc(11));
  const reply = await client.ask({ name: WEB, id: 7 });
  assert.equal(reply.id, 7);
  assert.equal(server.stats.ignored, 2);
});

test('takes several queries of one segment, and one query in many', async (t) => {
  const server = await startStandIn(t);
  const replies = await tcpAskAll(server, [
    { name: WEB, type: 'A', id: 1 },
    { name: WEB, type: 'AAAA', id: 2 },
  ]);
  assert.deepEqual(
    replies.map(({ id }) => id),
    [1, 2],
  );
  assert.equal(server.stats.segments, 1);

  const client = await TcpClient.connect(server);
  t.after(() => client.close());
  await client.sendOctetByOctet({ name: WEB, id: 3 });
  assert.equal((await client.receive()).id, 3);
  assert.ok(server.stats.segments > 2);
});

test('answers what came before a half-close, then closes', async (t) => {
  const server = await startStandIn(t, { answerDelayMs: 5 });
  const client = await TcpClient.connect(server);
  t.after(() => client.close());
  client.send({ name: WEB, id: 1 }, { name: WEB, id: 2 });
  client.halfClose();
  assert.equal((await client.receiveAll(2)).length, 2);
  assert.equal(await client.ended(), 'fin');
});

test('delays by question, so that answers overtake each other', async (t) => {
  const server = await startStandIn(t, {
    answerDelayMs: ({ name }) => (name === 'example.org' ? 20 : 0),
  });
  const replies = await tcpAskAll(server, [
    { name: 'example.org', id: 1 },
    { name: WEB, id: 2 },
  ]);
  assert.deepEqual(
    replies.map(({ id }) => id),
    [2, 1],
  );
});

test('takes a substitute for an answer, or an order to stay silent', async (t) => {
  const server = await startStandIn(t, {
    override: ({ name }) => {
      if (name === 'broken.example.org') return emptyReply(2);
      return name === 'silent.example.org' ? 'drop' : undefined;
    },
  });
  assert.equal((await udpAsk(server, { name: 'broken.example.org' })).rcode, 'SERVFAIL');
  assert.equal((await udpAsk(server, { name: 'example.org' })).rcode, 'NOERROR');
  const timeoutMs = 30;
  await assert.rejects(udpAsk(server, { name: 'silent.example.org' }, { timeoutMs }), /no reply/);
});

test('runs as a program that prints its address', async (t) => {
  const child = spawn(process.execPath, ['src/cli/stand-in/main.ts', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const [, port] = /^127\.0\.0\.1:(\d+)$/.exec(line) ?? [];
  const reply = await udpAsk({ port: Number(port) }, { name: WEB });
  assert.deepEqual(reply.data('A'), ['10.96.1.1']);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('compresses names with pointers to the question', async (t) => {
  const server = await startStandIn(t);
  const { octets } = await udpAsk(server, { name: WEB });
  const ownerOffset = 12 + encodeName(WEB).length + 4;
  assert.equal(octets.readUInt16BE(ownerOffset), 0xc00c);
});
