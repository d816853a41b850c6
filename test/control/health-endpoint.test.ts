/** `/health` on its addresses, and our own requests to it: their connection, series and warnings. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { HealthEndpoint } from '../../src/control/health-endpoint.ts';
import { HealthProbe, PERIOD_MS, TIMEOUT_MS } from '../../src/control/health-probe.ts';
import { createFamilies } from '../../src/metrics/families.ts';

const PAGES = { '/health': () => ({ text: 'OK' }) };

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Families and a log that tell when something came in. */
function createSinks() {
  const families = createFamilies();
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line.trimEnd()));
  const cell = families.healthRequestDuration.cell();
  const observe = cell.observe.bind(cell);
  let onObserved = () => {};
  cell.observe = (value) => {
    observe(value);
    // The log line and the failure follow in the same turn.
    queueMicrotask(onObserved);
  };
  const observed = () => new Promise<void>((resolve) => (onObserved = resolve));
  const count = () => cell.counts.reduce((sum, value) => sum + value, 0);
  return { families, lines, log, cell, observed, count };
}

async function open(...addresses: { host: string; port: number }[]) {
  const sinks = createSinks();
  const endpoint = await HealthEndpoint.open(addresses, PAGES, sinks.families, sinks.log);
  assert.ok(endpoint instanceof HealthEndpoint);
  closers.push(() => endpoint.close());
  return { endpoint, ...sinks };
}

const LOOPBACK = { host: '127.0.0.1', port: 0 };

describe('endpoint', () => {
  test('answers OK on each address, once where they are equal', async () => {
    const { endpoint } = await open(LOOPBACK, { host: '127.0.0.2', port: 0 }, LOOPBACK);
    assert.equal(endpoint.ports.length, 2);
    for (const [index, host] of ['127.0.0.1', '127.0.0.2'].entries()) {
      const response = await fetch(`http://${host}:${endpoint.ports[index]}/health`);
      assert.equal(response.status, 200);
      assert.equal(await response.text(), 'OK');
    }
    const elsewhere = await fetch(`http://127.0.0.1:${endpoint.ports[0]}/ready`);
    assert.equal(elsewhere.status, 404);
  });

  test('an address that cannot be had is a failure, and the others are given back', async () => {
    const { endpoint } = await open(LOOPBACK);
    const [port] = endpoint.ports;
    await endpoint.close();
    const { families, log } = createSinks();
    const address = { host: '192.0.2.1', port: 0 };
    const addresses = [{ host: '127.0.0.1', port: port! }, address];
    const failure = await HealthEndpoint.open(addresses, PAGES, families, log);
    assert.ok('code' in failure);
    assert.equal(failure.address, address);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/health`));
  });

  test('no address, nothing to serve', async () => {
    const { endpoint } = await open();
    assert.deepEqual(endpoint.ports, []);
  });

  test('asks itself each second, at any host, until it is closed', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    closers.push(() => mock.timers.reset());
    const { endpoint, families, lines, observed, count } = await open({ host: '', port: 0 });
    for (const expected of [1, 2]) {
      const done = observed();
      mock.timers.tick(PERIOD_MS);
      await done;
      assert.equal(count(), expected);
    }
    await endpoint.close();
    await endpoint.close();
    mock.timers.tick(PERIOD_MS);
    assert.equal(count(), 2);
    assert.equal(families.healthRequestFailures.cell().value, 0);
    assert.deepEqual(lines, []);
  });
});

describe('probe', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setInterval', 'setTimeout'] }));
  afterEach(() => mock.timers.reset());

  /** A probe of a server of the test's own; `ask` makes it ask and waits for the result. */
  async function probe(onRequest: RequestListener, now: () => number = () => 0) {
    const server = createServer(onRequest).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => stop(server));
    const { port } = server.address() as AddressInfo;
    const sinks = createSinks();
    const address = { host: '127.0.0.1', port };
    const clock = { nowMs: now };
    const subject = new HealthProbe(address, '/health', sinks.families, sinks.log, clock);
    closers.push(() => subject.close());
    const ask = () => {
      const done = sinks.observed();
      mock.timers.tick(PERIOD_MS);
      return done;
    };
    const url = `http://127.0.0.1:${port}/health`;
    return { server, subject, ask, url, ...sinks };
  }

  function stop(server: Server): Promise<unknown> {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  }

  test('keeps one connection', async () => {
    const paths: (string | undefined)[] = [];
    const { server, ask } = await probe((request, response) => {
      paths.push(request.url);
      response.end('OK');
    });
    let connectionCount = 0;
    server.on('connection', () => connectionCount++);
    for (let round = 0; round < 5; round++) await ask();
    assert.deepEqual(paths, new Array(5).fill('/health'));
    assert.equal(connectionCount, 1);
  });

  test('warns of a request that took more than a second', async () => {
    const times = [0, 1000, 5000, 6250];
    const { ask, cell, lines, families, url } = await probe(
      (_request, response) => response.end('OK'),
      () => times.shift()!,
    );
    await ask();
    await ask();
    assert.equal(cell.sum, 2.25);
    assert.equal(families.healthRequestFailures.cell().value, 0);
    assert.deepEqual(lines, [
      `[WARNING] Local health request to "${url}" took more than 1s: 1.25s`,
    ]);
  });

  test('counts a failure, and goes on', async () => {
    const { server, ask, count, lines, families, url } = await probe((_request, response) =>
      response.end('OK'),
    );
    await stop(server);
    await ask();
    await ask();
    assert.equal(count(), 2);
    assert.equal(families.healthRequestFailures.cell().value, 2);
    assert.equal(lines.length, 2);
    assert.ok(
      lines[0]!.startsWith(`[WARNING] Local health request to "${url}" failed: connect ECONN`),
    );
  });

  test('a kept connection that is closed under a request is no failure', async () => {
    const sockets = new Set<Socket>();
    const { ask, count, families } = await probe((request, response) => {
      const isReused = sockets.has(request.socket);
      sockets.add(request.socket);
      if (isReused) request.socket.destroy();
      else response.end('OK');
    });
    await ask();
    await ask();
    assert.equal(sockets.size, 2);
    assert.equal(count(), 2);
    assert.equal(families.healthRequestFailures.cell().value, 0);
  });

  test('nor is one that was closed between two requests', async () => {
    const sockets: Socket[] = [];
    const { ask, count, families } = await probe((request, response) => {
      sockets.push(request.socket);
      response.end('OK');
    });
    await ask();
    sockets[0]!.end();
    await once(sockets[0]!, 'close');
    await ask();
    assert.notEqual(sockets[0], sockets[1]);
    assert.equal(count(), 2);
    assert.equal(families.healthRequestFailures.cell().value, 0);
  });

  test('gives up after three seconds, and asks nothing meanwhile', async () => {
    const asked = Promise.withResolvers<void>();
    let requestCount = 0;
    const { ask, lines, families, url } = await probe(() => {
      requestCount++;
      asked.resolve();
    });
    const done = ask();
    await asked.promise;
    mock.timers.tick(TIMEOUT_MS);
    await done;
    assert.equal(requestCount, 1);
    assert.equal(families.healthRequestFailures.cell().value, 1);
    assert.deepEqual(lines, [
      `[WARNING] Local health request to "${url}" failed: no response within 3s`,
    ]);
  });

  test('a request that close cuts off is not recorded', async () => {
    const asked = Promise.withResolvers<Socket>();
    const { subject, ask, count, lines } = await probe((request) => asked.resolve(request.socket));
    void ask();
    const socket = await asked.promise;
    subject.close();
    await once(socket, 'close');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(count(), 0);
    assert.deepEqual(lines, []);
  });
});
