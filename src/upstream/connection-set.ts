/**
 * The streams to one upstream. As CoreDNS answers each in order, a query does not follow one that waits already: the queries of
 * one turn of the event loop share a connection, hence a segment, and those of the next turn take another where no answer has
 * come yet. A quiet node has one, and a slow name delays only its turn.
 *
 * - In a storm a pause of some milliseconds, ours or the upstream's, would open a connection a turn. Where four have whole turns
 *   under way that nothing has overtaken, a query goes along on the one that has the fewest.
 * - Where answers take so long that even its own turn costs a query more than a segment, each has a connection of its own, up to
 *   four a turn.
 * - One that was seen to answer out of order takes any number.
 *
 * Beyond all connections the one with the fewest, then a bounded queue, then the query fails at once.
 */
import type { UpstreamContext } from './context.ts';
import type { Route, UpstreamFailure } from './failure.ts';
import type { Proto } from './observer.ts';
import { Percentile } from './percentile.ts';
import { QueryLimit } from './query-limit.ts';
import { jittered } from './random.ts';
import type { StreamDialer } from './stream-dialer.ts';
import { type ConnectionOwner, OUTSTANDING_MAX, TcpConnection } from './tcp-connection.ts';
import type { Carrier, UpstreamQuery } from './upstream-query.ts';

/** Each may be held up by one slow name: 64 slow names at once. node-cache opens one connection a query in flight. */
const CONNECTIONS_MAX = 64;
/** A second one helps where the first meets a dead server behind a virtual address; more at once only help who is gone. */
const DIALLING_MAX = 4;
/** As many as all connections together hold (64 x 64): a dead upstream at 5,000 queries a second fills both in 1.6 s. */
const QUEUE_MAX = 4096;
/**
 * What an answer takes, from which on queries are spread. A shared segment saves 20 us of CPU time; behind a server that takes 5 ms a name, in
 * order, and 2 s for one in a hundred, a query in twenty waited 2 s for another's answer.
 */
const SPREAD_FROM_MS = 1;
/**
 * What tells it is the 10th percentile of what the answers of a read have taken, each. Neither a pause of ours nor one of the upstream looks
 * like a slow upstream: the more queries left together and came back together, the less each has taken. One that answers in order
 * takes as long for each, however many there are. A step of a tenth: from the least to a millisecond takes two hundred reads.
 */
const ANSWER_SHARE = 0.1;
const ANSWER_STEP = 0.1;
/** So many may be shared before another is dialled. Two turns are under way where an upstream answers 20,000 a second from memory. */
const SHARED_FROM = 4;
/** Queries of a turn in a storm: 8,000 a second and more. On a quiet node a connection more costs nothing, and holds nobody up. */
const STORM_TURN = 4;
/** Longer than a pause of ours or of a server whose core is busy; of 64 connections, names that take 2 s hold up one in this time. */
const LATE_MS = 20;
/** A kube-dns replica that came later gets its share of the connections within this, where `max_age` is not set. */
export const DEFAULT_MAX_AGE_MS = 300_000;
/** Nodes and connections that started together do not move together. */
const AGE_JITTER = 0.2;

export class ConnectionSet implements Carrier, ConnectionOwner {
  readonly #context: UpstreamContext;
  readonly #dialer: StreamDialer;
  readonly #proto: Proto;
  readonly #answerTime = new Percentile(ANSWER_SHARE, ANSWER_STEP);
  readonly #queryLimit = new QueryLimit();
  readonly #connections: TcpConnection[] = [];
  /** In order of arrival. */
  readonly #queue = new Set<UpstreamQuery>();
  /** When the newest query was sent that was answered, on whichever connection. */
  #answeredSentAtMs = 0;
  /** Of a query that waits. */
  readonly route: Route;

  constructor(context: UpstreamContext, dialer: StreamDialer, to: string) {
    this.#context = context;
    this.#dialer = dialer;
    this.route = { carriage: dialer.carriage, from: undefined, to };
    this.#proto = dialer.carriage === 'tls' ? 'tcp-tls' : 'tcp';
  }

  /** False where there is no room left. A query asked again shuns the carrier that it is late on. */
  carry(query: UpstreamQuery, nowMs: number, shunned: Carrier | undefined): boolean {
    if (this.#queue.size === 0) {
      const connection = this.#choose(nowMs, shunned);
      if (connection !== undefined) {
        connection.carry(query, nowMs);
        return true;
      }
    }
    if (this.#queue.size === QUEUE_MAX) {
      this.#context.observer.overloaded(this.route.to);
      return false;
    }
    query.carrier = this;
    this.#queue.add(query);
    return true;
  }

  abandon(query: UpstreamQuery): void {
    query.isAbandoned = true;
    this.#queue.delete(query);
  }

