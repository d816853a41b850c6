import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CounterRows, counterBytes } from '../../src/metrics/counter-rows.ts';
import type { HistogramFamily, ScalarFamily } from '../../src/metrics/family.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { SERIES } from '../../src/metrics/series.ts';
import { parseExposition } from './exposition.ts';

const DURATIONS =
  '0.00025 0.0005 0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192';
const SIZES = '0 100 200 300 400 511 1023 2047 4095 8291 16000 32000 48000 64000';

/**
 * The contract, written out a second time: name, type, labels, buckets. What starts with `coredns_` is node-cache's with
 * CoreDNS 1.14.4; a dashboard made for it finds all of this.
 */
const CONTRACT = `
coredns_build_info gauge version,revision,goversion
coredns_panics_total counter
coredns_plugin_enabled gauge server,zone,view,name
coredns_dns_requests_total counter server,zone,view,proto,family,type
coredns_dns_request_duration_seconds histogram server,zone,view | ${DURATIONS}
coredns_dns_request_size_bytes histogram server,zone,view,proto | ${SIZES}
coredns_dns_do_requests_total counter server,zone,view
coredns_dns_response_size_bytes histogram server,zone,view,proto | ${SIZES}
coredns_dns_responses_total counter server,zone,view,rcode,plugin
coredns_dns_https_responses_total counter server,status
coredns_dns_https3_responses_total counter server,status
coredns_dns_quic_responses_total counter server,status
coredns_cache_entries gauge server,type,zones,view
coredns_cache_requests_total counter server,zones,view
coredns_cache_hits_total counter server,type,zones,view
coredns_cache_misses_total counter server,zones,view
coredns_cache_prefetch_total counter server,zones,view
coredns_cache_drops_total counter server,zones,view
coredns_cache_served_stale_total counter server,zones,view
coredns_cache_evictions_total counter server,type,zones,view
coredns_forward_healthcheck_broken_total counter
coredns_forward_max_concurrent_rejects_total counter
coredns_proxy_request_duration_seconds histogram proxy_name,to,rcode | ${DURATIONS}
coredns_proxy_healthcheck_failures_total counter proxy_name,to
coredns_proxy_conn_cache_hits_total counter proxy_name,to,proto
coredns_proxy_conn_cache_misses_total counter proxy_name,to,proto
coredns_health_request_duration_seconds histogram | 0.00025 0.0025 0.025 0.25 2.5
coredns_health_request_failures_total counter
coredns_reload_failed_total counter
coredns_reload_version_info gauge hash,value
coredns_nodecache_setup_errors_total counter errortype
zerohop_coalesced_queries_total counter
zerohop_upstream_segments_written_total counter to
zerohop_upstream_queries_written_total counter to
zerohop_upstream_segments_read_total counter to
zerohop_upstream_responses_read_total counter to
zerohop_upstream_reasks_total counter to,reason
zerohop_upstream_overloads_total counter to
zerohop_upstream_query_limit gauge to
zerohop_in_flight_queries gauge
zerohop_in_flight_refused_total counter reason
zerohop_tcp_connections gauge
zerohop_tcp_connections_refused_total counter reason
zerohop_send_failures_total counter by
zerohop_responder_restarts_total counter
zerohop_log_lines_lost_total counter reason
zerohop_cache_refused_total counter
zerohop_upstream_mismatched_responses_total counter to
zerohop_responder_batch_size histogram | 1 2 4 8 16 32 64
zerohop_arrival_to_send_seconds histogram | 0.00001 0.00002 0.00004 0.00008 0.00016 0.00032 0.00064 0.00128 0.00256 0.00512 0.01024 0.02048 0.04096 0.08192 0.16384 0.32768
zerohop_receive_queue_drops_total counter
zerohop_ignored_datagrams_total counter server
zerohop_misses_dropped_total counter
zerohop_refreshes_dropped_total counter
zerohop_cache_used_bytes gauge
zerohop_cache_budget_bytes gauge
zerohop_series_overflows_total counter
process_cpu_seconds_total counter
process_open_fds gauge
process_max_fds gauge
process_virtual_memory_bytes gauge
process_virtual_memory_max_bytes gauge
process_resident_memory_bytes gauge
process_start_time_seconds gauge
process_network_receive_bytes_total counter
process_network_transmit_bytes_total counter
promhttp_metric_handler_requests_total counter code
promhttp_metric_handler_requests_in_flight gauge
`;

/** Metrics with a cell in every family, so that labels and buckets show. */
function createFullMetrics(): Metrics {
  const words = new Int32Array(counterBytes(1, 1) / 4);
  const metrics = new Metrics(new CounterRows(words, 1, 1), { version: '1.2.3', revision: 'abc' });
  const families = Object.values(metrics.families) as unknown as (ScalarFamily | HistogramFamily)[];
  for (const [index, { labelNames }] of Object.values(SERIES).entries()) {
    families[index]!.cell(...labelNames.map((name) => `a ${name}`));
  }
  return metrics;
}

describe('exposition', () => {
  test('has exactly the families of the contract, with their types, labels and buckets', async () => {
    const families = parseExposition(await createFullMetrics().expose());
    const lines = [...families.values()].map(({ name, type, samples }) => {
      const ours = samples.filter(({ labels }) => Object.entries(labels).every(isOurs));
      const bounds = ours.flatMap(({ labels: { le } }) => (le && le !== '+Inf' ? [le] : []));
      const labelNames = Object.keys(ours.at(-1)?.labels ?? {}).join(',');
      const line = labelNames ? `${name} ${type} ${labelNames}` : `${name} ${type}`;
      return type === 'histogram' ? `${line} | ${bounds.join(' ')}` : line;
    });
    assert.deepEqual(lines.sort(), CONTRACT.trim().split('\n').sort());
  });

  test("prom-client's registry gives the same families at one go", async () => {
    const metrics = createFullMetrics();
    const whole = parseExposition(await metrics.registry.metrics());
    const parts = parseExposition(await metrics.expose());
    assert.deepEqual([...whole.keys()], [...parts.keys()]);
  });
});

/** Whether a label is one that createFullMetrics made, or a bucket's. */
function isOurs([name, value]: [string, string]): boolean {
  return name === 'le' || value === `a ${name}`;
}

describe('names', () => {
  for (const { name, type, help, buckets } of Object.values(SERIES)) {
    test(name, () => {
      assert.match(name, /^(coredns|zerohop|process|promhttp)_[a-z0-9_]+[a-z]$/);
      assert.equal(name.endsWith('_total'), type === 'counter');
      assert.match(help, /^[A-Z].*\.$/);
      assert.equal(buckets.length > 0, type === 'histogram');
    });
  }
});
