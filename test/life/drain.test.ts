/**
 * An orderly end loses no query: lame duck serves on, and what is under way when the servers close is still answered.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { TcpClient, UdpClient, udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { until } from '../support/until.ts';
import { corefile } from './corefiles.ts';

const ANSWER = ['192.0.2.1'];

interface Served {
  readonly upstream: ScriptedUpstream;
  readonly daemon: Daemon;
}

async function start(
  t: TestContext,
  lines: (ports: Daemon['ports']) => readonly string[] = () => [],
  args: readonly string[] = [],
): Promise<Served> {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, ANSWER));
  const text = (ports: Daemon['ports']) =>
    corefile({ upstream: upstream.port, lines: lines(ports) })(ports);
  return { upstream, daemon: await startDaemon(t, { corefile: text, args }) };
}

function lameduck(duration: string): (ports: Daemon['ports']) => readonly string[] {
  return ({ health }) => [`health 127.0.0.1:${health} {`, `lameduck ${duration}`, '}'];
}

/** Resolves when questions about all these labels have come to the upstream; one that is late comes twice. */
function whenAsked({ queries }: ScriptedUpstream, ...labels: string[]): Promise<void> {
  return until(`questions about ${labels.join()}`, () =>
    labels.every((label) => queries.some(({ question }) => question.name.startsWith(`${label}.`))),
  );
}

async function healthOf({ ports }: Daemon): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${ports.health}/health`);
  return `${response.status} ${await response.text()}`;
}

test('lame duck: healthy, and answers hits and misses, until its time is over', async (t) => {
  const { daemon } = await start(t, lameduck('3s'));
  assert.deepEqual((await udpAsk(daemon.address, { name: 'hit.example.org' })).data('A'), ANSWER);
  const ended = daemon.stop();
  await daemon.waitForLog(/SIGTERM: Shutting down/);
  assert.equal(await healthOf(daemon), '200 OK');
  for (const name of ['hit.example.org', 'miss.example.org']) {
    assert.deepEqual((await udpAsk(daemon.address, { name })).data('A'), ANSWER);
  }
  const client = await TcpClient.connect(daemon.address);
  assert.deepEqual((await client.ask({ name: 'other.example.org' })).data('A'), ANSWER);
  assert.equal(await client.ended(), 'fin');
  client.close();
  assert.equal(await ended, 0);
  await assert.rejects(healthOf(daemon));
});

test('a second SIGINT does not wait for the end of lame duck', async (t) => {
  const { daemon } = await start(t, lameduck('1m'), [
    '-pidfile',
    `/tmp/zerohop-${process.pid}.pid`,
  ]);
  daemon.signal('SIGINT');
  await daemon.waitForLog(/SIGINT: Shutting down/);
  daemon.signal('SIGTERM');
  assert.equal(await healthOf(daemon), '200 OK');
  daemon.signal('SIGINT');
  assert.equal(await daemon.exited(), 2);
});

for (const backend of ['mmsg', 'dgram'] as const) {
  test(`answers under way leave before the end, and connections end with FIN (${backend})`, async (t) => {
    const { upstream, daemon } = await start(t, undefined, ['-udp-backend', backend]);
    const udp = await UdpClient.open(daemon.address);
    const tcp = await TcpClient.connect(daemon.address);
    const idle = await TcpClient.connect(daemon.address);
    t.after(() => Promise.all([udp.close(), tcp.close(), idle.close()]));
    assert.deepEqual((await idle.ask({ name: 'idle.example.org' })).data('A'), ANSWER);
    upstream.hold();
    udp.send({ name: 'udp.example.org', id: 1 });
    tcp.send({ name: 'tcp.example.org', id: 2 }, { name: 'other.example.org', id: 3 });
    await whenAsked(upstream, 'udp', 'tcp', 'other');
    const ended = daemon.stop();
    await daemon.waitForLog(/SIGTERM: Shutting down/);
    assert.equal(await idle.ended(), 'fin');
    idle.close();
    upstream.release();
    assert.deepEqual((await udp.receive()).data('A'), ANSWER);
    const replies = await tcp.receiveAll(2);
    assert.deepEqual(replies.map(({ id }) => id).sort(), [2, 3]);
    assert.equal(await tcp.ended(), 'fin');
    tcp.close();
    assert.equal(await ended, 0);
  });
}

test('a client that keeps its side open does not delay the end', async (t) => {
  const { daemon } = await start(t);
  const client = await TcpClient.connect(daemon.address);
  t.after(() => client.close());
  assert.deepEqual((await client.ask({ name: 'a.example.org' })).data('A'), ANSWER);
  const askedAtMs = performance.now();
  assert.equal(await daemon.stop(), 0);
  const endedMs = performance.now() - askedAtMs;
  t.diagnostic(`ended after ${endedMs.toFixed()} ms`);
  // Without its bound it is the whole grace period.
  assert(endedMs < 4000, `${endedMs} ms`);
});

test('a client that answers the end with a reset does not disturb it', async (t) => {
  const { upstream, daemon } = await start(t);
  const udp = await UdpClient.open(daemon.address);
  const tcp = await TcpClient.connect(daemon.address);
  const idle = await TcpClient.connect(daemon.address);
  t.after(() => Promise.all([udp.close(), tcp.close(), idle.close()]));
  assert.deepEqual((await idle.ask({ name: 'idle.example.org' })).data('A'), ANSWER);
  upstream.hold();
  udp.send({ name: 'udp.example.org', id: 1 });
  tcp.send({ name: 'tcp.example.org', id: 2 });
  await whenAsked(upstream, 'udp', 'tcp');
  const ended = daemon.stop();
  assert.equal(await idle.ended(), 'fin');
  idle.close();
  tcp.reset();
  await daemon.waitForLog(/TCP connections of clients: 2 ended, 0 cut off/);
  upstream.release();
  assert.deepEqual((await udp.receive()).data('A'), ANSWER);
  assert.equal(await ended, 0);
  assert.ok(!daemon.log.some((line) => line.includes('draining failed')), daemon.log.join('\n'));
});
