/**
 * `prefetch`: an entry that is asked for often is asked anew before it expires, and no client waits for that. With 90% and
 * a TTL of 5 s an entry is due from its first moment (CoreDNS rounds the percentage up to whole seconds).
 */
import assert from 'node:assert/strict';
import { FLAG, type QueryFields } from '../support/messages.ts';
import { addresses, bare } from '../support/scripted-replies.ts';
import { onEachBackend, type StagePorts, until } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => `
.:${dns} {
  bind 127.0.0.1
  cache {
    prefetch 1 1m 90%
  }
  forward . 127.0.0.1:${upstream}
}
rare.test:${dns} {
  bind 127.0.0.1
  cache {
    prefetch 3 1m 90%
  }
  forward . 127.0.0.1:${upstream}
}
followed.test:${dns} {
  bind 127.0.0.1
  log
  cache {
    prefetch 1 1m 90%
  }
  template IN A {
    answer "{{ .Name }} 5 IN CNAME target.followed.example."
  }
}
off.test:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream}
}`;

onEachBackend('prefetch', { corefile: COREFILE }, async (t, stage) => {
  await t.test('asks again while the clients get what is there', async () => {
    const name = 'popular.example.org';
    const refreshes = async () => (await stage.daemon.scrape()).sum('coredns_cache_prefetch_total');
    const before = await refreshes();
    stage.script(name, (query) => addresses(query, '192.0.2.1', 5));
    await stage.ask({ name });
    const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
    stage.script(name, async (query) => {
      await isReleased;
      return addresses(query, '192.0.2.2', 5);
    });
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        assert.deepEqual((await stage.ask({ name })).data('A'), ['192.0.2.1']);
      }),
    );
    await stage.whenAsked(name, 2);
    await until('a refresh', async () => (await refreshes()) > before);
    assert.equal((await refreshes()) - before, 1, 'one refresh for all hits');
    release();
    await until('the new answer', async () => {
      const [address] = (await stage.ask({ name })).data('A');
      return address === '192.0.2.2';
    });
  });

  await t.test('asks as the client did: DO, CD and RD', async () => {
    const name = 'signed.example.org';
    const query: QueryFields = { name, flags: FLAG.CD, edns: { dnssecOk: true } };
    stage.script(name, (query) => addresses(query, '192.0.2.1', 5));
    await stage.ask(query);
    await stage.ask(query);
    await stage.whenAsked(name, 2);
    const [first, second] = stage.asked(name).map(({ octets }) => octets.subarray(2));
    assert.deepEqual(first, second);
  });

  await t.test('a failed refresh takes nothing away', async () => {
    const name = 'failing.example.org';
    stage.script(name, (query) => addresses(query, '192.0.2.1', 5));
    await stage.ask({ name });
    stage.script(name, (query) => bare(query, 2));
    await stage.ask({ name });
    await stage.whenAsked(name, 2);
    assert.deepEqual((await stage.ask({ name })).data('A'), ['192.0.2.1']);
  });

  await t.test('waits for so many hits', async () => {
    const name = 'a.rare.test';
    stage.script(name, (query) => addresses(query, '192.0.2.1', 5));
    for (const _ of ['miss', 'first hit', 'second hit']) await stage.ask({ name });
    await stage.assertAsked(name, 1);
    await stage.ask({ name });
    await stage.whenAsked(name, 2);
  });

  await t.test('looks up what it leads to without touching the reply to the hit', async () => {
    const target = 'target.followed.example';
    stage.script(target, (query) => addresses(query, '192.0.2.1', 5));
    const refreshes = async () => (await stage.daemon.scrape()).sum('coredns_cache_prefetch_total');
    const before = await refreshes();
    for (const _ of ['miss', 'first hit', 'second hit']) {
      const { decoded } = await stage.ask({ name: 'a.followed.test', id: 0x1234 });
      assert.equal(decoded.id, 0x1234);
      assert.deepEqual(
        decoded.answers.map(({ name }) => name),
        ['a.followed.test', target],
      );
    }
    assert.ok((await refreshes()) > before, 'the target was found in the cache meanwhile');
  });

  await t.test('is off where the Corefile does not say so', async () => {
    const name = 'a.off.test';
    stage.script(name, (query) => addresses(query, '192.0.2.1', 5));
    for (const _ of ['miss', 'first hit', 'second hit', 'third hit']) await stage.ask({ name });
    await stage.assertAsked(name, 1);
  });
});
