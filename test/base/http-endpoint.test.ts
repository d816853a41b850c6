/** HTTP endpoints: addresses, pages, sharing of an address, TLS, and the bounds on what clients can hold. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import {
  CONNECTIONS_MAX,
  type EndpointTls,
  HttpEndpoint,
  type ListenAddress,
  type ListenFailure,
  type Pages,
  parseListenAddress,
} from '../../src/base/http-endpoint.ts';
import { within } from '../support/deadline.ts';
import { CERTIFICATE, KEY } from '../upstream/support-certificate.ts';

const LOOPBACK: ListenAddress = { host: '127.0.0.1', port: 0 };
const PAGES: Pages = {
  '/text': () => ({ text: 'grüß dich' }),
  '/json': async () => ({ contentType: 'application/json', text: '{}' }),
};
const opened: HttpEndpoint[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(opened.splice(0).map((endpoint) => endpoint.close()));
});

async function open(
  pages = PAGES,
  address = LOOPBACK,
  onError: (error: Error) => void = assert.fail,
  tls?: EndpointTls,
): Promise<HttpEndpoint> {
  const endpoint = await HttpEndpoint.open(address, pages, onError, tls);
  assert.ok(endpoint instanceof HttpEndpoint);
  opened.push(endpoint);
  return endpoint;
}

async function dial(endpoint: HttpEndpoint): Promise<Socket> {
  const socket = connect(endpoint.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {}); // A reset is one of the expected ends.
  await once(socket, 'connect');
  return socket;
}

/** One request on a connection of its own; the response's head and body. */
async function request(endpoint: HttpEndpoint, method: string, path: string) {
  return requestOn(await dial(endpoint), method, path);
}

async function requestOn(socket: Socket, method: string, path: string) {
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk;
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head, body };
}

describe('addresses', () => {
  for (const [text, expected] of [
    [':9253', { host: '', port: 9253 }],
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
  test('GET gives the page', async () => {
    const endpoint = await open();
    const text = await request(endpoint, 'GET', '/text?name=up');
    assert.deepEqual([text.status, text.body], [200, 'grüß dich']);
    assert.match(text.head, /^content-type: text\/plain; charset=utf-8$/im);
    const json = await request(endpoint, 'GET', '/json');
    assert.match(json.head, /^content-type: application\/json$/im);
  });

  test('HEAD gives the head alone', async () => {
    const { status, head, body } = await request(await open(), 'HEAD', '/text');
    assert.equal(status, 200);
    assert.match(head, /^content-length: 11$/im);
    assert.equal(body, '');
  });

  test('other methods and paths are refused', async () => {
    const endpoint = await open();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, head } = await request(endpoint, method, '/text');
      assert.equal(status, 405);
      assert.match(head, /^allow: GET, HEAD$/im);
    }
    for (const path of ['/', '/tex', '/text/', '/text2', '//text', '/constructor']) {
      assert.equal((await request(endpoint, 'GET', path)).status, 404);
    }
  });

  test('an action is done once for each post, and nothing that is posted is read', async () => {
    let count = 0;
    const endpoint = await open({
      '/do': { post: () => ({ text: String(++count), status: 422 }) },
    });
    for (const method of ['GET', 'HEAD', 'PUT']) {
      const { status, head } = await request(endpoint, method, '/do');
      assert.equal(status, 405);
      assert.match(head, /^allow: POST$/im);
    }
    const done = await request(endpoint, 'POST', '/do');
    assert.deepEqual([done.status, done.body], [422, '1']);
    const socket = await dial(endpoint);
    socket.write('POST /do HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n');
    const [data] = await once(socket, 'data');
    assert.match(String(data), /^HTTP\/1\.1 422 [\s\S]*connection: close/i);
    await once(socket, 'close');
    assert.equal(count, 2);
  });

  test('a page that fails is a 500, and is reported', async () => {
    const failure = new Error('no text today');
    const errors: Error[] = [];
    const pages = { '/text': () => Promise.reject(failure) };
    const endpoint = await open(pages, LOOPBACK, (error) => void errors.push(error));
    assert.equal((await request(endpoint, 'GET', '/text')).status, 500);
    assert.deepEqual(errors, [failure]);
  });
});

describe('listening', () => {
  test('an old and a new process can have the same address', async () => {
    const old = await open();
    const next = await open(PAGES, { host: '127.0.0.1', port: old.port });
    assert.equal(next.port, old.port);
    await old.close();
    assert.equal((await request(next, 'GET', '/text')).status, 200);
  });

  test('localhost is IPv4 first', async () => {
    const endpoint = await open(PAGES, { host: 'localhost', port: 0 });
    assert.equal((await request(endpoint, 'GET', '/text')).status, 200);
  });

  test('without a host it listens on IPv4 too', async () => {
    const endpoint = await open(PAGES, { host: '', port: 0 });
    assert.equal((await request(endpoint, 'GET', '/text')).status, 200);
  });

  test('an address that is not ours is a failure', async () => {
    const address = { host: '192.0.2.1', port: 0 };
    const failure = (await HttpEndpoint.open(address, PAGES, assert.fail)) as ListenFailure;
    assert.equal(failure.code, 'listen-failed');
    assert.equal(failure.address, address);
    assert.match(failure.cause.message, /EADDRNOTAVAIL/);
  });
});

