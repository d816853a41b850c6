import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  countCacheHit,
  countCacheResponse,
  countRequest,
} from '../../src/metrics/counter-words.ts';
import { CELLS_MAX } from '../../src/metrics/family.ts';
import { parseExposition } from './exposition.ts';
import { createMetrics, lines, SERVER, scrape } from './scrape.ts';

describe('at start', () => {
  test('what CoreDNS and node-cache show before any query is there', async () => {
    const families = await scrape(createMetrics().metrics);
    assert.deepEqual(lines(families, 'coredns_build_info'), [
      `version=1.2.3 revision=abc goversion=${process.version} 1`,
    ]);
    assert.deepEqual(lines(families, 'coredns_nodecache_setup_errors_total'), [
      'errortype=iptables 0',
      'errortype=iptables_lock 0',
      'errortype=interface_add 0',
      'errortype=interface_check 0',
      'errortype=configmap 0',
    ]);
    assert.deepEqual(lines(families, 'promhttp_metric_handler_requests_total'), [
      'code=200 0',
      'code=500 0',
      'code=503 0',
    ]);
    assert.deepEqual(lines(families, 'coredns_panics_total'), ['0']);
    assert.deepEqual(lines(families, 'coredns_dns_requests_total'), []);
  });
});

describe('reload', () => {
  test('what vanished is not shown any more, what stays goes on', async () => {
    const { words, rows, metrics, open } = createMetrics();
    const kept = open({});
    const gone = open({ zone: 'gone.example.', cacheZones: 'gone.example.' });
    for (const { base } of [kept, gone]) {
      countRequest(words, base, 1, 0, 40, 40, 7);
      countCacheHit(words, base, 0, 0);
      countCacheResponse(words, base, 0);
    }
    for (const zone of ['example.org.', 'gone.example.']) {
      metrics.families.dnsResponses.cell(SERVER, zone, '', 'NOERROR', 'forward').value = 1;
      metrics.families.pluginEnabled.cell(SERVER, zone, '', 'cache').value = 1;
    }
    metrics.families.cacheEntries.cell(SERVER, 'success', 'gone.example.', '').value = 3;
    metrics.families.proxyConnCacheHits.cell('forward', '192.0.2.1:53', 'tcp').value = 1;

    // A template's zone is its own.
    metrics.families.templateMatches.cell(SERVER, 'own.test.', '', 'IN', 'A').value = 2;
    metrics.families.templateMatches.cell('dns://192.0.2.77:53', 'own.test.', '', 'IN', 'A').value =
      1;

    metrics.retainRows(new Set([kept.row]));
    countRequest(words, kept.base, 1, 0, 40, 40, 7);
    const text = await metrics.expose();
    assert.ok(!text.includes('gone.example.'));
    const families = parseExposition(text);
    assert.deepEqual(lines(families, 'coredns_dns_requests_total'), [
      `server=${SERVER} zone=example.org. proto=udp family=1 type=A 2`,
    ]);
    assert.equal(lines(families, 'coredns_dns_responses_total').length, 2);
    assert.equal(lines(families, 'coredns_plugin_enabled').length, 1);
    assert.deepEqual(lines(families, 'coredns_template_matches_total'), [
      `server=${SERVER} zone=own.test. class=IN type=A 2`,
    ]);
    assert.equal(lines(families, 'coredns_proxy_conn_cache_hits_total').length, 1);
    assert.equal(rows.opened().length, 1);
  });

  test('a row that takes the place of another with the same cells loses nothing', async () => {
    const { words, metrics, open } = createMetrics();
    countRequest(words, open({}).base, 1, 0, 40, 40, 7);
    const other = open({ cacheZones: 'example.org.' });
    metrics.retainRows(new Set([other.row]));
    countRequest(words, other.base, 1, 0, 40, 40, 7);
    assert.deepEqual(lines(await scrape(metrics), 'coredns_dns_requests_total'), [
      `server=${SERVER} zone=example.org. proto=udp family=1 type=A 2`,
    ]);
  });
});

test('refused label sets are counted', async () => {
  const { metrics } = createMetrics();
  for (let index = 0; index < CELLS_MAX + 3; index++) {
    metrics.families.upstreamReasks.cell(`192.0.2.1:${index}`, 'late');
  }
  assert.deepEqual(lines(await scrape(metrics), 'zerohop_series_overflows_total'), ['3']);
});

test('a scrape lets the event loop go on', async () => {
  const { metrics } = createMetrics();
  let turns = 0;
  const turn = () => {
    turns++;
    immediate = setImmediate(turn);
  };
  let immediate = setImmediate(turn);
  await metrics.expose();
  clearImmediate(immediate);
  assert.ok(turns >= Object.keys(metrics.families).length - 1);
});
