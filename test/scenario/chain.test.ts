/**
 * The chain of a server block: what stands behind the cache is asked once and cached under the name that was asked; what stands
 * before it sees every answer, cached ones too; each is counted where it belongs.
 */
import assert from 'node:assert/strict';
import { UdpClient } from '../support/dns-client.ts';
import type { Reply } from '../support/messages.ts';
import { addresses, bare, negative } from '../support/scripted-replies.ts';
import { onEachBackend, type Stage, type StagePorts, ttlsOf, until } from './stage.ts';

const COREFILE = ({ dns, prometheus, upstream }: StagePorts) => `
(common) {
  bind 127.0.0.1
  errors
  prometheus 127.0.0.1:${prometheus}
  forward . 127.0.0.1:${upstream}
}
behind.test:${dns} {
  import common
  cache
  rewrite name old.behind.test new.behind.test
  rewrite edns0 local set 0xffee abcd
  hosts /nonexistent/hosts behind.test {
    192.0.2.77 host.behind.test
    fallthrough
  }
}
front.test:${dns} {
  import common
  dns64 {
    allow_ipv4
  }
  loadbalance
  cache
}
who.test:${dns} {
  bind 127.0.0.1
  whoami
}`;

const FOUR = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'];

function additionalAddress(reply: Reply): unknown {
  const [record] = reply.decoded.additionals;
  return record && 'data' in record ? [record.type, record.data] : undefined;
}

/** A function that compares a zone's series to a value. */
async function counts(stage: Stage, zone: string) {
  const scrape = await stage.daemon.scrape(stage.daemon.ports.prometheus);
  return (series: string, labels: Record<string, string>, expected: number) => {
    const key = series.startsWith('coredns_cache') ? 'zones' : 'zone';
    const actual = scrape.sum(series, { [key]: zone, ...labels });
    assert.equal(actual, expected, `${series} ${JSON.stringify(labels)}`);
  };
}

onEachBackend('stages behind the cache', { corefile: COREFILE }, async (t, stage) => {
  await t.test(
    'a rewritten name is asked once, and cached under the name that was asked',
    async () => {
      for (const _ of [1, 2]) {
        const reply = await stage.ask({ name: 'old.behind.test' });
        assert.deepEqual(reply.data('A'), ['192.0.2.1']);
        assert.equal(reply.decoded.answers[0]!.name, 'old.behind.test');
      }
      await stage.assertAsked('new.behind.test', 1);
      assert.equal(stage.asked('old.behind.test').length, 0);
    },
  );

  await t.test('the option that a rule sets goes to the upstream', async () => {
    await stage.ask({ name: 'options.behind.test' });
    const [query] = stage.asked('options.behind.test');
    const opt = query!.decoded.additionals!.find(({ type }) => type === 'OPT');
    assert.ok(opt && opt.type === 'OPT');
    assert.deepEqual(
      opt.options.map(({ code, data }) => [code, String(data)]),
      [[0xffee, 'abcd']],
    );
  });

  await t.test('a name of the hosts is nobody else’s', async () => {
    const reply = await stage.ask({ name: 'host.behind.test' });
    assert.deepEqual(reply.data('A'), ['192.0.2.77']);
    assert.equal(reply.hasFlag('AA'), true);
    assert.deepEqual((await stage.ask({ name: 'host.behind.test' })).data('A'), ['192.0.2.77']);
    assert.equal(stage.asked('host.behind.test').length, 0);
  });

  await t.test('responses are counted by the directive that wrote them', async () => {
    const check = await counts(stage, 'behind.test.');
    check('coredns_dns_responses_total', { plugin: 'forward' }, 2);
    check('coredns_dns_responses_total', { plugin: 'hosts' }, 1);
    check('coredns_dns_responses_total', { plugin: 'cache' }, 2);
    check('coredns_plugin_enabled', { name: 'hosts' }, 1);
    check('coredns_plugin_enabled', { name: 'rewrite' }, 1);
  });
});