describe('TLS', () => {
  const ANYBODY: EndpointTls = { options: { cert: CERTIFICATE, key: KEY }, admits: () => true };
  const HANDSHAKE_TIMEOUT_MS = 5000;
  const openTls = (tls = ANYBODY) => open(PAGES, LOOPBACK, assert.fail, tls);

  async function dialTls(endpoint: HttpEndpoint, session?: Buffer) {
    const options = { host: '127.0.0.1', port: endpoint.port, ca: CERTIFICATE };
    const socket = connectTls({ ...options, ...(session && { session }) });
    sockets.push(socket);
    socket.on('error', () => {}); // A reset is one of the expected ends.
    await once(socket, 'secureConnect');
    return socket;
  }

  test('GET gives the page', async () => {
    const { status, body } = await requestOn(await dialTls(await openTls()), 'GET', '/text');
    assert.deepEqual([status, body], [200, 'grüß dich']);
  });

  test('a client that does not speak TLS gets no response', async () => {
    const endpoint = await openTls();
    const { head } = await request(endpoint, 'GET', '/text').catch(() => ({ head: '' }));
    assert.doesNotMatch(head, /HTTP/);
    assert.equal((await requestOn(await dialTls(endpoint), 'GET', '/text')).status, 200);
  });

  test('a client that is not admitted is not answered', async () => {
    const asked: string[] = [];
    const pages = { '/text': () => ({ text: String(asked.push('/text')) }) };
    const tls = { ...ANYBODY, admits: () => false };
    const socket = await dialTls(await open(pages, LOOPBACK, assert.fail, tls));
    socket.write('GET /text HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    await once(socket, 'close');
    assert.deepEqual([text, asked], ['', []]);
  });

  test('a session is not resumed: a resumed one shows no certificate', async () => {
    const endpoint = await openTls();
    const first = await dialTls(endpoint);
    let session = first.getSession();
    first.on('session', (newer) => {
      session = newer;
    });
    await requestOn(first, 'GET', '/text');
    assert.equal((await dialTls(endpoint, session)).isSessionReused(), false);
  });

  test('close is quick with a handshake that does not go on', async () => {
    const endpoint = await openTls();
    const silent = await dial(endpoint);
    // The server has accepted the one before once this one is answered.
    await requestOn(await dialTls(endpoint), 'GET', '/text');
    const idle = await dialTls(endpoint);
    const closes = [once(silent, 'close'), once(idle, 'close')];
    // Sooner than the handshake's own time-out, which would end it too.
    await within(Promise.all([endpoint.close(), ...closes]), 'close', HANDSHAKE_TIMEOUT_MS / 2);
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
    const refusedBefore = HttpEndpoint.refusedCount;
    const beyond = await dial(endpoint);
    await once(beyond, 'close');
    assert.equal(HttpEndpoint.refusedCount, refusedBefore + 1);
    const first = within[0]!;
    first.write('GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [data] = await once(first, 'data');
    assert.match(String(data), /^HTTP\/1\.1 404 /);
  });

  test('a request that comes octet by octet ends its connection, one that takes long to answer does not', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const asked = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<{ text: string }>();
    const endpoint = await open({
      '/slow': () => {
        asked.resolve();
        return answered.promise;
      },
    });
    const slow = await dial(endpoint);
    slow.write('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await asked.promise;
    // The server has accepted the one before once this one is answered.
    const trickling = await dial(endpoint);
    trickling.write('GET /no');
    await request(endpoint, 'GET', '/text');
    t.mock.timers.tick(10_000);
    await once(trickling, 'close');
    answered.resolve({ text: 'late' });
    const [data] = await once(slow, 'data');
    assert.match(String(data), /^HTTP\/1\.1 200 /);
    slow.write('GET /no');
    // Again the one before was seen once this one is answered.
    await request(endpoint, 'GET', '/text');
    t.mock.timers.tick(10_000);
    await once(slow, 'close');
  });

  test('close is quick with idle and busy connections, and can be repeated', async () => {
    const asked = Promise.withResolvers<void>();
    const endpoint = await open({
      '/slow': () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const idle = await dial(endpoint);
    const busy = await dial(endpoint);
    busy.write('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await asked.promise;
    const closes = [once(idle, 'close'), once(busy, 'close')];
    const closing = endpoint.close();
    assert.equal(endpoint.close(), closing);
    await Promise.all([closing, ...closes]);
  });
});

test('a page has headers of its own, and knows whether it is asked over loopback', async () => {
  const pages: Pages = {
    '/': {
      get: (query, { isLocal }) => ({
        text: `${query.get('a')} ${isLocal}`,
        headers: { 'X-Own': '1' },
      }),
      timeoutMs: 1000,
    },
  };
  const endpoint = await open(pages, { host: '', port: 0 });
  const ask = async (host: string) => {
    const response = await fetch(`http://${host}:${endpoint.port}/?a=b`);
    assert.equal(response.headers.get('x-own'), '1');
    return response.text();
  };
  assert.equal(await ask('127.0.0.1'), 'b true');
  const others = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  for (const { address, family, internal } of others) {
    if (!internal && family === 'IPv4') assert.equal(await ask(address), 'b false');
  }
});
