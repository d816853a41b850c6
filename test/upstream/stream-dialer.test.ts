import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { errorText } from '../../src/upstream/failure.ts';
import { CERTIFICATE, certificateFiles, KEY } from './support-certificate.ts';
import { askMany, assertAnswered, endpoint, failureOf, openForward } from './support-forward.ts';
import { type Behaviour, queryFor, serveStream } from './support-server.ts';

const noTls = { caPath: undefined, certPath: undefined, keyPath: undefined, serverName: undefined };

async function tlsServer(t: TestContext, behaviour: Behaviour = {}, options: TlsOptions = {}) {
  const seen: TLSSocket[] = [];
  const resumed: boolean[] = [];
  const state = { behaviour, segments: 0 };
  const server = createServer({ cert: CERTIFICATE, key: KEY, ...options }, (stream) => {
    seen.push(stream);
    resumed.push(stream.isSessionReused());
    stream.on('error', () => {});
    serveStream(stream, state, () => {});
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const stream of seen) stream.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { port, seen, resumed, state };
}

test('tls: pipelined on one connection, whatever the client came with', async (t) => {
  const { port, seen, state } = await tlsServer(t);
  const { certPath } = certificateFiles(t);
  const { forward, events } = openForward(t, [endpoint(port, { transport: 'tls' })], {
    tls: { ...noTls, caPath: certPath },
  });
  for (const result of await askMany(forward, 20, 'udp')) {
    assertAnswered(result);
    assert.equal(result.transport, 'tls');
  }
  assert.equal(seen.length, 1);
  assert.equal(state.segments, 1);
  assert.equal(events.count(/^connectionOpened .* tcp-tls$/), 1);
});

test('tls: a name of the endpoint is verified and sent; one that is not in the certificate fails', async (t) => {
  const { port, seen } = await tlsServer(t);
  const { certPath } = certificateFiles(t);
  const ask = async (serverName: string) => {
    const { forward } = openForward(t, [endpoint(port, { transport: 'tls', serverName })], {
      tls: { ...noTls, caPath: certPath },
      maxFails: 0,
      maxConnectAttempts: 1,
    });
    return forward.exchange(queryFor('example.org.'), { transport: 'tcp' });
  };
  assertAnswered(await ask('dns.example.org'));
  assert.equal(seen[0]?.servername, 'dns.example.org');
  assert.match(errorText(failureOf(await ask('other.example.org'))), /altnames/);
});

test('tls: an unknown authority fails', async (t) => {
  const { port } = await tlsServer(t);
  const { forward } = openForward(t, [endpoint(port, { transport: 'tls' })], {
    maxFails: 0,
    maxConnectAttempts: 1,
  });
  const result = await forward.exchange(queryFor('example.org.'), { transport: 'tcp' });
  assert.match(errorText(failureOf(result)), /^dial tcp 127\.0\.0\.1:\d+: self-signed certificate/);
});

test('tls: a certificate of our own is shown', async (t) => {
  const { certPath, keyPath } = certificateFiles(t);
  const { port, seen } = await tlsServer(t, {}, { requestCert: true, ca: CERTIFICATE });
  const { forward } = openForward(t, [endpoint(port, { transport: 'tls' })], {
    tls: { caPath: certPath, certPath, keyPath, serverName: 'dns.example.org' },
  });
  assertAnswered(await forward.exchange(queryFor('example.org.'), { transport: 'tcp' }));
  assert.equal(seen[0]?.authorized, true);
});

test('tls: the next connection resumes the session', async (t) => {
  const { port, resumed } = await tlsServer(t, { closeAfter: 1 });
  const { certPath } = certificateFiles(t);
  const { forward } = openForward(t, [endpoint(port, { transport: 'tls' })], {
    tls: { ...noTls, caPath: certPath },
  });
  for (let index = 0; index < 3; index++) {
    assertAnswered(await forward.exchange(queryFor('example.org.'), { transport: 'tcp' }));
  }
  assert.deepEqual(resumed, [false, true, true]);
});

test('tls: replies octet by octet, and health checks over TLS', async (t) => {
  const { port, state } = await tlsServer(t, { splitOctets: true });
  const { certPath } = certificateFiles(t);
  const { forward, events } = openForward(t, [endpoint(port, { transport: 'tls' })], {
    tls: { ...noTls, caPath: certPath },
    readTimeoutMs: 100,
    healthCheckIntervalMs: 20,
  });
  assertAnswered(await forward.exchange(queryFor('example.org.'), { transport: 'tcp' }));
  state.behaviour = { replies: () => [] };
  const failed = events.next(/^reasked .* failed$/);
  const result = forward.exchange(queryFor('example.org.'), { transport: 'tcp' });
  await failed;
  state.behaviour = {};
  assertAnswered(await result);
  assert.equal(events.count(/^healthCheckFailed/), 0);
});

test('a certificate that cannot be read is told at once', (t) => {
  const missing = { ...noTls, caPath: '/nonexistent/ca.pem' };
  assert.throws(
    () => openForward(t, [endpoint(1, { transport: 'tls' })], { tls: missing }),
    /ENOENT/,
  );
});
