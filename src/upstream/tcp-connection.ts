/**
 * One long-lived stream to an upstream, TCP or TLS, with many queries in flight (RFC 7766 §6.2.1.1). Replies are matched by
 * id and question, in whatever order they come. Which connection a query takes is decided in `connection-set.ts`.
 *
 * A query stays in `outstanding` until its reply comes or the connection closes, also where its sender has given it up:
 * CoreDNS answers a connection's queries strictly in order, so whoever waits at the head holds up what is behind.
 */

import type { Socket } from 'node:net';
import { assert } from '../base/invariant.ts';
import { atTurnEnd } from '../base/turn-end.ts';
import { acknowledgeNow } from '../os/tcp-socket.ts';
import { u16 } from '../wire/octets.ts';
import type { UpstreamContext } from './context.ts';
import { type Route, socketFailure, type UpstreamFailure } from './failure.ts';
import { FrameReader, frameQueries, framesSize, type MessageSink } from './framing.ts';
import { answers, isResponse } from './message.ts';
import { Outstanding } from './outstanding.ts';
import { unusedId } from './random.ts';
import type { StreamDialer } from './stream-dialer.ts';
import { Timer, type TimerTarget } from './timer-wheel.ts';
import type { Carrier, UpstreamQuery } from './upstream-query.ts';

/** About two segments of queries; behind a server that answers in order in 0.1 ms each, the last waits 6 ms. */
export const OUTSTANDING_MAX = 64;
/** A connection that is dialled for longer gets no more: behind a virtual address another dial may meet a live server. */
const DIAL_AGE_MAX_MS = 100;
const DIAL_TIMEOUT_MS = 1000;

/** Reads are parsed before the next one starts, so all connections of a thread read into the same memory. */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

export interface ConnectionOwner {
  /** It has room again. */
  connectionFreed(connection: TcpConnection, nowMs: number): void;
  /** It closed; called before the senders of its queries hear of it. */
  connectionClosed(
    connection: TcpConnection,
    failure: UpstreamFailure,
    byPeer: boolean,
    nowMs: number,
  ): void;
}

export interface ConnectionLimits {
  /** Queries it may carry in its life. */
  readonly allowance: number;
  /** When it takes no more queries because of its age. */
  readonly retireAtMs: number;
}

export class TcpConnection implements Carrier, MessageSink, TimerTarget {
  readonly #context: UpstreamContext;
  readonly #owner: ConnectionOwner;
  readonly #limits: ConnectionLimits;
  readonly #dialer: StreamDialer;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #timer = new Timer(this);
  readonly #outstanding = new Outstanding();
  #unsent: UpstreamQuery[] = [];
  #state: 'dialling' | 'open' | 'closed' = 'dialling';
  route: Route;
  #answersInOrder = true;
  /** A write met a reset: replies that came before it cannot be read any more. */
  #hasLostReplies = false;
  #lastUsedAtMs: number;
  readonly dialledAtMs: number;
  lastReadAtMs = 0;
  /** What each answer of the last read has taken: queries of one segment come back together, and share the time. */
  answerMs = 0;
  /** When the newest query was sent that it has answered. */
  answeredSentAtMs = 0;
  assigned = 0;
  answered = 0;

