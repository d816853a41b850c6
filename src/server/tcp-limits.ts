/** What bounds a client's TCP connection, and all of them together: the same for responders and for node:net. */
import type { Listener } from './client.ts';

/** `timeouts` of the Corefile, of the first block at a listener. */
export interface TcpLimits {
  /** Until the first query is there. */
  readonly readMs: number;
  /** Until the client takes a reply. */
  readonly writeMs: number;
  /** Between queries. */
  readonly idleMs: number;
  /** Queries on one connection, then it is closed; undefined: no bound. */
  readonly maxTcpQueries: number | undefined;
}

export type LimitsOf = (listener: Listener) => TcpLimits;

/** Queries of one connection under way; a stub has two, a pipelining forwarder some dozens. */
export const QUERIES_MAX = 128;
/**
 * At the end a connection on which nothing has been asked yet has so long for its first query: a stub opens one to ask at once, and would
 * take its end for a failure. Longer than a pod waits for a core of a busy node.
 */
export const FIRST_QUERY_MAX_MS = 500;
/** At the end a client may keep its side open so long after ours is closed: its replies have long arrived. */
export const HALF_OPEN_MAX_MS = 250;
/** Octets of replies that the client has not taken yet, before nothing more is read from it. */
export const UNREAD_REPLIES_MAX = 256 * 1024;
/** Waiting in the kernel to be accepted: a burst of pods starting at once. */
export const TCP_BACKLOG = 1024;
