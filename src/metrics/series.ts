/**
 * Every series, in one list: the variable's name without a unit, the series' name with it.
 *
 * The `coredns_*` names, types, labels and buckets are a contract: they are node-cache's (CoreDNS 1.14.4), so that its
 * dashboards and alerts go on. `process_*` and `promhttp_*` are those of its Prometheus client library. Its `go_*` series
 * are the one exception: there is no Go runtime here, and nothing is made up in their place. `zerohop_*` are our own.
 * Some families are declared and stay empty, as in node-cache: there is no DoH, DoH3 or DoQ server.
 */
import { DURATION_BUCKETS, SIZE_BUCKETS } from './counter-words.ts';
import { counter, gauge, histogram } from './family.ts';
import { ZEROHOP_SERIES } from './zerohop-series.ts';

/** Upper bounds in seconds of CoreDNS's plugin.SlimTimeBuckets. */
const HEALTH_BUCKETS = [0.00025, 0.0025, 0.025, 0.25, 2.5] as const;

const ZONE = ['server', 'zone', 'view'] as const;
const ZONE_PROTOCOL = ['server', 'zone', 'view', 'proto'] as const;
const CACHE = ['server', 'zones', 'view'] as const;
const CACHE_TYPE = ['server', 'type', 'zones', 'view'] as const;
const TEMPLATE = [...ZONE, 'class', 'type'] as const;
const PROXY = ['proxy_name', 'to'] as const;
const PROXY_PROTOCOL = ['proxy_name', 'to', 'proto'] as const;

const SERVER_SERIES = {
  buildInfo: gauge(
    'coredns_build_info',
    ['version', 'revision', 'goversion'],
    'Always 1; the labels say which build answers. goversion is the version of Node.',
  ),
  panics: counter(
    'coredns_panics_total',
    [],
    'Queries whose handling failed on a broken invariant.',
  ),
  pluginEnabled: gauge(
    'coredns_plugin_enabled',
    [...ZONE, 'name'],
    'Always 1 for a directive that handles queries of the server and zone.',
  ),
  dnsRequests: counter(
    'coredns_dns_requests_total',
    [...ZONE_PROTOCOL, 'family', 'type'],
    'Client queries by zone, protocol, address family (1 is IPv4, 2 is IPv6) and type.',
  ),
  dnsRequestDuration: histogram(
    'coredns_dns_request_duration_seconds',
    ZONE,
    DURATION_BUCKETS,
    'Time from a client query to its response.',
  ),
  dnsRequestSize: histogram(
    'coredns_dns_request_size_bytes',
    ZONE_PROTOCOL,
    SIZE_BUCKETS,
    'Size of client queries.',
  ),
  dnsDoRequests: counter(
    'coredns_dns_do_requests_total',
    ZONE,
    'Client queries with the DO bit set.',
  ),
  dnsResponseSize: histogram(
    'coredns_dns_response_size_bytes',
    ZONE_PROTOCOL,
    SIZE_BUCKETS,
    'Size of responses to clients.',
  ),
  dnsResponses: counter(
    'coredns_dns_responses_total',
    [...ZONE, 'rcode', 'plugin'],
    'Responses to clients by rcode and by the directive that wrote them; empty if none did.',
  ),
  dnsHttpsResponses: counter(
    'coredns_dns_https_responses_total',
    ['server', 'status'],
    'DoH responses by HTTP status.',
  ),
  dnsHttps3Responses: counter(
    'coredns_dns_https3_responses_total',
    ['server', 'status'],
    'DoH3 responses by HTTP status.',
  ),
  dnsQuicResponses: counter(
    'coredns_dns_quic_responses_total',
    ['server', 'status'],
    'DoQ responses by QUIC application code.',
  ),
};

