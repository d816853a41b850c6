/**
 * One connected UDP socket to an upstream, with many queries in flight. The kernel draws its source port at random and
 * drops datagrams of other senders; an id is never used twice in a socket's life, so that a late or doubled reply is known
 * from a forged one (RFC 5452 §4.3, §9). Eight replies that match nothing close the socket: guessing then starts again at
 * a new port, and the queries that were being guessed at go over TCP.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { setU16, u16 } from '../wire/octets.ts';
import { HEADER_SIZE } from '../wire/registry.ts';
import type { UpstreamContext } from './context.ts';
import { type Route, socketFailure, type UpstreamFailure } from './failure.ts';
import { answers, isResponse } from './message.ts';
import type { Endpoint } from './options.ts';
import { Outstanding } from './outstanding.ts';
import { unusedId } from './random.ts';
import { Timer, type TimerTarget } from './timer-wheel.ts';
import type { Carrier, UpstreamQuery } from './upstream-query.ts';

/** What is in flight on all sockets of an upstream together is as much as on all its streams (8 x 512). */
const OUTSTANDING_MAX = 512;
/** One id in sixteen is used up at most, which leaves a guesser 15 bits and the port. */
const QUERIES_MAX = 4096;
const MISMATCHES_MAX = 8;
/** A retired socket waits so long for its last replies: a client's query lasts no longer. */
const LINGER_MS = 4000;

export class UdpSocket implements Carrier, TimerTarget {
  readonly #context: UpstreamContext;
  readonly #onClosed: (socket: UdpSocket) => void;
  readonly #socket: Socket;
  readonly #timer = new Timer(this);
  readonly #outstanding = new Outstanding();
  readonly #pastIds = new Set<number>();
  #unsent: UpstreamQuery[] = [];
  #state: 'opening' | 'open' | 'retired' | 'closed' = 'opening';
  route: Route;
  #mismatches = 0;
  #assigned = 0;

  constructor(
    context: UpstreamContext,
    endpoint: Endpoint,
    to: string,
    onClosed: (socket: UdpSocket) => void,
  ) {
    this.#context = context;
    this.#onClosed = onClosed;
    this.route = { carriage: 'udp', from: undefined, to };
    const family = isIPv6(endpoint.host) ? 6 : 4;
    this.#socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // Endpoints are addresses already. Not found before the next tick, so that an error does not come in this constructor.
      lookup: (host, _options, found) => process.nextTick(found, null, host, family),
    });
    this.#socket.on('message', (message) => this.#read(message));
    this.#socket.on('error', (error) => this.#broken(error));
    this.#socket.on('connect', () => this.#opened());
    const { sourceAddress } = context.options;
    if (sourceAddress === undefined) this.#socket.connect(endpoint.port, endpoint.host);
    else {
      this.#socket.bind({ address: sourceAddress, port: 0 }, () => {
        if (this.#state === 'opening') this.#socket.connect(endpoint.port, endpoint.host);
      });
    }
    context.wheel.schedule(this.#timer, context.clock.nowMs() + context.options.expireMs);
  }

  get outstandingCount(): number {
    return this.#outstanding.size;
  }

  /** Whether it takes new queries; a socket that does not is replaced. */
  get isCurrent(): boolean {
    return (this.#state === 'opening' || this.#state === 'open') && this.#assigned < QUERIES_MAX;
  }

  hasRoom(): boolean {
    return this.isCurrent && this.#outstanding.size < OUTSTANDING_MAX;
  }

  carry(query: UpstreamQuery, nowMs: number): void {
    query.id = unusedId(this.#context.random, this.#outstanding, this.#pastIds);
    query.carrier = this;
    query.sentAtMs = nowMs;
    this.#outstanding.add(query);
    if (++this.#assigned === QUERIES_MAX) this.#context.wheel.schedule(this.#timer, nowMs);
    if (this.#state === 'open') this.#send(query);
    else this.#unsent.push(query);
  }

  abandon(query: UpstreamQuery): void {
    query.isAbandoned = true;
    this.#forget(query);
  }

  timerExpired(nowMs: number): void {
    const hasLingered = this.#state === 'retired';
    this.#state = 'retired';
    if (hasLingered || this.#outstanding.size === 0) this.close(nowMs);
    else this.#context.wheel.schedule(this.#timer, nowMs + LINGER_MS);
  }

  /** Closes it now; what is outstanding is lost. */
  close(nowMs: number): void {
    this.#close({ code: 'closed' }, nowMs);
  }

  #forget(query: UpstreamQuery): void {
    this.#outstanding.delete(query);
    this.#pastIds.add(query.id);
  }

  #opened(): void {
    if (this.#state === 'closed') return;
    const { address, family, port } = this.#socket.address();
    this.route = {
      ...this.route,
      from: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    };
    if (this.#state === 'opening') this.#state = 'open';
    for (const query of this.#unsent) if (!query.isAbandoned) this.#send(query);
    this.#unsent = [];
  }

  #send(query: UpstreamQuery): void {
    const message = Buffer.allocUnsafe(query.message.length);
    message.set(query.message);
    setU16(message, 0, query.id);
    this.#socket.send(message);
    this.#context.observer.segmentWritten(this.route.to, 1, message.length);
  }

  #read(message: Buffer): void {
    if (this.#state === 'closed') return;
    const { clock, observer } = this.#context;
    const nowMs = clock.nowMs();
    observer.segmentRead(this.route.to, 1, message.length);
    const id = message.length < HEADER_SIZE ? -1 : u16(message, 0);
    const query = this.#outstanding.get(id);
    if (query === undefined) {
      if (this.#pastIds.has(id)) observer.replyIgnored(this.route.to, 'late');
      else this.#mismatched(nowMs);
    } else if (
      query.takesAnyResponse
        ? isResponse(message)
        : answers(query.message, query.questionEnd, message)
    ) {
      this.#forget(query);
      query.sender.answered(query, message, nowMs);
      if (this.#state === 'retired' && this.#outstanding.size === 0) this.close(nowMs);
    } else {
      query.sawMismatch = true;
      this.#mismatched(nowMs);
    }
  }

  #mismatched(nowMs: number): void {
    this.#context.observer.replyIgnored(this.route.to, 'mismatch');
    if (++this.#mismatches === MISMATCHES_MAX) {
      this.#close({ code: 'mismatch', route: this.route }, nowMs);
    }
  }

  /** On a connected socket an error is the upstream's ICMP message: it holds for all that is in flight. */
  #broken(error: NodeJS.ErrnoException): void {
    const operation = this.route.from === undefined ? 'dial' : 'read';
    const failure = socketFailure(error, operation, this.route);
    this.#close(failure, this.#context.clock.nowMs());
  }

  #close(failure: UpstreamFailure, nowMs: number): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#context.wheel.cancel(this.#timer);
    this.#socket.close();
    this.#onClosed(this);
    const orphans = this.#outstanding.clear();
    this.#unsent = [];
    for (const query of orphans) query.sender.lost(query, failure, false, nowMs);
  }
}
