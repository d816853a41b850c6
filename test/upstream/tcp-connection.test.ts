import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorText } from '../../src/upstream/failure.ts';
import { pauseAtLeast } from '../support/pause.ts';
import { askMany, assertAnswered, failureOf, openForward, openServer } from './support-forward.ts';
import { blackHole, deadPort, nameOf, queryFor, replyTo } from './support-server.ts';

const tcp = { transport: 'tcp' } as const;

test('the queries of one turn leave in one segment and their replies are told apart', async (t) => {
  const server = await openServer(t, { gather: 10 });
  const { forward, events } = openForward(t, [server]);
  const results = await askMany(forward, 10);
  results.forEach((result, index) => {
    assertAnswered(result);
    assert.equal(nameOf(Buffer.from(result.response)), `q${index}.example.org.`);
    assert.equal(result.to, server.to);
    assert.equal(result.transport, 'tcp');
  });
  assert.equal(server.accepted, 1);
  assert.equal(server.segments, 1);
  assert.equal(events.count(/^segmentWritten .* 10 /), 1);
  assert.equal(events.count(/^segmentRead .* 10 /), 1);
  assert.equal(events.count(/^connectionOpened .* tcp$/), 1);
  assert.equal(events.count(/^connectionReused .* tcp$/), 9);
});

test("the caller's query stays as it is, each question has an id of its own", async (t) => {
  const server = await openServer(t);
  const { forward } = openForward(t, [server]);
  const query = queryFor('example.org.');
  const copy = Buffer.from(query);
  await Promise.all(Array.from({ length: 50 }, () => forward.exchange(query, tcp)));
  assert.deepEqual(query, copy);
  const ids = new Set(server.queries.map(({ message }) => message.readUInt16BE(0)));
  assert.equal(ids.size, 50);
  for (const { message } of server.queries) assert.deepEqual(message.subarray(2), copy.subarray(2));
});

test('replies may come in any order', async (t) => {
  const server = await openServer(t, {
    delayMs: (query) => (nameOf(query) === 'q0.example.org.' ? 60 : 0),
  });
  const { forward } = openForward(t, [server]);
  const order: string[] = [];
  const ask = async (name: string) => {
    assertAnswered(await forward.exchange(queryFor(name), tcp));
    order.push(name);
  };
  await Promise.all(['q0.example.org.', 'q1.example.org.'].map(ask));
  assert.deepEqual(order, ['q1.example.org.', 'q0.example.org.']);
  assert.equal(server.accepted, 1);
});

test('replies may come octet by octet', async (t) => {
  const server = await openServer(t, { splitOctets: true, inOrder: true });
  const { forward } = openForward(t, [server]);
  for (const result of await askMany(forward, 5)) assertAnswered(result);
});

test('doubled replies and unknown ids are ignored', async (t) => {
  const server = await openServer(t, {
    replies: (query) => {
      const stray = replyTo(query);
      stray.writeUInt16BE(query.readUInt16BE(0) ^ 0x1234, 0);
      return [stray, replyTo(query), replyTo(query)];
    },
  });
  const { forward, events } = openForward(t, [server]);
  for (const result of await askMany(forward, 3)) assertAnswered(result);
  assertAnswered(await forward.exchange(queryFor('last.example.org.'), tcp));
  assert.equal(server.accepted, 1);
  assert(events.count(/^replyIgnored .* mismatch$/) >= 3);
});

test('a reply with another question is malformed, and no time is lost over it', async (t) => {
  const other = queryFor('other.example.org.');
  const server = await openServer(t, {
    replies: (query) => {
      const reply = replyTo(other);
      reply.writeUInt16BE(query.readUInt16BE(0), 0);
      return [reply];
    },
  });
  const { forward } = openForward(t, [server], { maxFails: 0 });
  const result = await forward.exchange(queryFor('example.org.'), tcp);
  assert.equal(failureOf(result).code, 'malformed');
  assert.equal(server.queries.length, 1);
});

test('a frame too short for a header ends the connection', async (t) => {
  const server = await openServer(t, { replies: () => [Buffer.alloc(3)] });
  const { forward } = openForward(t, [server], { maxFails: 0 });
  assert.equal(failureOf(await forward.exchange(queryFor('example.org.'), tcp)).code, 'malformed');
  assert.equal(forward.snapshot().upstreams[0]?.connections, 0);
});

test('a port where nobody listens is refused, in the words of Go', async (t) => {
  const port = await deadPort();
  const { forward } = openForward(t, [port], { maxConnectAttempts: 1, maxFails: 0 });
  const failure = failureOf(await forward.exchange(queryFor('example.org.'), tcp));
  assert.equal(errorText(failure), `dial tcp 127.0.0.1:${port}: connect: connection refused`);
});

test('a dial that gets no answer is given up, for all that wait for it; another is tried meanwhile', async (t) => {
  const hole = await blackHole();
  t.after(() => hole.close());
  const { forward, events } = openForward(t, [hole.port], { maxConnectAttempts: 1, maxFails: 0 });
  const results = await askMany(forward, 20);
  for (const result of results) {
    const failure = failureOf(result);
    assert.equal(errorText(failure), `dial tcp 127.0.0.1:${hole.port}: i/o timeout`);
  }
  // The first, and trials: seven in the first second, four in the next.
  assert(events.count(/^connectionOpened/) <= 12);
});

test('a stream that falls silent is dropped and its queries asked elsewhere', async (t) => {
  let isSilent = true;
  const server = await openServer(t, {
    replies: (query) => (isSilent ? [] : [replyTo(query)]),
  });
  const { forward, events } = openForward(t, [server], { readTimeoutMs: 200, maxFails: 0 });
  const dropped = events.next(/^reasked .* failed$/);
  const result = forward.exchange(queryFor('example.org.'), tcp);
  await dropped;
  isSilent = false;
  assertAnswered(await result);
  assert(server.accepted >= 2);
});

test('an idle stream is closed after `expire`', async (t) => {
  const server = await openServer(t);
  const { forward } = openForward(t, [server], { expireMs: 50 });
  assertAnswered(await forward.exchange(queryFor('example.org.'), tcp));
  const [stream] = server.streams;
  await new Promise((resolve) => stream?.on('close', resolve));
  assert.equal(forward.snapshot().upstreams[0]?.connections, 0);
  assertAnswered(await forward.exchange(queryFor('example.org.'), tcp));
  assert.equal(server.accepted, 2);
});

test('a stream older than `max_age` takes no more queries', async (t) => {
  const server = await openServer(t);
  const { forward } = openForward(t, [server], { maxAgeMs: 1 });
  for (let index = 0; index < 3; index++) {
    assertAnswered(await forward.exchange(queryFor('example.org.'), tcp));
    await pauseAtLeast(2);
  }
  assert.equal(server.accepted, 3);
});