const DIRECTIVE_SERIES = {
  cacheEntries: gauge(
    'coredns_cache_entries',
    CACHE_TYPE,
    'Entries in the cache; type is success or denial.',
  ),
  cacheRequests: counter('coredns_cache_requests_total', CACHE, 'Look-ups in the cache.'),
  cacheHits: counter(
    'coredns_cache_hits_total',
    CACHE_TYPE,
    'Look-ups that found an entry, stale ones included.',
  ),
  cacheMisses: counter(
    'coredns_cache_misses_total',
    CACHE,
    'Look-ups that found none. Deprecated: the difference of requests and hits says the same.',
  ),
  cachePrefetches: counter(
    'coredns_cache_prefetch_total',
    CACHE,
    'Entries refreshed before or after their expiry because they are asked for.',
  ),
  cacheDrops: counter(
    'coredns_cache_drops_total',
    CACHE,
    'Responses not cached because they do not match their query.',
  ),
  cacheServedStale: counter(
    'coredns_cache_served_stale_total',
    CACHE,
    'Look-ups answered with an expired entry.',
  ),
  cacheEvictions: counter(
    'coredns_cache_evictions_total',
    CACHE_TYPE,
    'Entries that gave way to new ones.',
  ),
  forwardHealthcheckBroken: counter(
    'coredns_forward_healthcheck_broken_total',
    [],
    'Queries for which every upstream was down.',
  ),
  forwardMaxConcurrentRejects: counter(
    'coredns_forward_max_concurrent_rejects_total',
    [],
    'Queries refused because max_concurrent were in flight.',
  ),
  proxyRequestDuration: histogram(
    'coredns_proxy_request_duration_seconds',
    [...PROXY, 'rcode'],
    DURATION_BUCKETS,
    'Time from an upstream query to its response.',
  ),
  proxyHealthcheckFailures: counter(
    'coredns_proxy_healthcheck_failures_total',
    PROXY,
    'Health checks that an upstream failed.',
  ),
  proxyConnCacheHits: counter(
    'coredns_proxy_conn_cache_hits_total',
    PROXY_PROTOCOL,
    'Upstream queries sent over a connection that was open.',
  ),
  proxyConnCacheMisses: counter(
    'coredns_proxy_conn_cache_misses_total',
    PROXY_PROTOCOL,
    'Upstream queries for which a connection was opened.',
  ),
  hostsEntries: gauge(
    'coredns_hosts_entries',
    ['hostsfile'],
    'Entries of a hosts file and of the Corefile beside it.',
  ),
  hostsReloadTime: gauge(
    'coredns_hosts_reload_timestamp_seconds',
    [],
    'When the hosts file last read was changed, in seconds since 1970.',
  ),
  templateMatches: counter(
    'coredns_template_matches_total',
    TEMPLATE,
    'Queries that a template took; zone, class and type are those that it sees.',
  ),
  templateFailures: counter(
    'coredns_template_template_failures_total',
    [...TEMPLATE, 'section', 'template'],
    'Templates that failed.',
  ),
  templateRrFailures: counter(
    'coredns_template_rr_failures_total',
    [...TEMPLATE, 'section', 'template'],
    'Templates that printed no record.',
  ),
  dns64Translated: counter(
    'coredns_dns64_requests_translated_total',
    ['server'],
    'AAAA answers made of A records.',
  ),
  healthRequestDuration: histogram(
    'coredns_health_request_duration_seconds',
    [],
    HEALTH_BUCKETS,
    'Time of our own request to the health endpoint.',
  ),
  healthRequestFailures: counter(
    'coredns_health_request_failures_total',
    [],
    'Own requests to the health endpoint that failed.',
  ),
  reloadFailed: counter(
    'coredns_reload_failed_total',
    [],
    'Reloads that failed; the configuration before them stays.',
  ),
  reloadVersionInfo: gauge(
    'coredns_reload_version_info',
    ['hash', 'value'],
    'Always 1; the value is the hash of the configuration last reloaded.',
  ),
};

const NODE_CACHE_SERIES = {
  setupErrors: counter(
    'coredns_nodecache_setup_errors_total',
    ['errortype'],
    'Failures in setting up interface, interception rules or configuration.',
  ),
};

const PROCESS_SERIES = {
  processCpu: counter('process_cpu_seconds_total', [], 'User and system CPU time of all threads.'),
  processOpenFds: gauge('process_open_fds', [], 'Open file descriptors.'),
  processMaxFds: gauge('process_max_fds', [], 'File descriptors that may be open.'),
  processVirtualMemory: gauge('process_virtual_memory_bytes', [], 'Size of the address space.'),
  processVirtualMemoryMax: gauge(
    'process_virtual_memory_max_bytes',
    [],
    'Limit of the address space.',
  ),
  processResidentMemory: gauge('process_resident_memory_bytes', [], 'Memory present in RAM.'),
  processStartTime: gauge(
    'process_start_time_seconds',
    [],
    'Start of the process, in seconds since 1970.',
  ),
  processNetworkReceive: counter(
    'process_network_receive_bytes_total',
    [],
    'IP octets received in the network namespace of the process.',
  ),
  processNetworkTransmit: counter(
    'process_network_transmit_bytes_total',
    [],
    'IP octets sent in the network namespace of the process.',
  ),
  scrapes: counter(
    'promhttp_metric_handler_requests_total',
    ['code'],
    'Requests for the metrics by HTTP status.',
  ),
  scrapesInFlight: gauge(
    'promhttp_metric_handler_requests_in_flight',
    [],
    'Requests for the metrics that are being answered.',
  ),
};

/** All families, in the order of the exposition. */
export const SERIES = {
  ...SERVER_SERIES,
  ...DIRECTIVE_SERIES,
  ...NODE_CACHE_SERIES,
  ...ZEROHOP_SERIES,
  ...PROCESS_SERIES,
};
