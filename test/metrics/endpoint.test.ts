import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { CounterRows, counterBytes } from '../../src/metrics/counter-rows.ts';
import {
  CONNECTIONS_MAX,
  Endpoint,
  type ListenAddress,
  type ListenFailure,
  parseListenAddress,
} from '../../src/metrics/endpoint.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { parseExposition } from './exposition.ts';

const LOOPBACK: ListenAddress = { host: '127.0.0.1', port: 0 };
const opened: Endpoint[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(opened.splice(0).map((endpoint) => endpoint.close()));
});

function createMetrics(): Metrics {
  const words = new Int32Array(counterBytes(1, 1) / 4);
  return new Metrics(new CounterRows(words, 1, 1), { version: '1.2.3', revision: 'abc' });
}

async function open(
  metrics = createMetrics(),
  address = LOOPBACK,
  onError: (error: Error) => void = assert.fail,
): Promise<Endpoint> {
  const endpoint = await Endpoint.open(address, metrics, onError);
  assert.ok(endpoint instanceof Endpoint);
  opened.push(endpoint);
  return endpoint;
}

async function dial(endpoint: Endpoint): Promise<Socket> {
  const socket = connect(endpoint.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {}); // A reset is one of the expected ends.
  await once(socket, 'connect');
  return socket;
}

/** One request on a connection of its own; the response's head and body. */
async function request(endpoint: Endpoint, method: string, path: string) {
  const socket = await dial(endpoint);
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk;
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head, body };
}

describe('addresses', () => {
  for (const [text, expected] of [
    [':9253', { host: undefined, port: 9253 }],
    ['0.0.0.0:9353', { host: '0.0.0.0', port: 9353 }],
    ['localhost:9153', { host: 'localhost', port: 9153 }],
    ['[::1]:9153', { host: '::1', port: 9153 }],
    ['[::]:65535', { host: '::', port: 65535 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['9153', undefined],
    ['localhost', undefined],
    ['localhost:', undefined],
    ['localhost:http', undefined],
    ['localhost:65536', undefined],
    ['::1:9153', undefined],
    ['[::1]9153', undefined],
    ['[::1:9153', undefined],
    ['', undefined],
  ] as const) {
    test(`'${text}'`, () => assert.deepEqual(parseListenAddress(text), expected));
  }
});

describe('requests', () => {
  test('GET /metrics gives the exposition, and counts itself', async () => {
    const endpoint = await open();
    const first = await request(endpoint, 'GET', '/metrics');
    assert.equal(first.status, 200);
    assert.match(first.head, /^content-type: text\/plain; version=0\.0\.4; charset=utf-8$/im);
    const { samples } = parseExposition(first.body).get(
      'promhttp_metric_handler_requests_in_flight',
    )!;
    assert.equal(samples[0]?.value, 1);
    const second = await request(endpoint, 'GET', '/metrics?name=up');
    assert.match(second.body, /^promhttp_metric_handler_requests_total\{code="200"\} 1$/m);
  });

  test('HEAD gives the head alone', async () => {
    const { status, head, body } = await request(await open(), 'HEAD', '/metrics');
    assert.equal(status, 200);
    assert.match(head, /^content-length: [1-9]\d+$/im);
    assert.equal(body, '');
  });

  test('other methods and paths are refused', async () => {
    const endpoint = await open();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, head } = await request(endpoint, method, '/metrics');
      assert.equal(status, 405);
      assert.match(head, /^allow: GET, HEAD$/im);
    }
    for (const path of ['/', '/metric', '/metrics/', '/metrics2', '//metrics']) {
      assert.equal((await request(endpoint, 'GET', path)).status, 404);
    }
  });

  test('a scrape that fails is a 500, and is reported', async () => {
    const metrics = createMetrics();
    const failure = new Error('no text today');
    metrics.expose = () => Promise.reject(failure);
    const errors: Error[] = [];
    const endpoint = await open(metrics, LOOPBACK, (error) => void errors.push(error));
    assert.equal((await request(endpoint, 'GET', '/metrics')).status, 500);
    assert.deepEqual(errors, [failure]);
    assert.equal(metrics.families.scrapes.cell('500').value, 1);
    assert.equal(metrics.families.scrapesInFlight.cell().value, 0);
  });
});

describe('listening', () => {
  test('two endpoints show the same series', async () => {
    const metrics = createMetrics();
    metrics.families.panics.cell().value = 42;
    for (const endpoint of [await open(metrics), await open(metrics)]) {
      const { body } = await request(endpoint, 'GET', '/metrics');
      assert.match(body, /^coredns_panics_total 42$/m);
    }
  });

  test('an old and a new process can have the same address', async () => {
    const old = await open();
    const next = await open(createMetrics(), { host: '127.0.0.1', port: old.port });
    assert.equal(next.port, old.port);
    await old.close();
    assert.equal((await request(next, 'GET', '/metrics')).status, 200);
  });

  test('localhost is IPv4 first', async () => {
    const endpoint = await open(createMetrics(), { host: 'localhost', port: 0 });
    assert.equal((await request(endpoint, 'GET', '/metrics')).status, 200);
  });

  test('without a host it listens on IPv4 too', async () => {
    const endpoint = await open(createMetrics(), { host: undefined, port: 0 });
    assert.equal((await request(endpoint, 'GET', '/metrics')).status, 200);
  });

  test('an address that is not ours is a failure', async () => {
    const address = { host: '192.0.2.1', port: 0 };
    const failure = (await Endpoint.open(address, createMetrics(), assert.fail)) as ListenFailure;
    assert.equal(failure.code, 'listen-failed');
    assert.equal(failure.address, address);
    assert.match(failure.cause.message, /EADDRNOTAVAIL/);
  });
});

describe('limits', () => {
  test('connections beyond the bound are closed, those within are served', async () => {
    const endpoint = await open();
    const within: Socket[] = [];
    for (let index = 0; index < CONNECTIONS_MAX; index++) within.push(await dial(endpoint));
    // The server has accepted them all once the last one is answered.
    const last = within.at(-1)!;
    last.write('GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(last, 'data');
    const beyond = await dial(endpoint);
    await once(beyond, 'close');
    const first = within[0]!;
    first.write('GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [data] = await once(first, 'data');
    assert.match(String(data), /^HTTP\/1\.1 404 /);
  });

  test('close is quick with idle and busy connections, and can be repeated', async () => {
    const metrics = createMetrics();
    const endpoint = await open(metrics);
    const idle = await dial(endpoint);
    const busy = await dial(endpoint);
    const scraping = new Promise<void>((resolve) => {
      metrics.expose = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    busy.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await scraping;
    const closes = [once(idle, 'close'), once(busy, 'close')];
    const closing = endpoint.close();
    assert.equal(endpoint.close(), closing);
    await Promise.all([closing, ...closes]);
  });
});
