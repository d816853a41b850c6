/**
 * The HTTP endpoints of a running daemon, metrics and health, against clients that mean harm or are broken: what they can
 * ask, hold and cost is bounded, and DNS goes on meanwhile.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { within } from '../support/deadline.ts';
import { udpAsk } from '../support/dns-client.ts';
import { until } from '../support/until.ts';

const CONNECTIONS_MAX = 64;
/** Time-outs are 5 s. */
const CUT_WITHIN_MS = 8000;
/** Node gives a socket that has taken some octets a second time-out. */
const SLOW_CUT_WITHIN_MS = 15_000;
const OWN = 'Host: localhost\r\n';

function start(t: TestContext): Promise<Daemon> {
  return startDaemon(t, {
    corefile: ({ dns, prometheus, health }) => `.:${dns} {
  bind 127.0.0.1
  prometheus 127.0.0.1:${prometheus}
  health 127.0.0.1:${health}
  forward . 127.0.0.1:9
}
`,
  });
}

async function dial(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => socket.destroy()); // a reset is one of the expected ends
  await once(socket, 'connect');
  return socket;
}

/** Sends the octets on a connection of its own; everything that comes until its end. */
async function exchange(t: TestContext, port: number, request: string): Promise<string> {
  const socket = await dial(t, port);
  socket.write(request);
  return within(everything(socket), 'end of the connection', CUT_WITHIN_MS);
}

async function everything(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  if (socket.closed) resolve();
  // Not `once`, which takes a reset for a failure.
  socket.on('close', () => resolve());
  await promise;
  return text;
}

function statusOf(response: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1]);
}

/** Seen through the other endpoint. */
async function descriptors(daemon: Daemon): Promise<number> {
  return (await daemon.scrape(daemon.ports.prometheus)).value('process_open_fds')!;
}

async function servesDns(daemon: Daemon): Promise<void> {
  // Nothing listens behind `forward`: what counts is that an answer comes.
  assert.equal((await udpAsk(daemon.address, { name: 'example.org' })).rcode, 'SERVFAIL');
}

suite('HTTP endpoints', { concurrency: true }, () => {
  test('requests for another host are refused, with the reason', async (t) => {
    const { ports } = await start(t);
    const paths = [
      [ports.metrics, '/metrics'],
      [ports.prometheus, '/metrics'],
      [ports.health, '/health'],
    ] as const;
    for (const [port, path] of paths) {
      const ask = (host: string) =>
        exchange(t, port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      for (const host of ['localhost', `127.0.0.1:${port}`, 'node1', 'dns.kube-system.svc']) {
        assert.equal(statusOf(await ask(host)), 200, `${path} ${host}`);
      }
      const refused = await ask('rebind.attacker.example');
      assert.equal(statusOf(refused), 421);
      assert.match(refused, /Host header.*DNS rebinding/);
      assert.doesNotMatch(refused, /attacker|coredns_/);
    }
  });

  test('other methods, paths and protocols', async (t) => {
    const { ports } = await start(t);
    const requests: readonly [request: string, status: number][] = [
      [`HEAD /metrics HTTP/1.1\r\n${OWN}Connection: close\r\n\r\n`, 200],
      [`POST /metrics HTTP/1.1\r\n${OWN}Content-Length: 9999999\r\n\r\n`, 405],
      [`DELETE /metrics HTTP/1.1\r\n${OWN}\r\n`, 405],
      [`GET /../etc/passwd HTTP/1.1\r\n${OWN}Connection: close\r\n\r\n`, 404],
      [`GET http://attacker.example/metrics HTTP/1.1\r\n${OWN}Connection: close\r\n\r\n`, 404],
      [`GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n`, 400],
      ['\u0016\u0003\u0001 no HTTP at all\r\n\r\n', 400],
    ];
    const tooLong = [
      `GET /metrics HTTP/1.1\r\n${OWN}X: ${'x'.repeat(100_000)}\r\n\r\n`,
      `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n${OWN}\r\n`,
    ];
    for (const [request, status] of requests) {
      const response = await exchange(t, ports.metrics, request);
      assert.equal(statusOf(response), status, request.slice(0, 60));
    }
    for (const request of tooLong) {
      const response = await exchange(t, ports.metrics, request);
      // The reset behind it may overtake the response, since not all of the request was read.
      assert(response === '' || statusOf(response) === 431, response.slice(0, 60));
    }
  });

  test('pipelined requests are each answered, in order', async (t) => {
    const { ports } = await start(t);
    const one = `GET /health HTTP/1.1\r\n${OWN}\r\n`;
    const last = `GET /nothing HTTP/1.1\r\n${OWN}Connection: close\r\n\r\n`;
    const text = await exchange(t, ports.health, one.repeat(50) + last);
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
    assert.deepEqual(statuses, [...Array(50).fill('200'), '404']);
  });

  test('half-sent requests, slow readers and the silent are cut', async (t) => {
    const daemon = await start(t);
    const { metrics } = daemon.ports;
    await servesDns(daemon);
    // Its own request to its health endpoint keeps a connection.
    await until('it asks itself', async () => {
      const scrape = await daemon.scrape(daemon.ports.prometheus);
      return scrape.sum('coredns_health_request_duration_seconds_count') > 0;
    });
    const before = await descriptors(daemon);
    const silent = await dial(t, metrics);
    const half = await dial(t, metrics);
    half.write(`GET /metrics HTTP/1.1\r\n${OWN}X`);
    const drip = await dial(t, metrics);
    const dripping = setInterval(() => drip.writable && drip.write('x'), 500);
    t.after(() => clearInterval(dripping));
    drip.write(`GET /metrics HTTP/1.1\r\n${OWN}X: `);
    const slow = await dial(t, metrics);
    // Asks for megabytes and reads none of them.
    slow.pause();
    slow.write(`GET /metrics HTTP/1.1\r\n${OWN}\r\n`.repeat(400));
    await servesDns(daemon);
    const isGone = [silent, half, drip].map(everything);
    for (const gone of isGone) await within(gone, 'end of the connection', CUT_WITHIN_MS);
    const holdsOne = async () => (await descriptors(daemon)) <= before;
    await until('the slow reader is cut', holdsOne, SLOW_CUT_WITHIN_MS);
  });

  test(`no more than ${CONNECTIONS_MAX} connections at once`, async (t) => {
    const daemon = await start(t);
    const { metrics } = daemon.ports;
    const before = await descriptors(daemon);
    const sockets = await Promise.all(
      Array.from({ length: 4 * CONNECTIONS_MAX }, () => dial(t, metrics)),
    );
    const ends = sockets.map(everything);
    await servesDns(daemon);
    const held = (await descriptors(daemon)) - before;
    assert(held <= CONNECTIONS_MAX + 8, `${held} descriptors`);
    for (const end of ends) await within(end, 'end of the connection', CUT_WITHIN_MS);
    assert.equal((await daemon.scrape()).sum('coredns_build_info'), 1);
  });
});
