/** The series that node-cache has not: `zerohop_*`. The list of all is series.ts. */
import { ARRIVAL_TO_SEND_BUCKETS, BATCH_SIZE_BUCKETS } from './counter-words.ts';
import { counter, gauge, histogram } from './family.ts';

export const ZEROHOP_SERIES = {
  coalescedQueries: counter(
    'zerohop_coalesced_queries_total',
    [],
    'Client queries that shared the upstream query of an earlier one.',
  ),
  upstreamSegmentsWritten: counter(
    'zerohop_upstream_segments_written_total',
    ['to'],
    'Writes to upstream connections; one may carry many queries.',
  ),
  upstreamQueriesWritten: counter(
    'zerohop_upstream_queries_written_total',
    ['to'],
    'Queries in those writes.',
  ),
  upstreamSegmentsRead: counter(
    'zerohop_upstream_segments_read_total',
    ['to'],
    'Reads from upstream connections; one may carry many responses.',
  ),
  upstreamResponsesRead: counter(
    'zerohop_upstream_responses_read_total',
    ['to'],
    'Responses in those reads.',
  ),
  upstreamReasks: counter(
    'zerohop_upstream_reasks_total',
    ['to', 'reason'],
    'Queries asked again: late, closed, truncated, mismatch or failed.',
  ),
  upstreamOverloads: counter(
    'zerohop_upstream_overloads_total',
    ['to'],
    'Queries for which every connection and the queue behind them were full.',
  ),
  upstreamQueryLimit: gauge(
    'zerohop_upstream_query_limit',
    ['to'],
    'Queries after which the upstream closes a connection, as learnt; 0 if it does not.',
  ),
  dnstapMessagesDropped: counter(
    'zerohop_dnstap_messages_dropped_total',
    [],
    'Messages for dnstap that no sink took in time.',
  ),
  dnstapSinksRefused: counter(
    'zerohop_dnstap_sinks_refused_total',
    [],
    'Sinks of dnstap that connected while as many as may be were there, and were closed at once.',
  ),
  traceSpansDropped: counter(
    'zerohop_trace_spans_dropped_total',
    [],
    'Spans of traced queries that no collector took, or that were too many.',
  ),
  inFlightQueries: gauge(
    'zerohop_in_flight_queries',
    [],
    'Distinct questions that wait for an upstream.',
  ),
  inFlightRefused: counter(
    'zerohop_in_flight_refused_total',
    ['reason'],
    'Client queries answered with SERVFAIL because too many waited (full) or their source held its share (unfair).',
  ),
  tcpConnections: gauge('zerohop_tcp_connections', [], 'Open TCP connections of clients.'),
  tcpRefused: counter(
    'zerohop_tcp_connections_refused_total',
    ['reason'],
    'TCP connections closed at once because there were too many (full) or their source held its share (unfair).',
  ),
  tcpEnded: counter(
    'zerohop_tcp_connections_ended_total',
    ['how'],
    'TCP connections that we ended because their listener went: after their last reply (finished), or too late for it (cut_off).',
  ),
  tcpRepliesLost: counter(
    'zerohop_tcp_replies_lost_total',
    [],
    'Replies whose TCP connection was closed instead, because the ring to its responder had no place for them.',
  ),
  httpRefused: counter(
    'zerohop_http_connections_refused_total',
    [],
    'Connections to metrics, health and the other endpoints closed at once because there were too many.',
  ),
  innerQuestionsRefused: counter(
    'zerohop_inner_questions_refused_total',
    [],
    'Questions not asked because one query of a client had led to too many others.',
  ),
  templateBoundsExceeded: counter(
    'zerohop_template_bounds_exceeded_total',
    ['language'],
    'Runs of templates and of expressions that failed at a bound of their steps, depth or size.',
  ),
  sendFailures: counter(
    'zerohop_send_failures_total',
    ['by'],
    'Replies over UDP that the kernel refused to send: hits (responder) and misses (resolver).',
  ),
  stormQueries: counter(
    'zerohop_storm_queries_total',
    [],
    'UDP queries that the resolver took off the sockets itself, in storms of misses.',
  ),
  responderRestarts: counter(
    'zerohop_responder_restarts_total',
    [],
    'Responder threads started again after they died.',
  ),
  slowQueries: counter(
    'zerohop_slow_queries_total',
    ['kind'],
    'Client queries that were answered late: beyond -slow-query (slow), or much later than is usual (outlier).',
  ),
  logLinesLost: counter(
    'zerohop_log_lines_lost_total',
    ['reason'],
    'Log lines not written: suppressed beyond so many a second, or dropped as stdout took no more.',
  ),
  cacheRefused: counter(
    'zerohop_cache_refused_total',
    [],
    'Responses not cached because no room could be made for them.',
  ),
  upstreamMismatchedResponses: counter(
    'zerohop_upstream_mismatched_responses_total',
    ['to'],
    'Upstream responses whose id or question fits no query in flight.',
  ),
  responderBatchSize: histogram(
    'zerohop_responder_batch_size',
    [],
    BATCH_SIZE_BUCKETS,
    'Datagrams that a responder took at once.',
  ),
  arrivalToSend: histogram(
    'zerohop_arrival_to_send_seconds',
    [],
    ARRIVAL_TO_SEND_BUCKETS,
    'Sampled time from the arrival of a datagram in the kernel to its response.',
  ),
  receiveQueueDrops: counter(
    'zerohop_receive_queue_drops_total',
    [],
    'Datagrams that the kernel dropped because a receive queue was full.',
  ),
  ignoredDatagrams: counter(
    'zerohop_ignored_datagrams_total',
    ['server'],
    'Datagrams that get no reply: responses, too short for a DNS header, or from nobody (port 0, multicast, ourselves).',
  ),
  missesDropped: counter(
    'zerohop_misses_dropped_total',
    [],
    'Cache misses answered with SERVFAIL because the ring to the resolver had no place for their source.',
  ),
  refreshesDropped: counter(
    'zerohop_refreshes_dropped_total',
    [],
    'Refreshes not asked for because the ring to the resolver was full.',
  ),
  configMapRefused: counter(
    'zerohop_configmap_refused_total',
    ['kind'],
    'What was refused of the template, the kube-dns ConfigMap and the rendered file, by what is wrong with it.',
  ),
  configMapRefusals: gauge('zerohop_configmap_refusals', [], 'How much of them is refused now.'),
  cacheUsed: gauge('zerohop_cache_used_bytes', [], 'Cache memory in use.'),
  cacheBudget: gauge('zerohop_cache_budget_bytes', [], 'Cache memory set aside.'),
  seriesOverflows: counter(
    'zerohop_series_overflows_total',
    [],
    'Label sets that are not shown because there are too many of their family, or too many zones and listeners.',
  ),
};
