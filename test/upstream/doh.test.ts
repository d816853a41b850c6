import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { until } from '../support/until.ts';
import { CERTIFICATE, certificateFiles, KEY } from './support-certificate.ts';
import { askMany, assertAnswered, endpoint, failureOf, openForward } from './support-forward.ts';
import { queryFor, replyTo } from './support-server.ts';

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: Buffer;
  readonly version: string;
}

/** A server of RFC 8484 that speaks HTTP/1.1 and HTTP/2. */
async function dohServer(
  t: TestContext,
  respond: (query: Buffer, response: Http2ServerResponse) => void,
) {
  const seen: Seen[] = [];
  const server = createSecureServer(
    { cert: CERTIFICATE, key: KEY, allowHTTP1: true },
    async (request: Http2ServerRequest, response: Http2ServerResponse) => {
      const body: Buffer[] = [];
      for await (const chunk of request) body.push(chunk as Buffer);
      const url = new URL(request.url, 'https://dns.example.org');
      const query =
        request.method === 'GET'
          ? Buffer.from(url.searchParams.get('dns') ?? '', 'base64url')
          : Buffer.concat(body);
      seen.push({
        method: request.method,
        path: url.pathname,
        query,
        version: request.httpVersion,
      });
      respond(query, response);
    },
  );
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { port, seen };
}

function open(t: TestContext, port: number, dohMethod: 'GET' | 'POST', readTimeoutMs = 2000) {
  const { certPath } = certificateFiles(t);
  const to = endpoint(port, { transport: 'https', path: '/dns-query' });
  return openForward(t, [to], {
    dohMethod,
    readTimeoutMs,
    maxFails: 0,
    maxConnectAttempts: 1,
    tls: { caPath: certPath, certPath: undefined, keyPath: undefined, serverName: undefined },
  });
}

function answer(query: Buffer, response: Http2ServerResponse) {
  response.setHeader('content-type', 'application/dns-message');
  response.end(replyTo(query));
}

for (const method of ['POST', 'GET'] as const) {
  test(`${method}: queries are answered, with id 0 on the wire`, async (t) => {
    const { port, seen } = await dohServer(t, answer);
    const { forward } = open(t, port, method);
    for (const result of await askMany(forward, 10)) {
      assertAnswered(result);
      assert.equal(result.transport, 'https');
      assert.equal(result.to, `127.0.0.1:${port}`);
    }
    // On a busy machine a late one is asked again.
    assert(seen.length >= 10);
    for (const { method: used, path, query } of seen) {
      assert.deepEqual([used, path, query.readUInt16BE(0)], [method, '/dns-query', 0]);
    }
    const outstanding = () => forward.snapshot().upstreams[0]?.outstanding;
    await until('the late ones have ended too', async () => outstanding() === 0);
  });
}

test('a status that is not 200, a wrong answer, silence', async (t) => {
  const failing = await dohServer(t, (_query, response) => {
    response.statusCode = 503;
    response.end();
  });
  const ask = (port: number, readTimeoutMs?: number) =>
    open(t, port, 'POST', readTimeoutMs).forward.exchange(queryFor('example.org.'), {
      transport: 'udp',
      deadlineMs: 2500,
    });
  assert.match(JSON.stringify(failureOf(await ask(failing.port))), /HTTP status 503/);
  const wrong = await dohServer(t, (_query, response) => {
    response.end(replyTo(queryFor('other.example.org.')));
  });
  assert.equal(failureOf(await ask(wrong.port)).code, 'malformed');
  const silent = await dohServer(t, () => {});
  assert.equal(failureOf(await ask(silent.port, 100)).code, 'timeout');
});

test('what is under way is bounded, what is beyond fails at once', async (t) => {
  const { port, seen } = await dohServer(t, () => {});
  const { forward } = open(t, port, 'POST', 60_000);
  // The end of the test waits for those under way.
  const ask = () =>
    forward.exchange(queryFor('example.org.'), { transport: 'udp', deadlineMs: 2000 });
  for (let count = 0; count < 1024; count++) void ask();
  assert.equal(failureOf(await ask()).code, 'overloaded');
  await until('the others have left', async () => seen.length > 0);
});
