/**
 * The HTTP endpoints: `health` says 200 as long as the process lives, whatever its upstreams do; `prometheus` serves where each
 * block says; and an orderly end answers what is under way.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { TcpClient } from '../support/dns-client.ts';
import { freePorts } from '../support/free-port.ts';
import { Stage, type StagePorts } from './stage.ts';

const COREFILE = ({ dns, health, prometheus, upstream }: StagePorts) => `
.:${dns} {
  bind 127.0.0.1
  cache
  health 127.0.0.1:${health} {
    lameduck 3s
  }
  prometheus 127.0.0.1:${prometheus}
  forward . 127.0.0.1:${upstream} {
    max_connect_attempts 1
  }
}`;

async function get(port: number, path: string): Promise<[status: number, text: string]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return [response.status, await response.text()];
}

test('health', async (t) => {
  const stage = await Stage.set(t, 'mmsg', { corefile: COREFILE });
  const { health } = stage.daemon.ports;
  assert.deepEqual(await get(health, '/health'), [200, 'OK']);
  assert.equal((await get(health, '/'))[0], 404);
  stage.script('dead.test', () => 'reset');
  assert.equal((await stage.askTcp({ name: 'dead.test' })).rcode, 'SERVFAIL');
  assert.deepEqual(await get(health, '/health'), [200, 'OK']);
});

test('prometheus: at its address and at -metrics-listen-address', async (t) => {
  const stage = await Stage.set(t, 'mmsg', { corefile: COREFILE });
  const { metrics, prometheus } = stage.daemon.ports;
  await stage.ask({ name: 'a.test' });
  for (const port of [metrics, prometheus]) {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
    assert.match(await response.text(), /^coredns_dns_requests_total\{.*type="A"\} 1$/m);
    const page = await fetch(`http://127.0.0.1:${port}/`);
    assert.match(page.headers.get('content-security-policy')!, /^default-src 'none'/);
    assert.match(await page.text(), /<title>.* – Zerohop<\/title>/);
    assert.equal((await get(port, '/other'))[0], 404);
  }
});

test('a reload moves the endpoints', async (t) => {
  const stage = await Stage.set(t, 'mmsg', { corefile: COREFILE });
  const { daemon, upstream } = stage;
  const [health, prometheus] = (await freePorts(2)) as [number, number];
  const before = daemon.ports;
  await daemon.reloadWith((ports) =>
    COREFILE({ ...ports, health, prometheus, upstream: upstream.port }),
  );
  assert.deepEqual(await get(health, '/health'), [200, 'OK']);
  assert.equal((await get(prometheus, '/metrics'))[0], 200);
  await assert.rejects(get(before.health, '/health'));
  await assert.rejects(get(before.prometheus, '/metrics'));
});

test('an address that is taken stops a start, and a reload changes nothing', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port: taken } = other.address() as { port: number };
  const stage = await Stage.set(t, 'mmsg', { corefile: COREFILE });
  const { daemon, upstream } = stage;
  const line = await daemon.reloadWith((ports) =>
    COREFILE({ ...ports, health: taken, upstream: upstream.port }),
  );
  assert.match(line, new RegExp(`reload failed: health 127\\.0\\.0\\.1:${taken}: cannot listen`));
  assert.deepEqual(await get(daemon.ports.health, '/health'), [200, 'OK']);
  await assert.rejects(
    startDaemon(t, { corefile: (ports) => COREFILE({ ...ports, health: taken, upstream: 1 }) }),
    /exit 1 from the daemon/,
  );
});

test('SIGTERM: serves for `lameduck`, answers what is under way, and ends with 0', async (t) => {
  const stage = await Stage.set(t, 'mmsg', { corefile: COREFILE });
  const { daemon, upstream } = stage;
  const client = await TcpClient.connect(daemon.address);
  t.after(() => client.close());
  upstream.hold();
  client.send({ name: 'slow.test', id: 7 });
  await stage.whenAsked('slow.test', 1);
  const ended = daemon.stop();
  await daemon.waitForLog(/SIGTERM: Shutting down/);
  assert.deepEqual(await get(daemon.ports.health, '/health'), [200, 'OK']);
  const during = stage.ask({ name: 'during.test' });
  await stage.whenAsked('during.test', 1);
  upstream.release();
  assert.equal((await during).rcode, 'NOERROR');
  assert.equal((await client.receive()).id, 7);
  assert.equal(await client.ended(), 'fin');
  client.send({ name: 'late.test' });
  client.halfClose();
  assert.equal(await ended, 0);
});