  constructor(
    context: UpstreamContext,
    dialer: StreamDialer,
    to: string,
    owner: ConnectionOwner,
    limits: ConnectionLimits,
  ) {
    this.#context = context;
    this.#owner = owner;
    this.#limits = limits;
    this.#dialer = dialer;
    this.route = { carriage: dialer.carriage, from: undefined, to };
    this.dialledAtMs = this.#lastUsedAtMs = context.clock.nowMs();
    const onread = {
      buffer: readBuffer,
      callback: (octets: number) => this.#read(octets),
    };
    this.#socket = dialer.dial(onread, () => this.#established());
    this.#socket.on('error', (error) => this.#broken(error));
    this.#socket.on('end', () => this.#ended());
    // Where neither of the two came before.
    this.#socket.on('close', () => this.#ended());
    context.wheel.schedule(this.#timer, this.dialledAtMs + DIAL_TIMEOUT_MS);
  }

  get outstandingCount(): number {
    return this.#outstanding.size;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether it has room for one more query, its age and head aside. */
  hasRoom(nowMs: number): boolean {
    return (
      this.#state !== 'closed' &&
      this.#outstanding.size < OUTSTANDING_MAX &&
      this.assigned < this.#limits.allowance &&
      nowMs < this.#limits.retireAtMs
    );
  }

  /** Whether a query given to it would wait behind one of an earlier turn, or for a dial that takes long. */
  isHeldUp(nowMs: number): boolean {
    if (this.#state === 'dialling') return nowMs - this.dialledAtMs > DIAL_AGE_MAX_MS;
    return this.isOccupied && this.#oldest().sentAtMs !== 0;
  }

  /** Whether a query given to it would wait behind another. */
  get isOccupied(): boolean {
    return this.#answersInOrder && this.#outstanding.size > 0;
  }

  /** When the query was sent that a further one would wait for; 0 where none was sent. */
  get headSentAtMs(): number {
    return this.#outstanding.oldest?.sentAtMs ?? 0;
  }

  /** Takes a query; it leaves with the others of this turn of the event loop. */
  carry(query: UpstreamQuery, nowMs: number): void {
    assert(this.hasRoom(nowMs));
    query.id = unusedId(this.#context.random, this.#outstanding);
    query.carrier = this;
    this.#outstanding.add(query);
    this.#unsent.push(query);
    this.assigned++;
    this.#lastUsedAtMs = nowMs;
    if (this.#state === 'open' && this.#unsent.length === 1) atTurnEnd(this.#flush);
  }

  /** The id stays taken until the reply comes, so that it is not taken for another's. */
  abandon(query: UpstreamQuery): void {
    query.isAbandoned = true;
  }

  /** At the end of a turn: all that it was given meanwhile leaves as one write (RFC 7766 §6.2.1.1). */
  readonly #flush = (): void => {
    if (this.#state !== 'open') return;
    const nowMs = this.#context.clock.nowMs();
    const queries = this.#unsent.filter((query) => this.#isWanted(query));
    this.#unsent = [];
    if (queries.length === 0) return;
    for (const query of queries) query.sentAtMs = nowMs;
    const size = framesSize(queries);
    this.#dialer.write(this.#socket, size, (octets) => frameQueries(queries, octets));
    this.#context.observer.segmentWritten(this.route.to, queries.length, size);
    this.#context.wheel.scheduleBy(this.#timer, this.#silenceEndsAtMs());
  };

  messageRead(message: Uint8Array, nowMs: number): void {
    const query = this.#outstanding.get(u16(message, 0));
    if (query === undefined) {
      this.#context.observer.replyIgnored(this.route.to, 'mismatch');
      return;
    }
    if (this.#answersInOrder && query !== this.#oldest()) this.#answersInOrder = false;
    this.#outstanding.delete(query);
    this.answered++;
    this.answeredSentAtMs = query.sentAtMs;
    if (query.isAbandoned) {
      this.#context.observer.replyIgnored(this.route.to, 'late');
    } else if (
      query.takesAnyResponse
        ? isResponse(message)
        : answers(query.message, query.questionEnd, message)
    ) {
      query.sender.answered(query, message, nowMs);
    } else {
      this.#context.observer.replyIgnored(this.route.to, 'mismatch');
      query.sender.lost(query, { code: 'malformed', route: this.route }, false, nowMs);
    }
  }

  timerExpired(nowMs: number): void {
    if (this.#state === 'dialling') {
      this.#close({ code: 'timeout', operation: 'dial', route: this.route }, false, nowMs);
    } else if (this.#outstanding.size > 0) {
      const dueAtMs = this.#silenceEndsAtMs();
      if (nowMs < dueAtMs) this.#context.wheel.schedule(this.#timer, dueAtMs);
      else this.#close({ code: 'timeout', operation: 'read', route: this.route }, false, nowMs);
    } else if (nowMs < this.#lastUsedAtMs + this.#context.options.expireMs) {
      this.#watchIdle();
    } else {
      this.close(nowMs);
    }
  }

  /** Closes it now; what is outstanding is lost. */
  close(nowMs: number): void {
    this.#close({ code: 'closed' }, false, nowMs);
  }

  #isWanted(query: UpstreamQuery): boolean {
    if (query.isAbandoned) this.#outstanding.delete(query);
    return !query.isAbandoned;
  }

  #oldest(): UpstreamQuery {
    const { oldest } = this.#outstanding;
    assert(oldest !== undefined);
    return oldest;
  }

  /** When to give it up: the upstream has said nothing for `read_timeout` although a query waits. */
  #silenceEndsAtMs(): number {
    const { sentAtMs } = this.#oldest();
    const waitsSinceMs =
      sentAtMs === 0 ? this.#lastUsedAtMs : Math.max(this.lastReadAtMs, sentAtMs);
    return waitsSinceMs + this.#context.options.readTimeoutMs;
  }

  #watchIdle(): void {
    const { wheel, options } = this.#context;
    wheel.scheduleBy(this.#timer, this.#lastUsedAtMs + options.expireMs);
  }

  #established(): void {
    if (this.#state !== 'dialling') return;
    this.#state = 'open';
    const { localAddress, localPort, localFamily } = this.#socket;
    const host = localFamily === 'IPv6' ? `[${localAddress}]` : localAddress;
    this.route = { ...this.route, from: `${host}:${localPort}` };
    this.#context.wheel.cancel(this.#timer);
    this.#watchIdle();
    this.#flush();
    // Queries given up during the dial have left room.
    this.#owner.connectionFreed(this, this.#context.clock.nowMs());
  }

  #read(octets: number): boolean {
    if (this.#state === 'closed') return false;
    const nowMs = this.#context.clock.nowMs();
    const before = this.answered;
    const waitedMs = nowMs - Math.max(this.headSentAtMs, this.lastReadAtMs);
    this.lastReadAtMs = this.#lastUsedAtMs = nowMs;
    const inStep = this.#reader.read(readBuffer.subarray(0, octets), this, nowMs);
    const answers = this.answered - before;
    if (answers > 0) this.answerMs = waitedMs / answers;
    this.#context.observer.segmentRead(this.route.to, answers, octets);
    if (!inStep) this.#close({ code: 'malformed', route: this.route }, false, nowMs);
    else if (this.#isSpent(nowMs)) this.close(nowMs);
    else if (answers > 0) this.#owner.connectionFreed(this, nowMs);
    // A server that does not turn Nagle's algorithm off (RFC 1122 §4.2.3.4), as Unbound, keeps its next answer until this one is
    // acknowledged: 40 ms, where nothing of ours follows.
    if (this.#state === 'open' && this.#outstanding.size > 0) acknowledgeNow(this.#socket);
    return true;
  }

  #isSpent(nowMs: number): boolean {
    const isRetired = this.assigned >= this.#limits.allowance || nowMs >= this.#limits.retireAtMs;
    return isRetired && this.#outstanding.size === 0;
  }

  #ended(): void {
    this.#close({ code: 'eof', route: this.route }, true, this.#context.clock.nowMs());
  }

  #broken(error: NodeJS.ErrnoException): void {
    const operation = this.#state === 'dialling' ? 'dial' : 'read';
    const failure = socketFailure(error, operation, this.route);
    if (error.syscall === 'write') this.#hasLostReplies = true;
    this.#close(failure, true, this.#context.clock.nowMs());
  }

  #close(failure: UpstreamFailure, byPeer: boolean, nowMs: number): void {
    if (this.#state === 'closed') return;
    const hadProgress = byPeer && (this.answered > 0 || this.#hasLostReplies);
    this.#state = 'closed';
    this.#context.wheel.cancel(this.#timer);
    this.#socket.destroy();
    this.#owner.connectionClosed(this, failure, byPeer, nowMs);
    const orphans = this.#outstanding.clear();
    this.#unsent = [];
    for (const query of orphans) {
      if (!query.isAbandoned) query.sender.lost(query, failure, hadProgress, nowMs);
    }
  }
}