onEachBackend('stages before the cache', { corefile: COREFILE }, async (t, stage) => {
  stage.script('many.front.test', (query) => addresses(query, FOUR, 60));
  stage.script('v4.front.test', (query) =>
    query.question.type === 'A'
      ? addresses(query, FOUR[0]!, 60)
      : negative(query, 0, 'front.test', 60),
  );
  stage.script('broken.front.test', (query) => bare(query, 2));

  await t.test('each reply has an order of its own, from one question upstream', async () => {
    const orders = new Set<string>();
    for (let count = 0; count < 60; count++) {
      const reply = await stage.ask({ name: 'many.front.test' });
      orders.add(reply.data('A').join());
      assert.deepEqual(reply.data('A').toSorted(), FOUR);
    }
    assert.ok(orders.size > 5, `${orders.size} orders`);
    await stage.assertAsked('many.front.test', 1);
  });

  await t.test('dns64 makes its answer of cached ones too', async () => {
    for (const _ of [1, 2]) {
      const reply = await stage.ask({ name: 'v4.front.test', type: 'AAAA' });
      assert.deepEqual(reply.data('AAAA'), ['64:ff9b::c000:201']);
      assert.ok(ttlsOf(reply)[0]! <= 60);
    }
    await stage.assertAsked('v4.front.test', 2);
    const direct = await stage.ask({ name: 'v4.front.test' });
    assert.equal(direct.hasFlag('AA'), true, 'it comes from the cache');
    await stage.assertAsked('v4.front.test', 2);
  });

  await t.test('over TCP as over UDP', async () => {
    const reply = await stage.askTcp({ name: 'v4.front.test', type: 'AAAA' });
    assert.deepEqual(reply.data('AAAA'), ['64:ff9b::c000:201']);
  });

  await t.test('a failure comes through', async () => {
    assert.equal((await stage.ask({ name: 'broken.front.test' })).rcode, 'SERVFAIL');
  });

  await t.test('identical questions at once are one upstream', async () => {
    const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
    stage.script('slow.front.test', async (query) => {
      await isReleased;
      return addresses(query, FOUR, 60);
    });
    const client = await UdpClient.open(stage.daemon.address);
    t.after(() => client.close());
    const coalesced = async () =>
      (await stage.daemon.scrape()).sum('zerohop_coalesced_queries_total');
    const before = await coalesced();
    const replies = Promise.all(
      Array.from({ length: 20 }, () => client.ask({ name: 'slow.front.test' })),
    );
    await until('all of them to wait', async () => (await coalesced()) - before === 19);
    release();
    for (const reply of await replies) assert.deepEqual(reply.data('A').toSorted(), FOUR);
    await stage.assertAsked('slow.front.test', 1);
  });

  await t.test('hits, misses and responses are counted once each', async () => {
    const check = await counts(stage, 'front.test.');
    // 60 and 20 for the orders; AAAA and A twice over UDP and once over TCP, A alone; one failure.
    check('coredns_cache_requests_total', {}, 60 + 20 + 6 + 1 + 1);
    check('coredns_cache_misses_total', {}, 1 + 20 + 2 + 1);
    check('coredns_dns_requests_total', {}, 60 + 20 + 3 + 1 + 1);
    const responses = (labels: Record<string, string>, expected: number) =>
      check('coredns_dns_responses_total', labels, expected);
    responses({}, 60 + 20 + 3 + 1 + 1);
    responses({ plugin: 'loadbalance' }, 60 + 20);
    responses({ plugin: 'dns64' }, 3);
    responses({ plugin: 'cache' }, 1);
    responses({ plugin: 'forward', rcode: 'SERVFAIL' }, 1);
    const scrape = await stage.daemon.scrape();
    assert.equal(scrape.sum('coredns_dns64_requests_translated_total'), 3);
  });
});

onEachBackend('whoami', { corefile: COREFILE }, async (t, stage) => {
  await t.test('each of two who ask at once gets its own address', async () => {
    const clients = await Promise.all([1, 2].map(() => UdpClient.open(stage.daemon.address)));
    for (const client of clients) t.after(() => client.close());
    const replies = await Promise.all(clients.map((client) => client.ask({ name: 'x.who.test' })));
    const ports = replies.map(({ decoded }) => {
      const srv = decoded.additionals.find(({ type }) => type === 'SRV');
      return (srv as { data: { port: number } }).data.port;
    });
    assert.equal(new Set(ports).size, 2);
    assert.deepEqual(replies.map(additionalAddress), [
      ['A', '127.0.0.1'],
      ['A', '127.0.0.1'],
    ]);
  });
});
