/**
 * Every limit of the tree, what shows that it was reached, and the test at its bound. A line is
 *
 *   FILE CONSTANT = WHAT SHOWS IT | TEST FILE: TITLE
 *
 * What shows it is a series (`coredns_...`, `zerohop_...`), words of the error or log line that are in src, or `later`: nothing is
 * refused or lost, it only comes in its turn or by another way. Files are without `src/` and `.ts`, tests without `test/` and `.test.ts`.
 */
export const LIMITS = `
base/http-endpoint CONNECTIONS_MAX = zerohop_http_connections_refused_total | base/http-endpoint: connections beyond the bound are closed, those within are served
base/log-output BACKLOG_MAX_OCTETS = zerohop_log_lines_lost_total | unbreakable/outage-host: a log that nobody reads keeps nobody waiting, and takes a bounded memory
base/log MESSAGE_SIZE_MAX = ... ( | base/log: lines have a bounded length
base/regexp COMPILE_COST_MAX = too large ( | base/regexp-cost: what would take long to compile is refused, what people write is not
base/regexp PATTERN_SIZE_MAX = characters of pattern | directives/template: a pattern is as long as it may be, and no longer
cache/table CHAIN_MAX = zerohop_cache_refused_total | cache/store: a chain of colliding keys grows to its bound, and no further
cache/store EVICTIONS_MAX = zerohop_cache_refused_total | cache/store: a reader in the middle of its batch costs a bounded number of entries
cache/eviction LOOKS_MAX = later | cache/eviction: after eight looks the newest on probation leaves, and those that were hit wait for theirs
cache/slab BIN_WALK_MAX = later | cache/slab: gives each unit to one only, counts exactly, and joins all that is given back
cache/block-orders DENIAL_SHARE_MAX = coredns_cache_evictions_total | cache/flood: a flood of denials takes 30 % of the octets from answers, and no more
control/directory-watch BURST_MAX_MS = later | control/directory-watch: inotify tells of a plain write, and a burst is one change
control/fallback-service ENDPOINTS_MAX = later | control/fallback-service: of very many endpoints some are enough
control/loop-probe ATTEMPTS_MAX = later | control/loop-probe: a listener that never answers is asked again and again, and is no loop
control/mounted-files BYTES_MAX = zerohop_configmap_refused_total | control/mounted-files: bounds: octets and files
control/mounted-files FILES_MAX = zerohop_configmap_refused_total | control/mounted-files: bounds: octets and files
control/sizing QUESTIONS_MAX = zerohop_in_flight_refused_total | control/sizing: questions under way are bounded by the container’s limit
control/sizing ROWS_MAX = zerohop_series_overflows_total | control/sizing: many zones have their rows
control/upstream-metrics UPSTREAMS_MAX = later | control/upstream-metrics: the one that was not heard of for longest goes from every family
control/upstream-proof ZONES_MAX = later | control/upstream-proof: of many zones a few are asked
corefile/parser BLOCK_DEPTH_MAX = blocks nest more than | corefile/parser: import cycles and floods of imports are errors
corefile/token-stream IMPORT_COUNT_MAX = imports\` | corefile/parser: import cycles and floods of imports are errors
corefile/token-stream IMPORT_DEPTH_MAX = deep\` | corefile/parser: import cycles and floods of imports are errors
corefile/token-stream TOKEN_COUNT_MAX = the Corefile holds more than | corefile/parser: a Corefile of more words than there may be is an error
directives/dnstap-sink SINKS_MAX = zerohop_dnstap_sinks_refused_total | directives/dnstap: one more than there may be is closed at once, and counted
directives/dnstap QUEUE_MAX = zerohop_dnstap_messages_dropped_total | directives/dnstap: beyond the queue frames are dropped and counted
directives/dnstap WRITE_BUFFER_MAX = zerohop_dnstap_messages_dropped_total | directives/dnstap: one that reads nothing is let go
directives/frame-stream CONTROL_SIZE_MAX = what the reader says is no control frame | directives/dnstap: one that speaks nonsense, or takes something else, is left
directives/loop-detector SIGHTINGS_MAX = Loop ( | directives/loop-detector: the third sighting is a loop, told once
directives/polled-file FILE_SIZE_MAX = are the most | directives/hosts-stage: the file is looked at again, and what it said stays while it cannot be read
directives/rewrite-fields EDNS_DATA_SIZE_MAX = characters of option data | directives/rewrite-stage: what the Corefile may not say
directives/trace SIZE_MAX = zerohop_trace_spans_dropped_total | directives/trace-stage: beyond the backlog the oldest are dropped
directives/upstream-list UPSTREAM_COUNT_MAX = upstreams: expected at most | directives/upstream-list: at most 15 upstreams
expression/patterns PATTERNS_MAX = later | expression/expression: what is kept from run to run is bounded, and right beyond the bound
expression/evaluator STEPS_MAX = zerohop_template_bounds_exceeded_total | directives/template-stage: what ends at a bound is counted, other failures are not
expression/size DEPTH_MAX = zerohop_template_bounds_exceeded_total | expression/expression: a value counts with all that it holds, every time
expression/size SIZE_MAX = zerohop_template_bounds_exceeded_total | directives/template-stage: what ends at a bound is counted, other failures are not
expression/time-layout PRINTERS_MAX = later | expression/expression: what is kept from run to run is bounded, and right beyond the bound
expression/parser NESTING_MAX = too deeply nested | expression/expression: steps, sizes and nesting are bounded
expression/token TOKENS_MAX = words\` | expression/expression: steps, sizes and nesting are bounded
gotemplate/print TEXT_SIZE_MAX = zerohop_template_bounds_exceeded_total | directives/template-stage: what ends at a bound is counted, other failures are not
gotemplate/run-state DEPTH_MAX = zerohop_template_bounds_exceeded_total | directives/template-stage: what ends at a bound is counted, other failures are not
gotemplate/run-state STEPS_MAX = zerohop_template_bounds_exceeded_total | directives/template-stage: what ends at a bound is counted, other failures are not
gotemplate/token-reader NESTING_MAX = max expression depth exceeded | gotemplate/template: nesting in the text is bounded
host/command LOCK_ATTEMPTS_MAX = coredns_nodecache_setup_errors_total | host/command: a held lock is tried again, so many times and no more
host/command DETAIL_LENGTH_MAX = later | host/command: a complaint is cut to its first lines
metrics/family CELLS_MAX = zerohop_series_overflows_total | metrics/family: label sets have a bound: beyond it they are not shown, and counted
os/datagram-batch BATCH_MAX = later | os/datagram-batch: more than a batch holds comes in several
os/datagram-sender MESSAGES_MAX = later | os/datagram-sender: many of one turn, and large ones, all leave whole
os/epoll EVENTS_MAX = later | os/epoll: more than one wait holds comes with the next
rendering/kube-dns STUB_DOMAINS_MAX = zerohop_configmap_refused_total | rendering/kube-dns: limits: servers of a domain, domains
rendering/kube-dns STUB_SERVERS_MAX = zerohop_configmap_refused_total | rendering/kube-dns: limits: servers of a domain, domains
rendering/kube-dns UPSTREAMS_MAX = zerohop_configmap_refused_total | rendering/kube-dns: more than three upstream servers: the first three count
server/inner-questions QUESTIONS_MAX = zerohop_inner_questions_refused_total | server/inner-questions: sixteen are asked, and each query has its own
server/miss-ring MISSES_MAX_BYTES = zerohop_misses_dropped_total | server/miss-ring: a full ring refuses, loses nothing, and takes again what has room
server/responder-thread DRAIN_MAX = later | unbreakable/fairness: one pod’s flood of misses leaves the others their misses and hits
server/sample-ring SAMPLES_MAX = later | server/sample-ring: a full ring takes no more, and goes on once it was read
server/reply-ring REPLIES_MAX_BYTES = zerohop_tcp_replies_lost_total | server/responder-streams: a reply that the ring has no place for closes its connection, and no other
server/stream-listeners ACCEPTS_MAX = later | server/responder-streams: of many who wait to be accepted some are, then who asks has its turn
server/connections-max CONNECTIONS_MAX = zerohop_tcp_connections_refused_total | server/responder-streams: connections beyond the slots are reset, and counted
server/tcp-limits FIRST_QUERY_MAX_MS = later | server/tcp-connection: a connection on which nobody asks is ended all the same
server/tcp-limits HALF_OPEN_MAX_MS = zerohop_tcp_connections_ended_total | life/drain: a client that keeps its side open does not delay the end
server/warm-up COLLECTIONS_MAX = later | server/warm-up: comes again for as much again, three times at most
server/warm-up ROUNDS_MAX = later | server/warm-up: waits while many queries come
server/tcp-limits QUERIES_MAX = later | server/client-service: of a connection so many queries are read, then more as they are answered
server/tcp-limits UNREAD_REPLIES_MAX = later | server/client-service: who does not read its replies is not read either
upstream/connection-set CONNECTIONS_MAX = zerohop_upstream_overloads_total | upstream/connection-set: connections are bounded
upstream/connection-set DIALLING_MAX = zerohop_upstream_overloads_total | upstream/connection-set: dials at a time and the queue behind them are bounded
upstream/connection-set QUEUE_MAX = zerohop_upstream_overloads_total | upstream/connection-set: dials at a time and the queue behind them are bounded
upstream/doh CONNECTIONS_MAX = later | upstream/doh: queries are answered, with id 0 on the wire
upstream/doh OUTSTANDING_MAX = zerohop_upstream_overloads_total | upstream/doh: what is under way is bounded, what is beyond fails at once
upstream/exchange FREE_REASKS_MAX = zerohop_upstream_reasks_total | upstream/exchange: a query that makes the server close is not asked for ever
upstream/exchange HEDGES_MAX = zerohop_upstream_reasks_total | upstream/exchange: a query is asked again for being late twice at most
upstream/forward PARKED_MAX = zerohop_upstream_overloads_total | upstream/exchange: what was late while all were silent is asked again as soon as one answers
upstream/host-names ADDRESSES_MAX = later | upstream/host-names: of a name with very many addresses some are asked
upstream/silence TRIAL_PAUSE_MAX_MS = zerohop_upstream_reasks_total | upstream/silence: while suspected it takes one question a pause, and pauses grow
upstream/stream-dialer UNACKNOWLEDGED_MAX_MS = zerohop_upstream_reasks_total | os/tcp-socket: the kernel has the time-out that was set
upstream/tcp-connection DIAL_AGE_MAX_MS = later | upstream/tcp-connection: a dial that gets no answer is given up
upstream/tcp-connection OUTSTANDING_MAX = later | upstream/connection-set: connections are bounded
upstream/udp-socket MISMATCHES_MAX = zerohop_upstream_mismatched_responses_total | upstream/udp-socket: eight replies that match nothing
upstream/udp-socket OUTSTANDING_MAX = zerohop_upstream_overloads_total | upstream/udp-set: what is in flight is bounded, what is beyond fails at once
upstream/udp-socket QUERIES_MAX = later | upstream/udp-set: sockets are replaced after a number of queries
watch/figures UPSTREAMS_MAX = later | watch/figures: answers of upstreams, of so many at most
watch/slowest-answers AGE_MAX_MS = later | watch/slow-log: what is old is forgotten, and makes room for quicker ones
watch/slowest-answers ANSWERS_MAX = later | watch/slow-log: so many at most; quicker ones are not even looked at
wire/compression OCTETS_READ_MAX = later | wire/response-cost: no message costs more than so many blocks an octet
wire/compression PROBES_MAX = later | wire/response-cost: no message takes many times as long as an honest one
wire/name POINTERS_MAX = later | wire/name: refuses more than 126 pointers in a row
`;