  connectionFreed(connection: TcpConnection, nowMs: number): void {
    if (this.#queryLimit.answered(connection.answered)) this.#limitChanged();
    if (connection.answered > 0) this.#answersRead(connection);
    this.#drain(nowMs);
    const { maxIdleConns } = this.#context.options;
    if (maxIdleConns > 0 && connection.outstandingCount === 0) {
      if (this.#idleCount() > maxIdleConns) connection.close(nowMs);
    }
  }

  connectionClosed(
    connection: TcpConnection,
    failure: UpstreamFailure,
    byPeer: boolean,
    nowMs: number,
  ): void {
    this.#connections.splice(this.#connections.indexOf(connection), 1);
    if (this.#queryLimit.answered(connection.answered)) this.#limitChanged();
    if (byPeer) {
      const { dialledAtMs, lastReadAtMs, answered, outstandingCount } = connection;
      const closed = { dialledAtMs, lastReadAtMs, answered, unanswered: outstandingCount };
      if (this.#queryLimit.closed(closed, nowMs)) this.#limitChanged();
    }
    // Nothing came of it, and nothing else is open: what waits would be dialled for again, 64 at a time.
    const isHopeless = connection.answered === 0 && !this.#connections.some(({ isOpen }) => isOpen);
    if (isHopeless) this.#loseQueue(failure, nowMs);
    else this.#drain(nowMs);
  }

  snapshot() {
    let outstanding = 0;
    for (const connection of this.#connections) outstanding += connection.outstandingCount;
    return {
      connections: this.#connections.length,
      outstanding,
      queued: this.#queue.size,
      queryLimit: this.#queryLimit.limit,
    };
  }

  /** Closes all connections; what is outstanding or queued is lost. */
  close(nowMs: number): void {
    this.#loseQueue({ code: 'closed' }, nowMs);
    for (const connection of [...this.#connections]) connection.close(nowMs);
  }

  #loseQueue(failure: UpstreamFailure, nowMs: number): void {
    const queued = [...this.#queue];
    this.#queue.clear();
    for (const query of queued) query.sender.lost(query, failure, false, nowMs);
  }

  #answersRead({ answerMs, answeredSentAtMs }: TcpConnection): void {
    this.#answerTime.add(answerMs);
    this.#answeredSentAtMs = Math.max(this.#answeredSentAtMs, answeredSentAtMs);
  }

  #choose(nowMs: number, shunned: Carrier | undefined): TcpConnection | undefined {
    const spreads = this.#answerTime.ms >= SPREAD_FROM_MS;
    let best: TcpConnection | undefined;
    let bestLoad = 0;
    let shareable = 0;
    let dialling = 0;
    for (const connection of this.#connections) {
      if (!connection.isOpen) dialling++;
      if (connection === shunned || !connection.hasRoom(nowMs)) continue;
      const isHeldUp = connection.isHeldUp(nowMs);
      if (spreads ? !connection.isOccupied : !isHeldUp) {
        // What this turn has taken already comes before the next one that is free.
        return this.#reused(spreads && shareable >= SHARED_FROM ? best : connection);
      }
      // What was sent before may be slow; what goes along in this turn is at least as quick as a dial.
      const isShareable = spreads ? !isHeldUp : this.#isInTime(connection, nowMs);
      if (isShareable) shareable++;
      const load = connection.outstandingCount + (isShareable ? 0 : OUTSTANDING_MAX);
      if (best !== undefined && load >= bestLoad) continue;
      best = connection;
      bestLoad = load;
    }
    const mayDial = this.#connections.length < CONNECTIONS_MAX && dialling < DIALLING_MAX;
    return mayDial && shareable < SHARED_FROM ? this.#dial(nowMs) : this.#reused(best);
  }

  /** Whether a storm's turn is under way on it, and no slow name: nothing was answered yet that was sent later. */
  #isInTime({ headSentAtMs, outstandingCount }: TcpConnection, nowMs: number): boolean {
    return (
      outstandingCount >= STORM_TURN &&
      headSentAtMs >= this.#answeredSentAtMs &&
      nowMs - headSentAtMs < LATE_MS
    );
  }

  #reused(connection: TcpConnection | undefined): TcpConnection | undefined {
    if (connection !== undefined) {
      this.#context.observer.connectionReused(this.route.to, this.#proto);
    }
    return connection;
  }

  #dial(nowMs: number): TcpConnection {
    const { options, random } = this.#context;
    const maxAgeMs = options.maxAgeMs > 0 ? options.maxAgeMs : DEFAULT_MAX_AGE_MS;
    const connection = new TcpConnection(this.#context, this.#dialer, this.route.to, this, {
      allowance: this.#queryLimit.allowance(),
      retireAtMs: nowMs + jittered(random, maxAgeMs, AGE_JITTER),
    });
    this.#connections.push(connection);
    this.#context.observer.connectionOpened(this.route.to, this.#proto);
    return connection;
  }

  #drain(nowMs: number): void {
    for (const query of this.#queue) {
      const connection = this.#choose(nowMs, undefined);
      if (connection === undefined) return;
      this.#queue.delete(query);
      connection.carry(query, nowMs);
    }
  }

  #idleCount(): number {
    let count = 0;
    for (const { isOpen, outstandingCount } of this.#connections) {
      if (isOpen && outstandingCount === 0) count++;
    }
    return count;
  }

  #limitChanged(): void {
    this.#context.observer.queryLimitLearnt(this.route.to, this.#queryLimit.limit);
  }
}
