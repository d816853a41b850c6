import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askMany, assertAnswered, failureOf, openForward, openServer } from './support-forward.ts';
import { queryFor } from './support-server.ts';

test('force_tcp over prefer_udp over what the client came with', async (t) => {
  const server = await openServer(t);
  const used = async (
    protocol: 'client' | 'force_tcp' | 'prefer_udp',
    transport: 'udp' | 'tcp',
  ) => {
    const { forward } = openForward(t, [server], { protocol });
    const result = await forward.exchange(queryFor('example.org.'), { transport });
    assertAnswered(result);
    return result.transport;
  };
  assert.equal(await used('client', 'udp'), 'udp');
  assert.equal(await used('client', 'tcp'), 'tcp');
  assert.equal(await used('force_tcp', 'udp'), 'tcp');
  assert.equal(await used('force_tcp', 'tcp'), 'tcp');
  assert.equal(await used('prefer_udp', 'udp'), 'udp');
  assert.equal(await used('prefer_udp', 'tcp'), 'udp');
});

test('round_robin spreads over the upstreams', async (t) => {
  const servers = [await openServer(t), await openServer(t), await openServer(t)];
  const { forward } = openForward(t, servers, { policy: 'round_robin' });
  for (const result of await askMany(forward, 30, 'udp')) assertAnswered(result);
  assert.deepEqual(
    servers.map(({ queries }) => queries.length),
    [10, 10, 10],
  );
});

test('max_concurrent', async (t) => {
  const server = await openServer(t);
  const { forward, events } = openForward(t, [server], { maxConcurrent: 2 });
  const results = await askMany(forward, 3);
  assertAnswered(results[0]!);
  assertAnswered(results[1]!);
  assert.deepEqual(failureOf(results[2]!), { code: 'max_concurrent', maximum: 2 });
  assert.equal(events.count(/^maxConcurrentRejected/), 1);
  assertAnswered(await forward.exchange(queryFor('example.org.'), { transport: 'tcp' }));
});

test('each answer is reported with its RCODE and how long it took', async (t) => {
  const server = await openServer(t);
  const { forward, events } = openForward(t, [server]);
  assertAnswered(await forward.exchange(queryFor('example.org.'), { transport: 'udp' }));
  assert.equal(events.count(new RegExp(`^requestDone ${server.to} 0 0\\.\\d+$`)), 1);
  const [upstream] = forward.snapshot().upstreams;
  assert((upstream?.meanMs ?? 0) > 0);
  assert.equal(upstream?.outstanding, 0);
});

test('close lets what is under way end, then closes everything', async (t) => {
  const server = await openServer(t, { delayMs: () => 50 });
  const { forward } = openForward(t, [server]);
  const asked = [...(await Promise.all([askMany(forward, 2, 'udp')]))].flat();
  for (const result of asked) assertAnswered(result);
  const late = askMany(forward, 5);
  const closing = forward.close();
  assert.equal(forward.close(), closing);
  const refused = await forward.exchange(queryFor('example.org.'), { transport: 'tcp' });
  assert.equal(failureOf(refused).code, 'closed');
  for (const result of await late) assertAnswered(result);
  await closing;
  const [upstream] = forward.snapshot().upstreams;
  assert.equal(upstream?.connections, 0);
  assert.equal(upstream?.udpSockets, 0);
});

test('close with a silent upstream is bounded by the deadline', async (t) => {
  const server = await openServer(t, { replies: () => [] });
  const { forward } = openForward(t, [server]);
  const asked = forward.exchange(queryFor('example.org.'), { transport: 'tcp', deadlineMs: 60 });
  await forward.close();
  assert.equal(failureOf(await asked).code, 'timeout');
});
