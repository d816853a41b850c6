import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TRIAL_PAUSE_MAX_MS } from '../../src/upstream/silence.ts';
import { until } from '../support/until.ts';
import { assertAnswered, failureOf, openForward, openServer, passed } from './support-forward.ts';
import { nameOf, queryFor, replyTo, TestServer } from './support-server.ts';

const udp = { transport: 'udp' } as const;
const quick = { healthCheckIntervalMs: 20, readTimeoutMs: 60 };

/** A server that leaves questions for example.org without an answer, and probes while `isDown()`. */
function deafTo(isDown: () => boolean, rcode = 0) {
  return (query: Buffer) =>
    isDown() || nameOf(query) === 'example.org.' ? [] : [replyTo(query, { rcode })];
}

function probes(server: TestServer, via: 'udp' | 'tcp', name = '.') {
  return server.queries.filter((query) => query.name === name && query.via === via);
}

test('nothing is probed while all is well', async (t) => {
  const server = await openServer(t);
  const { forward } = openForward(t, [server], { ...quick, readTimeoutMs: 10_000 });
  for (let index = 0; index < 10; index++) {
    assertAnswered(await forward.exchange(queryFor('example.org.'), udp));
  }
  assert.equal(probes(server, 'udp').length, 0);
});

test('an error is followed by one probe: . IN NS with RD; any response is healthy', async (t) => {
  const server = await openServer(t, { replies: deafTo(() => false, 5) });
  const { forward } = openForward(t, [server], quick);
  failureOf(await forward.exchange(queryFor('example.org.'), { ...udp, deadlineMs: 100 }));
  await until('the probe', () => probes(server, 'udp').length > 0);
  const [probe, ...more] = probes(server, 'udp');
  assert.deepEqual(more, []);
  assert.equal(
    probe?.message.toString('hex').slice(4),
    ['0100', '0001', '0000', '0000', '0000', '00', '0002', '0001'].join(''),
  );
  assert.equal(forward.snapshot().upstreams[0]?.fails, 0);
});

test('domain and no_rec', async (t) => {
  const server = await openServer(t, { replies: deafTo(() => false) });
  const { forward } = openForward(t, [server], {
    ...quick,
    healthCheckDomain: 'health.example.org.',
    healthCheckRecursionDesired: false,
  });
  failureOf(await forward.exchange(queryFor('example.org.'), { ...udp, deadlineMs: 100 }));
  await until('the probe', () => probes(server, 'udp', 'health.example.org.').length > 0);
  const [probe] = probes(server, 'udp', 'health.example.org.');
  assert.equal(probe?.message.readUInt16BE(2), 0);
});

test('force_tcp: the probe goes over TCP', async (t) => {
  const server = await openServer(t, { replies: deafTo(() => false) });
  const { forward } = openForward(t, [server], { ...quick, protocol: 'force_tcp' });
  failureOf(await forward.exchange(queryFor('example.org.'), { ...udp, deadlineMs: 2000 }));
  await until('the probe', () => probes(server, 'tcp').length > 0);
  assert.equal(probes(server, 'udp').length, 0);
});

test('max_fails 0: never down, never probed', async (t) => {
  const server = await openServer(t, { replies: () => [] });
  const { forward } = openForward(t, [server], { ...quick, maxFails: 0 });
  failureOf(await forward.exchange(queryFor('example.org.'), { ...udp, deadlineMs: 200 }));
  assert.equal(probes(server, 'udp').length, 0);
  assert.equal(forward.snapshot().upstreams[0]?.healthy, true);
});

test('down once more than max_fails probes failed, up again with the first answer', async (t) => {
  const server = await openServer(t, { replies: () => [] });
  const { forward, events } = openForward(t, [server], { ...quick, maxFails: 1 });
  const port = server.port;
  await server.close();
  failureOf(await forward.exchange(queryFor('example.org.'), { ...udp, deadlineMs: 20 }));
  while (forward.snapshot().upstreams[0]?.healthy !== false) {
    await events.next(/^healthCheckFailed/);
  }
  assert.equal(forward.snapshot().upstreams[0]?.fails, 2);
  // All are down: one is tried, once, and only now and then; others hear of it without.
  const startedFrom = events.count(/^healthCheckBroken/);
  await passed(TRIAL_PAUSE_MAX_MS);
  const asked = Array.from({ length: 3 }, () => forward.exchange(queryFor('example.org.'), udp));
  const codes = (await Promise.all(asked)).map((result) => failureOf(result).code);
  assert.deepEqual(codes, ['refused', 'no_healthy_upstream', 'no_healthy_upstream']);
  assert.equal(events.count(/^healthCheckBroken/), startedFrom + 3);
  const again = await TestServer.startAt(port);
  t.after(() => again.close());
  await until('the answer to a probe', () => forward.snapshot().upstreams[0]?.healthy);
  assertAnswered(await forward.exchange(queryFor('example.org.'), udp));
});

test('failfast_all_unhealthy_upstreams: nothing is asked', async (t) => {
  const server = await openServer(t, { replies: () => [] });
  const { forward, events } = openForward(t, [server], {
    ...quick,
    maxFails: 1,
    failfastAllUnhealthy: true,
  });
  await server.close();
  failureOf(await forward.exchange(queryFor('example.org.'), { ...udp, deadlineMs: 20 }));
  while (forward.snapshot().upstreams[0]?.healthy !== false) {
    await events.next(/^healthCheckFailed/);
  }
  const failure = failureOf(await forward.exchange(queryFor('example.org.'), udp));
  assert.equal(failure.code, 'no_healthy_upstream');
});

test('an upstream that is down is passed over', async (t) => {
  const dead = await openServer(t, { replies: () => [] });
  const good = await openServer(t);
  const { forward, events } = openForward(t, [dead, good], { ...quick, maxFails: 1 });
  const from = dead.to;
  await dead.close();
  assertAnswered(await forward.exchange(queryFor('example.org.'), udp));
  while (forward.snapshot().upstreams[0]?.healthy !== false) {
    await events.next(/^healthCheckFailed/);
  }
  const asked = events.count(new RegExp(`^connection(Opened|Reused) ${from}`));
  for (let index = 0; index < 5; index++) {
    assertAnswered(await forward.exchange(queryFor('example.org.'), udp));
  }
  assert.equal(events.count(new RegExp(`^connection(Opened|Reused) ${from}`)), asked);
});

test('a check has its own second, however short read_timeout is', async (t) => {
  const server = await openServer(t, {
    replies: deafTo(() => false),
    delayMs: (query) => (nameOf(query) === 'example.org.' ? 0 : 200),
  });
  const { forward, events } = openForward(t, [server], { ...quick, protocol: 'force_tcp' });
  failureOf(await forward.exchange(queryFor('example.org.'), { ...udp, deadlineMs: 2000 }));
  await until('the answer to a probe', () => events.count(/^segmentRead/) > 0);
  assert.equal(events.count(/^healthCheckFailed/), 0);
});
