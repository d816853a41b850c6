import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/until.ts';
import { askMany, assertAnswered, failureOf, openForward, openServer } from './support-forward.ts';
import { queryFor } from './support-server.ts';

test('questions come from several ports, which are drawn by chance', async (t) => {
  const server = await openServer(t);
  const { forward } = openForward(t, [server]);
  for (const result of await askMany(forward, 200, 'udp')) assertAnswered(result);
  assert.equal(new Set(server.queries.map(({ from }) => from)).size, 8);
});

test('sockets are replaced after `expire`', async (t) => {
  const server = await openServer(t);
  const { forward } = openForward(t, [server], { expireMs: 20 });
  for (let round = 0; round < 3; round++) {
    for (const result of await askMany(forward, 200, 'udp')) assertAnswered(result);
    await until('all are closed', () => forward.snapshot().upstreams[0]?.udpSockets === 0);
  }
  assert(new Set(server.queries.map(({ from }) => from)).size > 16);
});

test('sockets are replaced after a number of queries', async (t) => {
  const server = await openServer(t);
  const { forward } = openForward(t, [server]);
  // In portions that the server's receive buffer holds.
  for (let round = 0; round < 350; round++) await askMany(forward, 100, 'udp');
  assert(new Set(server.queries.map(({ from }) => from)).size > 8);
  assert.equal(forward.snapshot().upstreams[0]?.outstanding, 0);
});

test('what is in flight is bounded, what is beyond fails at once', async (t) => {
  const server = await openServer(t, { replies: () => [] });
  const { forward, events } = openForward(t, [server], { maxFails: 0 });
  const asked = Array.from({ length: 5000 }, () =>
    forward.exchange(queryFor('example.org.'), { transport: 'udp', deadlineMs: 100 }),
  );
  assert.equal(forward.snapshot().upstreams[0]?.outstanding, 8 * 512);
  const codes = (await Promise.all(asked)).map((result) => failureOf(result).code);
  assert.equal(codes.filter((code) => code === 'overloaded').length, 5000 - 8 * 512);
  assert.equal(codes.filter((code) => code === 'timeout').length, 8 * 512);
  assert.equal(events.count(/^overloaded/), 5000 - 8 * 512);
});
