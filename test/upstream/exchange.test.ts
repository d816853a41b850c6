import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertAnswered,
  clock,
  failureOf,
  openForward,
  openServer,
  passed,
} from './support-forward.ts';
import { blackHole, deadPort, nameOf, queryFor, replyTo } from './support-server.ts';

const tcp = { transport: 'tcp' } as const;
const udp = { transport: 'udp' } as const;

// They spend their time waiting: together.
describe('exchange', { concurrency: true }, () => {
  for (const asked of [udp, tcp]) {
    test(`a late query is asked again, the first answer wins (${asked.transport})`, async (t) => {
      let isFirst = true;
      const { promise: isOver, resolve: release } = Promise.withResolvers<void>();
      const server = await openServer(t, {
        heldFor: (query) => {
          if (!isFirst || !nameOf(query).startsWith('late.')) return undefined;
          isFirst = false;
          return isOver;
        },
      });
      const { forward, events } = openForward(t, [server]);
      assertAnswered(await forward.exchange(queryFor('example.org.'), asked));
      const startedAt = performance.now();
      assertAnswered(await forward.exchange(queryFor('late.example.org.'), asked));
      const elapsedMs = performance.now() - startedAt;
      release();
      assert(elapsedMs >= 249, `${elapsedMs} ms`);
      // Twice where the machine is so busy that the second answer is late too.
      const again = events.count(/^reasked .* late$/);
      assert(again === 1 || again === 2, String(again));
      if (asked === tcp) assert.equal(server.accepted, 1 + again);
    });
  }

  test('a late query is asked again of another upstream where there is one', async (t) => {
    const silent = await openServer(t, { replies: () => [] });
    const good = await openServer(t);
    const { forward } = openForward(t, [silent, good]);
    const result = await forward.exchange(queryFor('example.org.'), tcp);
    assertAnswered(result);
    assert.equal(result.to, good.to);
  });

  test('a query is asked again for being late twice at most; over UDP the last one goes over TCP', async (t) => {
    const server = await openServer(t, {
      replies: (query, via) => (via === 'tcp' ? [replyTo(query)] : []),
    });
    const { forward, events } = openForward(t, [server], { maxFails: 0 });
    const result = await forward.exchange(queryFor('example.org.'), udp);
    assertAnswered(result);
    assert.equal(result.transport, 'tcp');
    assert.equal(events.count(/^reasked .* late$/), 2);
    assert.equal(server.count('udp'), 2);
  });

  test('late queries are asked again within a budget', async (t) => {
    const server = await openServer(t, {
      replies: (query) => (nameOf(query).startsWith('late.') ? [] : [replyTo(query)]),
    });
    const { forward, events } = openForward(t, [server], { maxFails: 0 });
    const asked = Array.from({ length: 400 }, () =>
      forward.exchange(queryFor('late.example.org.'), { ...tcp, deadlineMs: 700 }),
    );
    // It is slow with some names, and not silent.
    assertAnswered(await forward.exchange(queryFor('example.org.'), tcp));
    for (const result of await Promise.all(asked)) assert.equal(failureOf(result).code, 'timeout');
    const late = events.count(/^reasked .* late$/);
    assert(late >= 128 && late <= 128 + 80, String(late));
  });

  test('a silent upstream gets trials only, however many questions are late or come', async (t) => {
    const server = await openServer(t, { replies: () => [] });
    const { forward, events } = openForward(t, [server], { maxFails: 0 });
    const trial = events.next(/^reasked .* late$/);
    const late = Array.from({ length: 100 }, () =>
      forward.exchange(queryFor('late.example.org.'), { ...udp, deadlineMs: 1000 }),
    );
    await trial;
    // A thousand wait for it to answer somebody; beyond, the failure is there at once.
    const asked = Array.from({ length: 1500 }, () =>
      forward.exchange(queryFor('example.org.'), { ...udp, deadlineMs: 500 }),
    );
    const codes = (await Promise.all(asked)).map((result) => failureOf(result).code);
    assert.deepEqual(new Set(codes), new Set(['overloaded', 'timeout']));
    assert(codes.filter((code) => code === 'overloaded').length >= 1500 - 1024 - 7);
    await Promise.all(late);
    const questions = server.count('udp') + server.count('tcp');
    assert(questions >= 100 && questions < 100 + 7, String(questions));
  });

  test('what was late while all were silent is asked again as soon as one answers', async (t) => {
    let isSilent = true;
    const server = await openServer(t, {
      replies: (query) => (isSilent ? [] : [replyTo(query)]),
    });
    const { forward } = openForward(t, [server], { maxFails: 0 });
    const late = Array.from({ length: 100 }, () =>
      forward.exchange(queryFor('late.example.org.'), { ...tcp, deadlineMs: 3000 }),
    );
    await passed(1000);
    isSilent = false;
    const healedAtMs = clock.nowMs();
    for (const result of await Promise.all(late)) assertAnswered(result);
    // Well before the 2 s of `read_timeout`, by which both turns to be asked again had passed.
    const elapsedMs = clock.nowMs() - healedAtMs;
    assert(elapsedMs < 900, `${elapsedMs} ms`);
  });

  test('the deadline ends it, whatever is under way', async (t) => {
    const server = await openServer(t, { replies: () => [] });
    const { forward } = openForward(t, [server], { maxFails: 0 });
    const result = await forward.exchange(queryFor('example.org.'), { ...tcp, deadlineMs: 50 });
    assert.equal(failureOf(result).code, 'timeout');
  });

  test('a failed upstream: the next one is asked, and both count as asked again', async (t) => {
    const good = await openServer(t);
    for (const asked of [udp, tcp]) {
      const { forward, events } = openForward(t, [await deadPort(), good], { maxFails: 0 });
      const result = await forward.exchange(queryFor('example.org.'), asked);
      assertAnswered(result);
      assert.equal(result.to, good.to);
      assert.equal(events.count(/^reasked .* failed$/), 1);
    }
  });

  test('one black hole of two upstreams costs a quarter of a second, not the deadline', async (t) => {
    const hole = await blackHole();
    t.after(() => hole.close());
    const good = await openServer(t);
    const { forward } = openForward(t, [hole.port, good]);
    const result = await forward.exchange(queryFor('example.org.'), { ...tcp, deadlineMs: 900 });
    assertAnswered(result);
    assert.equal(result.to, good.to);
  });

  test('a refused upstream is not asked in a busy loop', async (t) => {
    const { forward, events } = openForward(t, [await deadPort()], { maxFails: 0 });
    const result = await forward.exchange(queryFor('example.org.'), { ...tcp, deadlineMs: 1000 });
    assert.equal(failureOf(result).code, 'refused');
    const attempts = events.count(/^connectionOpened/);
    assert(attempts >= 3 && attempts <= 7, String(attempts));
  });

  for (const attempts of [1, 10]) {
    test(`max_connect_attempts ${attempts}`, async (t) => {
      const ports = [await deadPort(), await deadPort()];
      const { forward, events } = openForward(t, ports, {
        maxFails: 0,
        maxConnectAttempts: attempts,
      });
      assert.equal(
        failureOf(await forward.exchange(queryFor('example.org.'), tcp)).code,
        'refused',
      );
      assert.equal(events.count(/^connectionOpened/), attempts);
    });
  }

  test('a server that comes back within the deadline answers', async (t) => {
    const server = await openServer(t, { refuse: true });
    const { forward, events } = openForward(t, [server], { maxFails: 0 });
    const failed = events.next(/^reasked .* failed$/);
    const result = forward.exchange(queryFor('example.org.'), tcp);
    await failed;
    server.behaviour = {};
    assertAnswered(await result);
  });

  test('failover RCODEs: the next upstream is asked, the last answer counts', async (t) => {
    const refusing = await openServer(t, { replies: (query) => [replyTo(query, { rcode: 5 })] });
    const failing = await openServer(t, { replies: (query) => [replyTo(query, { rcode: 2 })] });
    const good = await openServer(t);
    const failover = [2, 5];
    const first = openForward(t, [refusing, failing, good], { failover });
    const result = await first.forward.exchange(queryFor('example.org.'), udp);
    assertAnswered(result);
    assert.equal(result.to, good.to);
    const second = openForward(t, [refusing, failing], { failover });
    const last = await second.forward.exchange(queryFor('example.org.'), udp);
    assertAnswered(last);
    assert.equal(last.response[3]! & 0x0f, 2);
    const third = openForward(t, [refusing, good]);
    const plain = await third.forward.exchange(queryFor('example.org.'), udp);
    assertAnswered(plain);
    assert.equal(plain.to, refusing.to);
  });

  test('a query that makes the server close is not asked for ever', async (t) => {
    const server = await openServer(t, {
      replies: (query) => {
        if (!nameOf(query).startsWith('poison.')) return [replyTo(query)];
        server.reset();
        return [];
      },
    });
    const { forward, events } = openForward(t, [server], { maxFails: 0 });
    const poisoned = forward.exchange(queryFor('poison.example.org.'), { ...tcp, deadlineMs: 600 });
    let isOver = false;
    const over = poisoned.then((result) => {
      isOver = true;
      assert(!result.ok);
    });
    while (!isOver) {
      assertAnswered(await forward.exchange(queryFor('good.example.org.'), tcp));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await over;
    const poison = server.queries.filter(({ name }) => name.startsWith('poison.'));
    assert(poison.length <= 8 + 6 + 2, String(poison.length));
    assert(events.count(/^reasked .* closed$/) <= 40);
  });
});
