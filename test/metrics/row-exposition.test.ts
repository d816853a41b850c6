import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { writerBase } from '../../src/metrics/counter-rows.ts';
import {
  countBatch,
  countCacheHit,
  countCacheMiss,
  countCacheResponse,
  countChainlessResponse,
  countIgnoredDatagram,
  countMissRingFull,
  countReceiveQueueDrops,
  countRefreshRingFull,
  countRequest,
  countSendFailures,
  observeArrivalToSend,
} from '../../src/metrics/counter-words.ts';
import { rcodeLabel } from '../../src/metrics/row-exposition.ts';
import { createMetrics, lines, ROW_COUNT, SERVER, scrape } from './scrape.ts';

describe('shared counters', () => {
  test('requests appear under their labels, of all writers together', async () => {
    const { words, metrics, open } = createMetrics();
    countRequest(words, open({}, 0).base, 28, 1, 45, 512, 300);
    countRequest(words, open({}, 1).base, 28, 0, 45, 100, 7);
    countRequest(words, open({ family: 2 }).base, 28, 0, 45, 100, 7);
    countRequest(words, open({ protocol: 'tcp' }).base, 999, 0, 45, 65535, 9_000_000);
    const families = await scrape(metrics);
    const zone = `server=${SERVER} zone=example.org.`;
    assert.deepEqual(lines(families, 'coredns_dns_requests_total'), [
      `${zone} proto=udp family=1 type=AAAA 2`,
      `${zone} proto=udp family=2 type=AAAA 1`,
      `${zone} proto=tcp family=1 type=other 1`,
    ]);
    assert.deepEqual(lines(families, 'coredns_dns_do_requests_total'), [`${zone} 1`]);
    const durations = lines(families, 'coredns_dns_request_duration_seconds');
    assert.equal(durations[0], `_bucket le=0.00025 ${zone} 2`);
    assert.equal(durations[1], `_bucket le=0.0005 ${zone} 3`);
    assert.deepEqual(durations.slice(-4), [
      `_bucket le=8.192 ${zone} 3`,
      `_bucket le=+Inf ${zone} 4`,
      `_sum ${zone} 9.000314`,
      `_count ${zone} 4`,
    ]);
    const sizes = lines(families, 'coredns_dns_response_size_bytes');
    assert.ok(sizes.includes(`_bucket le=511 ${zone} proto=udp 2`));
    assert.ok(sizes.includes(`_sum ${zone} proto=udp 712`));
    assert.ok(sizes.includes(`_sum ${zone} proto=tcp 65535`));
  });

  test("the resolver's own cells and the rows share families", async () => {
    const { words, metrics, open } = createMetrics();
    const { base } = open({});
    countCacheResponse(words, base, 3);
    countChainlessResponse(words, base, 16);
    countChainlessResponse(words, base, 4000);
    metrics.families.dnsResponses.cell(SERVER, 'example.org.', '', 'NOERROR', 'forward').value += 5;
    const zone = `server=${SERVER} zone=example.org.`;
    assert.deepEqual(lines(await scrape(metrics), 'coredns_dns_responses_total').sort(), [
      `${zone} rcode=BADSIG 1`,
      `${zone} rcode=NOERROR plugin=forward 5`,
      `${zone} rcode=NXDOMAIN plugin=cache 1`,
      `${zone} rcode=other 1`,
    ]);
  });

  test('zones of one cache add up, and requests are hits and misses', async () => {
    const { words, metrics, open } = createMetrics();
    countCacheHit(words, open({}).base, 0, 1);
    countCacheHit(words, open({ zone: 'example.net.' }).base, 1, 0);
    countCacheMiss(words, open({ zone: 'example.net.' }).base);
    const families = await scrape(metrics);
    const cache = `server=${SERVER} zones=example.org.,example.net.`;
    assert.deepEqual(lines(families, 'coredns_cache_requests_total'), [`${cache} 3`]);
    assert.deepEqual(lines(families, 'coredns_cache_misses_total'), [`${cache} 1`]);
    assert.deepEqual(lines(families, 'coredns_cache_served_stale_total'), [`${cache} 1`]);
    assert.deepEqual(lines(families, 'coredns_cache_hits_total'), [
      `server=${SERVER} type=success zones=example.org.,example.net. 1`,
      `server=${SERVER} type=denial zones=example.org.,example.net. 1`,
    ]);
  });

  test('a block without prometheus shows its cache only, one without cache its requests only', async () => {
    const { words, metrics, open } = createMetrics();
    for (const labels of [{ isReported: false }, { zone: '.', cacheZones: undefined as never }]) {
      const { base } = open(labels);
      countRequest(words, base, 1, 0, 40, 40, 7);
      countCacheHit(words, base, 0, 0);
    }
    const families = await scrape(metrics);
    assert.deepEqual(lines(families, 'coredns_dns_requests_total'), [
      `server=${SERVER} zone=. proto=udp family=1 type=A 1`,
    ]);
    assert.equal(lines(families, 'coredns_cache_hits_total').length, 1);
  });

  test("a writer's own counters appear without labels", async () => {
    const { words, metrics, open } = createMetrics();
    for (const writer of [0, 1]) {
      countBatch(words, writerBase(ROW_COUNT, writer), 3);
      observeArrivalToSend(words, writerBase(ROW_COUNT, writer), 15);
    }
    countIgnoredDatagram(words, open({ zone: 'dropped' }).base);
    const families = await scrape(metrics);
    const batches = lines(families, 'zerohop_responder_batch_size');
    assert.deepEqual(batches.slice(-2), ['_sum 6', '_count 2']);
    assert.equal(batches[1], '_bucket le=2 0');
    assert.equal(batches[2], '_bucket le=4 2');
    assert.deepEqual(lines(families, 'zerohop_arrival_to_send_seconds').slice(-2), [
      '_sum 0.00003',
      '_count 2',
    ]);
    assert.deepEqual(lines(families, 'zerohop_ignored_datagrams_total'), [`server=${SERVER} 1`]);
  });

  test('each kind of loss appears', async () => {
    const { words, metrics } = createMetrics();
    for (const writer of [0, 1]) {
      const base = writerBase(ROW_COUNT, writer);
      countReceiveQueueDrops(words, base, 4);
      countMissRingFull(words, base);
      countRefreshRingFull(words, base);
      countSendFailures(words, base, 3);
    }
    const families = await scrape(metrics);
    assert.deepEqual(lines(families, 'zerohop_receive_queue_drops_total'), ['8']);
    assert.deepEqual(lines(families, 'zerohop_misses_dropped_total'), ['2']);
    assert.deepEqual(lines(families, 'zerohop_refreshes_dropped_total'), ['2']);
    assert.deepEqual(lines(families, 'zerohop_send_failures_total'), ['by=responder 6']);
  });

  test('folding more often changes nothing', async () => {
    const { words, metrics, open } = createMetrics();
    const { base } = open({});
    for (let round = 0; round < 4; round++) {
      countRequest(words, base, 1, 0, 40, 2 ** 31 - 1, 7);
      metrics.fold();
      metrics.fold();
    }
    const sizes = lines(await scrape(metrics), 'coredns_dns_response_size_bytes');
    assert.ok(
      sizes.includes(`_sum server=${SERVER} zone=example.org. proto=udp ${4 * (2 ** 31 - 1)}`),
    );
  });
});

test('rcodes have the names that CoreDNS prints', () => {
  assert.deepEqual([0, 2, 3, 5, 12, 16, 23, 24].map(rcodeLabel), [
    'NOERROR',
    'SERVFAIL',
    'NXDOMAIN',
    'REFUSED',
    'RCODE12',
    'BADSIG',
    'BADCOOKIE',
    'RCODE24',
  ]);
});
