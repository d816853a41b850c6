import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorText } from '../../src/upstream/failure.ts';
import { askMany, assertAnswered, failureOf, openForward, openServer } from './support-forward.ts';
import { deadPort, nameOf, queryFor, replyTo } from './support-server.ts';

const udp = { transport: 'udp' } as const;

test('many queries are in flight and their replies told apart, in any order', async (t) => {
  const server = await openServer(t, { delayMs: () => Math.random() * 20 });
  const { forward } = openForward(t, [server]);
  const results = await askMany(forward, 100, 'udp');
  results.forEach((result, index) => {
    assertAnswered(result);
    assert.equal(nameOf(Buffer.from(result.response)), `q${index}.example.org.`);
    assert.equal(result.transport, 'udp');
  });
  assert.equal(server.count('tcp'), 0);
  assert.equal(server.count('udp'), 100);
});

test('TC: the same question over TCP, whose answer is the result', async (t) => {
  const server = await openServer(t, {
    replies: (query, via) => [replyTo(query, { tc: via === 'udp' })],
  });
  const { forward, events } = openForward(t, [server]);
  const result = await forward.exchange(queryFor('example.org.'), udp);
  assertAnswered(result);
  assert.equal(result.transport, 'tcp');
  assert.equal(result.response[2]! & 0x02, 0);
  assert.deepEqual(
    server.queries.map(({ via, name }) => `${via} ${name}`),
    ['udp example.org.', 'tcp example.org.'],
  );
  assert.equal(events.count(/^reasked .* truncated$/), 1);
});

test('TC and no TCP: the truncated answer is better than none', async (t) => {
  const server = await openServer(t, {
    refuse: true,
    replies: (query) => [replyTo(query, { tc: true })],
  });
  const { forward } = openForward(t, [server], { maxFails: 0 });
  const result = await forward.exchange(queryFor('example.org.'), udp);
  assertAnswered(result);
  assert.equal(result.response[2]! & 0x02, 0x02);
});

test('replies with a wrong id or question are ignored and counted', async (t) => {
  const other = replyTo(queryFor('other.example.org.'));
  const server = await openServer(t, {
    replies: (query) => {
      const wrongId = replyTo(query);
      wrongId.writeUInt16BE(query.readUInt16BE(0) ^ 1, 0);
      const wrongQuestion = Buffer.from(other);
      query.copy(wrongQuestion, 0, 0, 2);
      const isQuery = Buffer.from(replyTo(query));
      isQuery[2]! &= 0x7f;
      return [wrongId, wrongQuestion, isQuery, Buffer.alloc(5), replyTo(query)];
    },
  });
  const { forward, events } = openForward(t, [server]);
  assertAnswered(await forward.exchange(queryFor('example.org.'), udp));
  assert.equal(events.count(/^replyIgnored .* mismatch$/), 4);
  assert.equal(server.count('tcp'), 0);
});

test('eight replies that match nothing: the socket is closed and its queries go over TCP', async (t) => {
  const server = await openServer(t, {
    replies: (query, via) => {
      if (via === 'tcp') return [replyTo(query)];
      return Array.from({ length: 8 }, (_, guess) => {
        const forged = replyTo(query);
        forged.writeUInt16BE((query.readUInt16BE(0) + 1 + guess) & 0xffff, 0);
        return forged;
      });
    },
  });
  const { forward, events } = openForward(t, [server]);
  const result = await forward.exchange(queryFor('example.org.'), udp);
  assertAnswered(result);
  assert.equal(result.transport, 'tcp');
  assert.equal(events.count(/^replyIgnored .* mismatch$/), 8);
  assert.equal(events.count(/^reasked .* mismatch$/), 1);
  assert.equal(forward.snapshot().upstreams[0]?.udpSockets, 0);
});

test('doubled replies are no forgeries', async (t) => {
  const server = await openServer(t, { replies: (query) => [replyTo(query), replyTo(query)] });
  const { forward, events } = openForward(t, [server]);
  for (let round = 0; round < 20; round++) {
    for (const result of await askMany(forward, 10, 'udp')) assertAnswered(result);
  }
  assert.equal(events.count(/mismatch$/), 0);
  assert.equal(server.count('tcp'), 0);
});

test('a dead port is told by ICMP, in the words of Go', async (t) => {
  const port = await deadPort();
  const { forward } = openForward(t, [port], { maxConnectAttempts: 1, maxFails: 0 });
  const failure = failureOf(await forward.exchange(queryFor('example.org.'), udp));
  assert.match(
    errorText(failure),
    new RegExp(
      `^read udp 127\\.0\\.0\\.1:\\d+->127\\.0\\.0\\.1:${port}: read: connection refused$`,
    ),
  );
});

test('silence is an i/o timeout', async (t) => {
  const server = await openServer(t, { replies: () => [] });
  const { forward } = openForward(t, [server], {
    maxConnectAttempts: 1,
    maxFails: 0,
    readTimeoutMs: 100,
  });
  const failure = failureOf(await forward.exchange(queryFor('example.org.'), udp));
  assert.match(errorText(failure), /^read udp 127\.0\.0\.1:\d+->127\.0\.0\.1:\d+: i\/o timeout$/);
});

test('a source_address that is not ours is an error of the socket', async (t) => {
  const { forward } = openForward(t, [await deadPort()], {
    maxFails: 0,
    maxConnectAttempts: 1,
    sourceAddress: '192.0.2.77',
  });
  const failure = failureOf(await forward.exchange(queryFor('example.org.'), udp));
  assert.match(errorText(failure), /^dial udp 127\.0\.0\.1:\d+: bind EADDRNOTAVAIL/);
});

test('source_address is the address that questions come from', async (t) => {
  const server = await openServer(t);
  const { forward } = openForward(t, [server], { sourceAddress: '127.0.0.1' });
  assertAnswered(await forward.exchange(queryFor('example.org.'), udp));
  assertAnswered(await forward.exchange(queryFor('example.org.'), { transport: 'tcp' }));
});
