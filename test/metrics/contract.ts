/**
 * Every series, written out a second time: name, type, labels, buckets. What starts with `coredns_`, `process_` or `promhttp_` is
 * node-cache's with CoreDNS 1.14.4, so that a dashboard made for it finds all of this; `zerohop_` is ours.
 *
 * Two things of node-cache's are not here, and nothing is made up in their place: `go_*`, which tells of a runtime that we have not,
 * and native histograms, which exist only in the protobuf exposition.
 */
import type { DirectiveName } from '../../src/directives/order.ts';

/**
 * What a scrape shows of a family: `counts` once there was traffic that touches it; `zero` from the start on, and nothing that a
 * client can do raises it; `idle` are no samples, here as in node-cache, where there is no DoH, DoH3 or DoQ server, and where
 * `forward` turns down a response to another question before `cache` could drop it.
 */
export type Liveliness = 'counts' | 'zero' | 'idle';

export interface FamilyContract {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly buckets: readonly string[];
  readonly liveliness: Liveliness;
}

const DURATIONS =
  '0.00025 0.0005 0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192';
const SIZES = '0 100 200 300 400 511 1023 2047 4095 8291 16000 32000 48000 64000';

const NODE_CACHE = `
coredns_build_info gauge version,revision,goversion
coredns_panics_total counter = zero
coredns_plugin_enabled gauge server,zone,view,name
coredns_dns_requests_total counter server,zone,view,proto,family,type
coredns_dns_request_duration_seconds histogram server,zone,view | ${DURATIONS}
coredns_dns_request_size_bytes histogram server,zone,view,proto | ${SIZES}
coredns_dns_do_requests_total counter server,zone,view
coredns_dns_response_size_bytes histogram server,zone,view,proto | ${SIZES}
coredns_dns_responses_total counter server,zone,view,rcode,plugin
coredns_dns_https_responses_total counter server,status = idle
coredns_dns_https3_responses_total counter server,status = idle
coredns_dns_quic_responses_total counter server,status = idle
coredns_cache_entries gauge server,type,zones,view
coredns_cache_requests_total counter server,zones,view
coredns_cache_hits_total counter server,type,zones,view
coredns_cache_misses_total counter server,zones,view
coredns_cache_prefetch_total counter server,zones,view
coredns_cache_drops_total counter server,zones,view = idle
coredns_cache_served_stale_total counter server,zones,view
coredns_cache_evictions_total counter server,type,zones,view
coredns_forward_healthcheck_broken_total counter
coredns_forward_max_concurrent_rejects_total counter
coredns_proxy_request_duration_seconds histogram proxy_name,to,rcode | ${DURATIONS}
coredns_proxy_healthcheck_failures_total counter proxy_name,to
coredns_proxy_conn_cache_hits_total counter proxy_name,to,proto
coredns_proxy_conn_cache_misses_total counter proxy_name,to,proto
coredns_health_request_duration_seconds histogram | 0.00025 0.0025 0.025 0.25 2.5
coredns_health_request_failures_total counter = zero
coredns_reload_failed_total counter
coredns_reload_version_info gauge hash,value
coredns_nodecache_setup_errors_total counter errortype = zero
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

/** Of directives that a version may not deliver yet: asked for as soon as it does. */
const BY_DIRECTIVE: Partial<Record<DirectiveName, string>> = {
  hosts: `
coredns_hosts_entries gauge hostsfile
coredns_hosts_reload_timestamp_seconds gauge`,
  template: `
coredns_template_matches_total counter server,zone,view,class,type
coredns_template_template_failures_total counter server,zone,view,class,type,section,template
coredns_template_rr_failures_total counter server,zone,view,class,type,section,template`,
  dns64: `
coredns_dns64_requests_translated_total counter server`,
};

const OURS = `
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
zerohop_tcp_connections_ended_total counter how
zerohop_tcp_replies_lost_total counter
zerohop_http_connections_refused_total counter
zerohop_inner_questions_refused_total counter
zerohop_template_bounds_exceeded_total counter language
zerohop_dnstap_messages_dropped_total counter
zerohop_dnstap_sinks_refused_total counter
zerohop_trace_spans_dropped_total counter
zerohop_send_failures_total counter by
zerohop_storm_queries_total counter
zerohop_responder_restarts_total counter
zerohop_slow_queries_total counter kind
zerohop_log_lines_lost_total counter reason
zerohop_cache_refused_total counter
zerohop_upstream_mismatched_responses_total counter to
zerohop_responder_batch_size histogram | 1 2 4 8 16 32 64
zerohop_arrival_to_send_seconds histogram | 0.00001 0.00002 0.00004 0.00008 0.00016 0.00032 0.00064 0.00128 0.00256 0.00512 0.01024 0.02048 0.04096 0.08192 0.16384 0.32768
zerohop_receive_queue_drops_total counter
zerohop_ignored_datagrams_total counter server
zerohop_misses_dropped_total counter
zerohop_refreshes_dropped_total counter
zerohop_configmap_refused_total counter kind
zerohop_configmap_refusals gauge
zerohop_cache_used_bytes gauge
zerohop_cache_budget_bytes gauge
zerohop_series_overflows_total counter
`;

function readFamilies(text: string): FamilyContract[] {
  const lines = text.trim().split('\n');
  return lines.map((line) => {
    const [, rest, buckets = '', liveliness = 'counts'] = /^(.*?)(?: \| (.*?))?(?: = (\w+))?$/.exec(
      line,
    )!;
    const [name, type, labels] = rest!.split(' ');
    return {
      name: name!,
      type: type as FamilyContract['type'],
      labels: labels === undefined ? [] : labels.split(','),
      buckets: buckets === '' ? [] : buckets.split(' '),
      liveliness: liveliness as Liveliness,
    };
  });
}

/** node-cache's families. */
export const NODE_CACHE_FAMILIES: readonly FamilyContract[] = [
  NODE_CACHE,
  ...Object.values(BY_DIRECTIVE),
].flatMap(readFamilies);

export const OWN_FAMILIES: readonly FamilyContract[] = readFamilies(OURS);

/** The values of `errortype` that node-cache shows from the start. */
export const SETUP_ERROR_TYPES = [
  'configmap',
  'interface_add',
  'interface_check',
  'iptables',
  'iptables_lock',
];
