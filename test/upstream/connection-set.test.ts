import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import type { UpstreamResult } from '../../src/upstream/failure.ts';
import type { Forward } from '../../src/upstream/forward.ts';
import {
  askMany,
  assertAnswered,
  failureOf,
  openForward,
  openServer,
  passed,
} from './support-forward.ts';
import { blackHole, deadPort, nameOf, queryFor, type TestServer } from './support-server.ts';

const tcp = { transport: 'tcp' } as const;

/** The answer to names that begin with `slow.` waits until it is released. */
function slowName() {
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const heldFor = (query: Buffer) => {
    if (!nameOf(query).startsWith('slow.')) return undefined;
    asked.resolve();
    return released.promise;
  };
  return { heldFor, asked: asked.promise, release: released.resolve };
}

/** A query behind it would be asked again elsewhere in time, and answered: the stream tells. */
function assertLastOfItsStream(server: TestServer, name: string) {
  const { from } = server.queries.find((query) => query.name === name)!;
  assert.equal(server.queries.findLast((query) => query.from === from)?.name, name);
}

for (const closeWith of ['fin', 'rst'] as const) {
  for (const limit of [1, 100, 128]) {
    test(`a server that closes after ${limit} with ${closeWith}: nobody sees it`, async (t) => {
      const server = await openServer(t, { closeAfter: limit, closeWith });
      const { forward, events } = openForward(t, [server], { maxFails: 0 });
      for (let round = 0; round < 6; round++) {
        for (const result of await askMany(forward, 150)) assertAnswered(result);
      }
      assert.equal(events.count(/^reasked .* failed$/), 0);
    });
  }

  test(`the limit is learnt, then kept (${closeWith})`, async (t) => {
    const server = await openServer(t, { closeAfter: 10, closeWith });
    const { forward, events } = openForward(t, [server], { maxFails: 0 });
    for (let index = 0; index < 25; index++) {
      assertAnswered(await forward.exchange(queryFor('example.org.'), tcp));
    }
    assert.equal(forward.snapshot().upstreams[0]?.queryLimit, 10);
    const reasked = events.count(/^reasked/);
    for (const result of await askMany(forward, 200)) assertAnswered(result);
    // 20 connections, filled to ten each: none is overfilled.
    assert.equal(events.count(/^reasked/), reasked);
  });
}

test('the limit is unlearnt when the server takes more', async (t) => {
  const server = await openServer(t, { closeAfter: 1 });
  const { forward } = openForward(t, [server], { maxFails: 0 });
  for (let index = 0; index < 4; index++) {
    assertAnswered(await forward.exchange(queryFor('example.org.'), tcp));
  }
  assert.equal(forward.snapshot().upstreams[0]?.queryLimit, 1);
  delete server.behaviour.closeAfter;
  for (let index = 0; index < 100; index++) {
    assertAnswered(await forward.exchange(queryFor('example.org.'), tcp));
  }
  assert.equal(forward.snapshot().upstreams[0]?.queryLimit, undefined);
});

test('a server that closes idle connections teaches nothing and costs nothing', async (t) => {
  const server = await openServer(t);
  const { forward, events } = openForward(t, [server], { maxFails: 0 });
  for (let round = 0; round < 2; round++) {
    for (const result of await askMany(forward, 3)) assertAnswered(result);
    await passed(600);
    const [stream] = server.streams;
    stream?.end();
    await new Promise((resolve) => stream?.on('close', resolve));
  }
  assert.equal(forward.snapshot().upstreams[0]?.queryLimit, undefined);
  assert.equal(events.count(/^reasked/), 0);
});

test('a server that accepts and closes at once uses up the failures', async (t) => {
  const server = await openServer(t, { refuse: true });
  const { forward } = openForward(t, [server], { maxFails: 0, maxConnectAttempts: 3 });
  const failure = failureOf(await forward.exchange(queryFor('example.org.'), tcp));
  assert(['eof', 'reset'].includes(failure.code), failure.code);
  assert.equal(server.accepted, 3);
});

