/**
 * A flood of names that nobody asked for before, half of them resolving and half not, against a cache of the smallest
 * capacity: the names in use stay. The daemon's own counters tell what was a hit.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { UdpClient } from '../support/dns-client.ts';
import { addresses, negative } from '../support/scripted-replies.ts';
import { ScriptedUpstream, type UpstreamQuery } from '../support/scripted-upstream.ts';

/** The least that `success` and `denial` may be. */
const CAPACITY = 1024;
const HOT_NAMES = 200;
const FLOOD_NAMES = 9000;
/** Queries that are under way together: 3 hot ones in 48. So 1,500 of each kind pass between two queries for a hot name. */
const FLOOD_BATCH = 45;
const HOT_BATCH = 3;
/** Nothing expires meanwhile. */
const TTL_S = 3600;

const corefile = (dns: number, prometheus: number, upstream: number) => `
.:${dns} {
  bind 127.0.0.1
  cache {
    success ${CAPACITY} ${TTL_S}
    denial ${CAPACITY} ${TTL_S}
  }
  forward . 127.0.0.1:${upstream}
  prometheus 127.0.0.1:${prometheus}
}`;

const namesOf = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => {
    return `${prefix}-${index}.${index % 2 === 0 ? 'found' : 'denied'}.test`;
  });

/** The sums of the counters of all label sets, and of entries and evictions by type. */
async function countersOf(daemon: Daemon) {
  const scrape = await daemon.scrape(daemon.ports.prometheus);
  const sum = (name: string, type?: string) =>
    scrape.sum(`coredns_cache_${name}`, type === undefined ? {} : { type });
  return {
    hits: sum('hits_total'),
    misses: sum('misses_total'),
    answers: sum('entries', 'success'),
    denials: sum('entries', 'denial'),
    evictedAnswers: sum('evictions_total', 'success'),
    evictedDenials: sum('evictions_total', 'denial'),
    reasked: scrape.sum('zerohop_upstream_reasks_total'),
  };
}

/** Asks for the hot names in turn, a few in each batch of the flood; the number of queries for hot names. */
async function flood(client: UdpClient, hot: readonly string[]): Promise<number> {
  const random = namesOf('random', FLOOD_NAMES);
  let asked = 0;
  for (let from = 0; from < random.length; from += FLOOD_BATCH) {
    const batch = random.slice(from, from + FLOOD_BATCH);
    for (let index = 0; index < HOT_BATCH; index++) batch.push(hot[asked++ % hot.length]!);
    await client.askAll(batch.map((name) => ({ name })));
  }
  return asked;
}

for (const backend of ['mmsg', 'dgram'] as const) {
  test(`a flood of random names does not push out the names in use: ${backend}`, async (t) => {
    const upstream = await ScriptedUpstream.start(t, (query) =>
      query.question.name.endsWith('.denied.test')
        ? negative(query, 3, 'denied.test', TTL_S)
        : addresses(query, '192.0.2.1', TTL_S),
    );
    const daemon = await startDaemon(t, {
      backend,
      args: ['-udp-backend', backend],
      corefile: ({ dns, prometheus }) => corefile(dns, prometheus, upstream.port),
    });
    const client = await UdpClient.open(daemon.address);
    t.after(() => client.close());
    const hot = namesOf('hot', HOT_NAMES);
    for (const _ of ['a miss', 'a hit']) {
      for (let from = 0; from < hot.length; from += 50) {
        await client.askAll(hot.slice(from, from + 50).map((name) => ({ name })));
      }
    }
    const before = await countersOf(daemon);
    assert.deepEqual([before.hits, before.misses], [HOT_NAMES, HOT_NAMES]);

    const asked = await flood(client, hot);

    const after = await countersOf(daemon);
    // Each random name was asked for once, so it missed; what else missed was a hot name.
    const hotMisses = after.misses - before.misses - FLOOD_NAMES;
    assert.equal(after.hits - before.hits, asked - hotMisses);
    const isHot = ({ question }: UpstreamQuery) => question.name.startsWith('hot-');
    const hotQueries = upstream.queries.filter(isHot).length;
    assert.ok(hotQueries >= HOT_NAMES + hotMisses, `${hotQueries}`);
    // What this process, as the upstream, is late with is asked again.
    assert.ok(hotQueries <= HOT_NAMES + hotMisses + after.reasked, `${hotQueries}`);
    const ratio = 1 - hotMisses / asked;
    t.diagnostic(`hit ratio of ${HOT_NAMES} hot names: ${(100 * ratio).toFixed(2)} % of ${asked}`);
    t.diagnostic(`evicted: ${after.evictedAnswers} answers, ${after.evictedDenials} denials`);
    assert.deepEqual([after.answers, after.denials], [CAPACITY, CAPACITY]);
    assert.ok(after.evictedAnswers > CAPACITY && after.evictedDenials > CAPACITY);
    assert.ok(ratio >= 0.99, `${ratio}`);
  });
}
