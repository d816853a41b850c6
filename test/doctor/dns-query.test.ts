/** One question to one server: answers, and each way in which none comes. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { askServer, type DnsAnswer } from '../../src/doctor/dns-query.ts';
import { RCODE } from '../../src/wire/registry.ts';
import { freePorts } from '../support/free-port.ts';
import { addresses, bare } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const never = new AbortController().signal;

function ask(port: number, protocol: 'udp' | 'tcp', name = 'www.example.org', signal = never) {
  return askServer({ host: '127.0.0.1', port }, { name, type: 'A', protocol }, signal);
}

function reasonOf(answer: DnsAnswer): string {
  assert(!answer.ok);
  return answer.reason;
}

test('the answer, sorted, over both', async (t) => {
  const data = ['192.0.2.2', '192.0.2.1'];
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, data));
  for (const protocol of ['udp', 'tcp'] as const) {
    const answer = await ask(upstream.port, protocol, 'www.example.org.');
    assert(answer.ok);
    assert.deepEqual([answer.rcode, answer.data], ['NOERROR', ['192.0.2.1', '192.0.2.2']]);
    assert(answer.durationMs > 0);
    assert.equal(upstream.queries.at(-1)!.question.name, 'www.example.org');
  }
});

test('an error is an answer; the root is a name', async (t) => {
  const upstream = await ScriptedUpstream.start(t, (query) => bare(query, RCODE.REFUSED));
  const answer = await ask(upstream.port, 'udp', '.');
  assert(answer.ok);
  assert.deepEqual([answer.rcode, answer.data], ['REFUSED', []]);
});

test('nobody listens', async () => {
  const [port] = (await freePorts(1)) as [number];
  for (const protocol of ['udp', 'tcp'] as const) {
    assert.match(reasonOf(await ask(port, protocol)), /nobody listens there/);
  }
});

test('an address that cannot be asked', async () => {
  const server = { host: '255.255.255.255', port: 53 };
  const answer = await askServer(server, { name: '.', type: 'NS', protocol: 'udp' }, never);
  assert.match(reasonOf(answer), /EACCES/);
});

test('silence ends when the check does', async (t) => {
  const upstream = await ScriptedUpstream.start(t, () => 'drop');
  for (const protocol of ['udp', 'tcp'] as const) {
    const signal = AbortSignal.timeout(50);
    assert.match(
      reasonOf(await ask(upstream.port, protocol, 'a.test', signal)),
      /^no answer within/,
    );
  }
});

async function tcpServer(
  t: TestContext,
  serve: Parameters<typeof createServer>[1],
): Promise<number> {
  const server: Server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as { port: number }).port;
}

test('what is no answer', async (t) => {
  const closes = await tcpServer(t, (socket) => socket.resume().end());
  assert.match(reasonOf(await ask(closes, 'tcp')), /closes the connection without an answer/);
  const other = await tcpServer(t, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (query: Buffer) => {
      query.writeUInt16BE((query.readUInt16BE(2) + 1) & 0xffff, 2);
      socket.write(query);
    });
  });
  assert.match(reasonOf(await ask(other, 'tcp')), /belongs to another question/);
  const broken = await tcpServer(t, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (query: Buffer) => {
      const reply = Buffer.from([0, 5, query[2]!, query[3]!, 0x80, 0, 9]);
      for (const octet of reply) socket.write(Buffer.of(octet));
    });
  });
  assert.match(reasonOf(await ask(broken, 'tcp')), /no DNS message/);
});