test('a slow name holds up only what was sent just behind it', async (t) => {
  const slow = slowName();
  const server = await openServer(t, { inOrder: true, heldFor: slow.heldFor });
  const { forward } = openForward(t, [server]);
  assertAnswered(await forward.exchange(queryFor('first.example.org.'), tcp));
  const held = forward.exchange(queryFor('slow.example.org.'), tcp);
  await slow.asked;
  for (const result of await askMany(forward, 20)) assertAnswered(result);
  assertLastOfItsStream(server, 'slow.example.org.');
  slow.release();
  assertAnswered(await held);
  assert(server.accepted >= 2);
});

test('behind a server that is slow and answers in order, a query waits for no other', async (t) => {
  const slow = slowName();
  const server = await openServer(t, {
    inOrder: true,
    delayMs: () => 20,
    heldFor: slow.heldFor,
  });
  const { forward } = openForward(t, [server]);
  for (let index = 0; index < 3; index++) await forward.exchange(queryFor('first.test.'), tcp);
  const held = forward.exchange(queryFor('slow.example.org.'), tcp);
  await slow.asked;
  for (const result of await askMany(forward, 20)) assertAnswered(result);
  const { connections } = forward.snapshot().upstreams[0]!;
  assertLastOfItsStream(server, 'slow.example.org.');
  slow.release();
  assertAnswered(await held);
  assert(connections >= 4 && connections <= 22, String(connections));
});

test('of one turn, four connections at most are taken behind a server that is slow', async (t) => {
  const server = await openServer(t, { delayMs: () => 20 });
  const { forward } = openForward(t, [server]);
  for (let index = 0; index < 3; index++) await forward.exchange(queryFor('first.test.'), tcp);
  for (const result of await askMany(forward, 40)) assertAnswered(result);
  assert.equal(server.accepted, 4);
});

/** Asks for `names` in turns of four, each in a segment of its own. */
async function askTurns(forward: Forward, server: TestServer, names: readonly string[]) {
  const asked: Promise<UpstreamResult>[] = [];
  for (let index = 0; index < names.length; index += 4) {
    const before = server.queries.length;
    const turn = names.slice(index, index + 4);
    asked.push(...turn.map((name) => forward.exchange(queryFor(name), tcp)));
    while (server.queries.length < before + turn.length) await new Promise(setImmediate);
  }
  return asked;
}

function namesOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}.example.org.`);
}

/** A forward that has met its server, and a clock that stands still until it is told otherwise. */
async function openQuick(t: TestContext, { heldFor, release }: ReturnType<typeof slowName>) {
  let nowMs = systemClock.nowMs();
  // What a test that failed has left ends at its deadline.
  t.after(() => {
    release();
    nowMs += 60_000;
  });
  const server = await openServer(t, { inOrder: true, heldFor });
  const clock = { nowMs: () => nowMs };
  const { forward } = openForward(t, [server], {}, undefined, clock);
  assertAnswered(await forward.exchange(queryFor('first.example.org.'), tcp));
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { server, forward, pass };
}

test('in a storm, a pause of a server that is quick opens four connections', {
  timeout: 20_000,
}, async (t) => {
  const slow = slowName();
  const { server, forward, pass } = await openQuick(t, slow);
  const asked = await askTurns(forward, server, namesOf('slow.', 80));
  pass(5);
  asked.push(...(await askTurns(forward, server, namesOf('slow.later', 80))));
  slow.release();
  for (const result of await Promise.all(asked)) assertAnswered(result);
  assert.equal(server.accepted, 4);
});

test('a few names that are slow, each asked on its own, share nothing', {
  timeout: 20_000,
}, async (t) => {
  const slow = slowName();
  const { server, forward } = await openQuick(t, slow);
  const names = namesOf('slow.', 6);
  const held: Promise<UpstreamResult>[] = [];
  for (const name of names) held.push(...(await askTurns(forward, server, [name])));
  held.push(...(await askTurns(forward, server, namesOf('quick', 20))));
  for (const name of names) assertLastOfItsStream(server, name);
  slow.release();
  for (const result of await Promise.all(held)) assertAnswered(result);
});

test('in a storm, nothing follows slow names that have waited for long', {
  timeout: 20_000,
}, async (t) => {
  const slow = slowName();
  const { server, forward, pass } = await openQuick(t, slow);
  const held = await askTurns(forward, server, namesOf('slow.', 16));
  pass(20);
  held.push(...(await askTurns(forward, server, namesOf('quick', 4))));
  assert.equal(server.accepted, 5);
  slow.release();
  for (const result of await Promise.all(held)) assertAnswered(result);
});

test('in a storm, nothing follows slow names that others have overtaken', {
  timeout: 20_000,
}, async (t) => {
  const slow = slowName();
  const { server, forward, pass } = await openQuick(t, slow);
  const held = await askTurns(forward, server, namesOf('slow.', 12));
  pass(1);
  for (const result of await askMany(forward, 4)) assertAnswered(result);
  held.push(...(await askTurns(forward, server, namesOf('slow.again', 4))));
  held.push(...(await askTurns(forward, server, namesOf('quick', 4))));
  assert.equal(server.accepted, 5);
  slow.release();
  for (const result of await Promise.all(held)) assertAnswered(result);
});

test('a server that answers out of order keeps its one connection', async (t) => {
  const server = await openServer(t, {
    delayMs: (query) => (nameOf(query).startsWith('slow.') ? 100 : 1),
  });
  const { forward } = openForward(t, [server]);
  const slow = forward.exchange(queryFor('slow.example.org.'), tcp);
  for (let index = 0; index < 5; index++) await askMany(forward, 5);
  await slow;
  for (let index = 0; index < 5; index++) await askMany(forward, 5);
  assert.equal(server.accepted, 1);
});

test('dials at a time and the queue behind them are bounded, what is beyond fails at once', async (t) => {
  const hole = await blackHole();
  t.after(() => hole.close());
  const { forward, events } = openForward(t, [hole.port], { maxFails: 0 });
  const asked = Array.from({ length: 5000 }, () =>
    forward.exchange(queryFor('example.org.'), { ...tcp, deadlineMs: 600 }),
  );
  const [upstream] = forward.snapshot().upstreams;
  assert.equal(upstream?.connections, 4);
  assert.equal(upstream?.outstanding, 4 * 64);
  assert.equal(upstream?.queued, 4096);
  const room = 4 * 64 + 4096;
  const failures = (await Promise.all(asked)).map((result) => failureOf(result).code);
  assert.equal(failures.filter((code) => code === 'overloaded').length, 5000 - room);
  assert(events.count(/^overloaded/) >= 5000 - room);
  assert.equal(forward.snapshot().exchanges, 0);
});

test('connections are bounded', async (t) => {
  const server = await openServer(t, { replies: () => [] });
  const { forward } = openForward(t, [server], { maxFails: 0 });
  const asked = Array.from({ length: 4300 }, () =>
    forward.exchange(queryFor('example.org.'), { ...tcp, deadlineMs: 600 }),
  );
  await Promise.all(asked);
  assert.equal(server.accepted, 64);
});

test('a dial that is refused takes the queue with it: what waits is not dialled for', async (t) => {
  const { forward, events } = openForward(t, [await deadPort()], { maxFails: 0 });
  const asked = Array.from({ length: 4000 }, () =>
    forward.exchange(queryFor('example.org.'), { ...tcp, deadlineMs: 1000 }),
  );
  await Promise.all(asked);
  const dials = events.count(/^connectionOpened/);
  // Four at first, then trials: seven a second at most.
  assert(dials <= 4 + 7, `${dials} dials`);
});

test('what waits in the queue is asked when connections have room again', async (t) => {
  const server = await openServer(t);
  const { forward } = openForward(t, [server]);
  const asked = askMany(forward, 4000);
  assert((forward.snapshot().upstreams[0]?.queued ?? 0) > 0);
  for (const result of await asked) assertAnswered(result);
  assert(server.accepted <= 64);
});

test('`max_idle_conns` bounds the streams that are kept', async (t) => {
  const server = await openServer(t, { delayMs: () => 5 });
  const { forward } = openForward(t, [server], { maxIdleConns: 2 });
  for (const result of await askMany(forward, 64 * 5)) assertAnswered(result);
  assert(server.accepted >= 5);
  assert.equal(forward.snapshot().upstreams[0]?.connections, 2);
});
