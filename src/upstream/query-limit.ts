/**
 * Learns after how many queries an upstream closes a connection. CoreDNS up to 1.10.0 does after 128, other servers after
 * 1 or 100; a client that does not know it loses what it has sent beyond. Two closes in a row at the same count teach the
 * limit; now and then a connection may carry one query more, and an answer to that one unteaches it.
 *
 * Not evidence: a close before any answer (a crash, a refusal), a close of an idle connection (its time-out), and a close of
 * a connection dialled before the evidence at hand (a restart closes several at once, at counts that mean nothing).
 */

/** A connection idle for longer was closed by the server's idle time-out, which is seconds (RFC 7766 §6.2.3). */
const IDLE_MS = 500;
/** One connection in so many probes beyond the limit: with N = 1, one query in 32 waits for a second dial. */
const PROBE_INTERVAL = 32;

export interface ClosedConnection {
  readonly dialledAtMs: number;
  readonly lastReadAtMs: number;
  /** Replies that came on it. */
  readonly answered: number;
  /** Queries that were still without a reply. */
  readonly unanswered: number;
}

export class QueryLimit {
  /** Undefined: none is known. */
  limit: number | undefined = undefined;
  #suspected = 0;
  #suspectedAtMs = Number.NEGATIVE_INFINITY;
  #untilProbe = PROBE_INTERVAL;

  /** How many queries the next connection may carry. */
  allowance(): number {
    if (this.limit === undefined) return Number.POSITIVE_INFINITY;
    if (--this.#untilProbe > 0) return this.limit;
    this.#untilProbe = PROBE_INTERVAL;
    return this.limit + 1;
  }

  /** The upstream closed a connection. True where the limit changed. */
  closed(connection: ClosedConnection, nowMs: number): boolean {
    const { answered, unanswered, lastReadAtMs, dialledAtMs } = connection;
    if (answered === 0) return false;
    if (unanswered === 0 && nowMs - lastReadAtMs > IDLE_MS) return false;
    if (dialledAtMs < this.#suspectedAtMs) return false;
    const isSecond = answered === this.#suspected;
    this.#suspected = answered;
    this.#suspectedAtMs = nowMs;
    if (!isSecond || this.limit === answered) return false;
    this.limit = answered;
    this.#untilProbe = PROBE_INTERVAL;
    return true;
  }

  /** A connection has had so many replies. True where that unteaches the limit. */
  answered(count: number): boolean {
    if (this.limit === undefined || count <= this.limit) return false;
    this.limit = undefined;
    this.#suspected = 0;
    return true;
  }
}
