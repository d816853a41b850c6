/**
 * What this room tells the metrics: one method an event, all synchronous and cheap. Rooms above turn them into the series
 * `coredns_forward_*`, `coredns_proxy_*` and our own; this room knows no series.
 */

/** The `proto` label of `coredns_proxy_conn_cache_*`. */
export type Proto = 'udp' | 'tcp' | 'tcp-tls';

/** Why a question was sent once more. */
export const REASK_REASONS = [
  /** Hedged: no answer yet, asked on another connection as well. */
  'late',
  /** The upstream closed a connection on which it had answered before. */
  'closed',
  /** TC came over UDP, asked again over TCP. */
  'truncated',
  /** Its UDP socket saw too many replies that match nothing, asked again over TCP. */
  'mismatch',
  /** An attempt failed; asked the next upstream, or the same one again. */
  'failed',
] as const;
export type ReaskReason = (typeof REASK_REASONS)[number];

/** Why a reply was not used. */
export type IgnoredReason =
  /** Doubled, or later than another answer to the same question. */
  | 'late'
  /** No query has this id, or the question is another. */
  | 'mismatch';

export interface UpstreamObserver {
  /** A reply was accepted; `seconds` since the question was asked of `to`. */
  requestDone(to: string, rcode: number, seconds: number): void;
  healthCheckFailed(to: string): void;
  /** Every upstream of the forward is down. */
  healthCheckBroken(): void;
  maxConcurrentRejected(): void;
  /** A query found no room in any connection nor in the queue. */
  overloaded(to: string): void;
  /** A query went out on a connection or socket that was there (`conn_cache_hits`). */
  connectionReused(to: string, proto: Proto): void;
  /** A query needed a new one (`conn_cache_misses`). */
  connectionOpened(to: string, proto: Proto): void;
  /** One write to the kernel: a TCP segment's worth, or a datagram. */
  segmentWritten(to: string, queries: number, octets: number): void;
  /** One read from the kernel. */
  segmentRead(to: string, responses: number, octets: number): void;
  reasked(to: string, reason: ReaskReason): void;
  replyIgnored(to: string, reason: IgnoredReason): void;
  /** The number of queries after which `to` closes a connection; undefined: it is not known any more. */
  queryLimitLearnt(to: string, limit: number | undefined): void;
}

/** Listens to nothing. */
export const silentObserver: UpstreamObserver = {
  requestDone() {},
  healthCheckFailed() {},
  healthCheckBroken() {},
  maxConcurrentRejected() {},
  overloaded() {},
  connectionReused() {},
  connectionOpened() {},
  segmentWritten() {},
  segmentRead() {},
  reasked() {},
  replyIgnored() {},
  queryLimitLearnt() {},
};
