/**
 * Clients that take what they can get: TCP connections that never say anything, and more of them than there are descriptors.
 * UDP notices neither.
 */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Daemon, type DaemonOptions, startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { until } from '../support/until.ts';

const HALF_OPEN = 1500;
const CLOSED_WITHIN_MS = 10_000;
const DESCRIPTORS = 64;
const CLIENTS_BEYOND = 200;
/** Far below the 4 s of a question that waits for its upstream; a reply takes its time to a loaded machine. */
const AT_ONCE_MS = 1500;
/** A hundred a second and their summaries, and what a start logs. */
const LOG_LINES_MAX = 1500;
/** Pods, each of which has its share of the connections. */
const SOURCES = 16;

function corefile(upstream: ScriptedUpstream, protocol = ''): DaemonOptions['corefile'] {
  return ({ dns }) => `.:${dns} {
  bind 127.0.0.1
  errors
  cache 30
  forward . 127.0.0.1:${upstream.port} {
    ${protocol}
  }
}
`;
}

test(`${HALF_OPEN} TCP clients that send half a frame`, async (t) => {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, '192.0.2.1'));
  const daemon = await startDaemon(t, { corefile: corefile(upstream) });
  const alone = await latencies(daemon, 'alone');
  const sockets = await openMany(t, daemon, HALF_OPEN);
  const openedAtMs = performance.now();
  for (const socket of sockets) socket.write(Uint8Array.of(0));
  // The kernel has taken them all; a thread that is stopped accepts its part later.
  await until('most are there', async () => (await tcpConnections(daemon)) > HALF_OPEN / 2);
  const among = await latencies(daemon, 'among');
  await until(
    'all are closed',
    async () => sockets.every(({ closed }) => closed),
    CLOSED_WITHIN_MS,
  );
  t.diagnostic(
    `UDP: median ${alone.medianMs.toFixed(2)} ms alone, ${among.medianMs.toFixed(2)} ms among them, ` +
      `worst ${among.worstMs.toFixed(1)} ms; all closed after ${(performance.now() - openedAtMs).toFixed()} ms`,
  );
  assert(among.medianMs < 10 * Math.max(1, alone.medianMs), `${among.medianMs} ms`);
  await until('none is left', async () => (await tcpConnections(daemon)) === 0);
});

for (const protocol of ['', 'force_tcp'] as const) {
  const name = `${CLIENTS_BEYOND} TCP clients and ${DESCRIPTORS} descriptors ${protocol}`.trim();
  test(name, (t) => playDescriptors(t, protocol));
}

async function playDescriptors(t: TestContext, protocol: string): Promise<void> {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, '192.0.2.1'));
  const daemon = await startDaemon(t, {
    corefile: corefile(upstream, protocol),
    wrapper: ['prlimit', `--nofile=${DESCRIPTORS}`, '--'],
  });
  await latencies(daemon, 'cached');
  const sockets = await openMany(t, daemon, CLIENTS_BEYOND);
  await until('what is beyond the bound is refused', async () => {
    const refused = (await daemon.scrape()).sum('zerohop_tcp_connections_refused_total');
    return refused > CLIENTS_BEYOND - DESCRIPTORS;
  });
  const cached = await latencies(daemon, 'cached');
  const missed = await outcomes(daemon, 'missed');
  t.diagnostic(
    `misses: ${JSON.stringify(missed.rcodes)}, worst ${missed.worstMs.toFixed(1)} ms; UDP hits: median ${cached.medianMs.toFixed(2)} ms, worst ${cached.worstMs.toFixed(1)} ms; ` +
      `${sockets.filter(({ closed }) => closed).length} closed at once; ${daemon.log.length} log lines`,
  );
  // Clients over TCP hold no more than half of the descriptors that a start leaves.
  assert.deepEqual(
    daemon.log.filter((line) => line.includes('EMFILE')),
    [],
  );
  assert.deepEqual(missed.rcodes, { NOERROR: 100 });
  assert(missed.worstMs < AT_ONCE_MS, `${missed.worstMs} ms`);
  for (const socket of sockets) socket.destroy();
  await until('they are gone', async () => (await tcpConnections(daemon)) === 0, CLOSED_WITHIN_MS);
  const reply = await udpAsk(daemon.address, { name: 'afterwards.example.org' });
  assert.equal(reply.rcode, 'NOERROR');
  assert(daemon.log.length < LOG_LINES_MAX, `${daemon.log.length} lines`);
  assert.equal(await daemon.stop(), 0);
}

/** A hundred new names: each gets an answer or SERVFAIL. */
async function outcomes(daemon: Daemon, prefix: string) {
  const rcodes: Record<string, number> = {};
  let worstMs = 0;
  for (let index = 0; index < 100; index++) {
    const askedAtMs = performance.now();
    const { rcode } = await udpAsk(daemon.address, { name: `${prefix}${index}.example.org` });
    worstMs = Math.max(worstMs, performance.now() - askedAtMs);
    assert(rcode === 'NOERROR' || rcode === 'SERVFAIL', rcode);
    rcodes[rcode] = (rcodes[rcode] ?? 0) + 1;
  }
  return { rcodes, worstMs };
}

async function latencies(daemon: Daemon, prefix: string) {
  const times: number[] = [];
  for (let index = 0; index < 100; index++) {
    const askedAtMs = performance.now();
    const reply = await udpAsk(daemon.address, { name: `${prefix}${index}.example.org` });
    times.push(performance.now() - askedAtMs);
    assert.equal(reply.rcode, 'NOERROR');
  }
  times.sort((a, b) => a - b);
  return { medianMs: times[50]!, worstMs: times[99]! };
}

async function openMany(t: TestContext, daemon: Daemon, count: number): Promise<Socket[]> {
  const { host, port } = daemon.address;
  const sockets = Array.from({ length: count }, (_, index) => {
    const localAddress = `127.0.0.${2 + (index % SOURCES)}`;
    const socket = connect({ host, port, localAddress });
    // Reset by the daemon: it may.
    socket.on('error', () => socket.destroy());
    return socket.resume();
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(
    sockets.map((socket) => {
      // Not `once`, which takes a reset for a failure.
      const { promise, resolve } = Promise.withResolvers<void>();
      for (const event of ['connect', 'close']) socket.once(event, () => resolve());
      return promise;
    }),
  );
  return sockets;
}

async function tcpConnections(daemon: Daemon): Promise<number> {
  return (await daemon.scrape()).value('zerohop_tcp_connections')!;
}