/** Constants with such a name that limit no work: sizes and ranges of a format, of the system, of an argument, of an
 * estimate. By room. */
export const RANGES = `
base LIMITS
cache KEY_WORDS_MAX MARK_AGE_MAX_MS QNAME_WORDS_MAX
control CACHE_BYTES_MAX LIMIT_SHARE LOOKS_MAX NO_LIMIT PATH_OCTETS_MAX PROOF_RETRY_MAX_MS REFUSED_MAX RESPONDERS_MAX ROWS_MAX SECONDS_MAX TIMER_MAX_MS
directives DURATION_MAX_MS RECHECK_MAX_MS SERVFAIL_MAX_MS TIMEOUT_MAX_MS TIMER_MAX_MS TTL_MAX_S
expression DURATION_MAX_NS DURATION_TEXT_SIZE_MAX PROBLEM_SIZE_MAX
gotemplate DIGITS_MAX INT_MAX UINT_MAX
host FLOWS_MAX OUTPUT_SIZE_MAX
metrics UNLIMITED
os COUNT_MAX DESCRIPTORS_MAX LINK_NAME_SIZE_MAX READS_MAX REPLY_SIZE_MAX REQUEST_SIZE_MAX
rendering LABEL_SIZE_MAX NAME_SIZE_MAX QUOTED_SIZE_MAX
server FDS_MAX
upstream DEFAULT_MAX_AGE_MS HEDGE_DELAY_MAX_MS TTL_MAX_MS
wire LABELS_MAX LABEL_SIZE_MAX MESSAGE_SIZE_MAX NAME_SIZE_MAX POINTER_MAX STRING_SIZE_MAX UDP_REPLY_SIZE_MAX
`;

/** Rooms of commands that somebody runs by hand: what they take or show is bounded, and their exit status or text says so. */
export const COMMANDS: readonly string[] = [
  'cli',
  'cluster',
  'doctor',
  'lint',
  'control/control-client',
];
