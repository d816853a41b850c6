/**
 * One client's TCP connection through node:net: frames in (two octets of length, RFC 1035 §4.2.2), arrivals out, replies back in the order in
 * which they are ready; all replies of one turn of the event loop leave in one write.
 *
 * Bounds: so many queries under way, then no more is read until some are answered; octets that the client does not
 * read stop the reading too, and end the connection when it does not read them in time.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { FRAME_HEADER_SIZE, frameOf, messageSizeAt } from '../wire/frame.ts';
import { MESSAGE_SIZE_MAX } from '../wire/registry.ts';
import type { ArrivalHandler, Client, Peer } from './client.ts';
import {
  FIRST_QUERY_MAX_MS,
  HALF_OPEN_MAX_MS,
  QUERIES_MAX,
  type TcpLimits,
  UNREAD_REPLIES_MAX,
} from './tcp-limits.ts';

export interface TcpConnectionOptions {
  readonly listener: number;
  readonly limits: TcpLimits;
  readonly clock: Clock;
  readonly onArrival: ArrivalHandler;
  readonly onClosed: () => void;
}

export class TcpConnection implements Client {
  readonly protocol = 'tcp';
  readonly replySizeMax = MESSAGE_SIZE_MAX;
  readonly listener: number;
  readonly #socket: Socket;
  readonly #options: TcpConnectionOptions;
  readonly #peer: Peer;
  /** Octets that are not a whole frame yet, or that wait for queries to be answered. */
  #pending: Uint8Array = new Uint8Array(0);
  /** When the first of them became the first. */
  #pendingSinceMs = 0;
  #queriesInFlight = 0;
  #queryCount = 0;
  #hasEnded = false;
  #isCutOff = false;
  /** Of the socket: set where it changes only, since traffic sets the timer back by itself. */
  #timeoutMs = 0;
  /** Replies that leave with the next write. */
  #frames: Uint8Array[] = [];
  #framesOctets = 0;
  #isFlushDue = false;
  #onFirstQuery = () => {};

  constructor(socket: Socket, options: TcpConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.listener = options.listener;
    this.#peer = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    this.#setTimeout(options.limits.readMs);
    socket.on('timeout', () => this.#timedOut());
    socket.on('data', (data: Buffer) => this.#receive(data));
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#endWhenDone();
    });
    socket.on('drain', () => this.#readOn());
    // A reset by the client; `close` follows.
    socket.on('error', () => socket.destroy());
    socket.on('close', options.onClosed);
  }

  get source(): string {
    return this.#peer.host;
  }

  peer(): Peer {
    return this.#peer;
  }

  send(reply: Uint8Array): void {
    this.#queriesInFlight -= 1;
    if (this.#socket.destroyed) return;
    const frame = frameOf(reply);
    this.#frames.push(frame);
    this.#framesOctets += frame.length;
    if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      setImmediate(() => this.#flush());
    }
    this.#readOn();
    this.#endWhenDone();
  }

  /** Takes no more queries but the first; resolves when the connection is closed, after the last reply. */
  async end(): Promise<void> {
    await this.#firstQuery();
    if (this.#socket.destroyed) return;
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    // Whichever way: events.once would reject where the client answers FIN with RST.
    this.#socket.once('close', () => resolve());
    this.#hasEnded = true;
    this.#pending = new Uint8Array(0);
    // Only who reads sees the client's FIN.
    this.#socket.resume();
    // Who does not close in turn is not waited for.
    const giveUp = () => setTimeout(() => this.#socket.destroy(), HALF_OPEN_MAX_MS).unref();
    if (this.#socket.writableFinished) giveUp();
    else this.#socket.once('finish', giveUp);
    this.#endWhenDone();
    await closed;
  }

  /** Whether its last replies were not waited for. */
  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  cutOff(): void {
    this.#isCutOff = true;
    this.#socket.destroy();
  }

  /** Resolves when there has been one, or none will be waited for. */
  async #firstQuery(): Promise<void> {
    if (this.#queryCount > 0 || this.#hasEnded || this.#socket.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    // What has come in time counts, even where this thread has not run since: timers are served before sockets.
    const timer = setTimeout(() => setImmediate(resolve), FIRST_QUERY_MAX_MS);
    this.#onFirstQuery = resolve;
    for (const event of ['end', 'close']) this.#socket.once(event, () => resolve());
    await promise;
    clearTimeout(timer);
  }

  #receive(data: Uint8Array): void {
    if (this.#hasEnded) return;
    if (this.#pending.length === 0) this.#pendingSinceMs = this.#options.clock.nowMs();
    this.#pending = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    // What is answered at once leaves at once.
    this.#isFlushDue = true;
    this.#takeFrames();
    this.#flush();
    if (!this.#socket.isPaused() && this.#isDripping()) this.#socket.destroy();
  }

  /** Each octet sets the socket's timer back, so a frame as a whole has a time too. */
  #isDripping(): boolean {
    const { clock, limits } = this.#options;
    const limitMs = this.#queryCount === 0 ? limits.readMs : limits.idleMs;
    return this.#pending.length > 0 && clock.nowMs() - this.#pendingSinceMs > limitMs;
  }

  /** A client that waits for an answer is not idle: it gets one, or a failure, within the time that a question has. */
  #timedOut(): void {
    const isWaiting = this.#queriesInFlight > 0 && !this.#socket.writableNeedDrain;
    // It has run out: it is set again, whatever it was set to.
    if (isWaiting) this.#socket.setTimeout(this.#timeoutMs);
    else this.#socket.destroy();
  }

  #takeFrames(): void {
    let at = 0;
    const pending = this.#pending;
    while (!this.#isBusy()) {
      const size = messageSizeAt(pending, at, pending.length);
      if (size < 0) break;
      this.#take(pending.subarray(at + FRAME_HEADER_SIZE, at + FRAME_HEADER_SIZE + size));
      at += FRAME_HEADER_SIZE + size;
    }
    this.#pending = pending.subarray(at);
    if (at > 0) this.#pendingSinceMs = this.#options.clock.nowMs();
    if (this.#isBusy()) this.#socket.pause();
    this.#endWhenDone();
  }

  #take(frame: Uint8Array): void {
    const { maxTcpQueries, idleMs } = this.#options.limits;
    // The bound of `timeouts maxtcpqueries`: what comes after it is not read.
    if (this.#hasEnded && this.#queryCount === maxTcpQueries) return;
    this.#queryCount += 1;
    this.#queriesInFlight += 1;
    this.#onFirstQuery();
    if (this.#queryCount === maxTcpQueries) this.#hasEnded = true;
    this.#setTimeout(idleMs);
    this.#options.onArrival({
      query: new Uint8Array(frame),
      client: this,
      listener: this.listener,
      receivedAtMs: this.#options.clock.nowMs(),
    });
  }

  drop(): void {
    this.#queriesInFlight -= 1;
    this.#readOn();
    this.#endWhenDone();
  }

  #isBusy(): boolean {
    const unread = this.#socket.writableLength + this.#framesOctets;
    return this.#queriesInFlight >= QUERIES_MAX || unread > UNREAD_REPLIES_MAX;
  }

  #readOn(): void {
    if (!this.#socket.isPaused() || this.#isBusy() || this.#socket.destroyed) return;
    this.#socket.resume();
    // Not at once: a reply may leave while frames are being taken.
    if (this.#pending.length > 0) setImmediate(() => this.#takeFrames());
  }

  #endWhenDone(): void {
    const isDone = this.#hasEnded && this.#queriesInFlight === 0 && !this.#hasWholeFrame();
    if (!isDone || this.#socket.destroyed) return;
    this.#flush();
    this.#socket.end();
  }

  #hasWholeFrame(): boolean {
    const { maxTcpQueries } = this.#options.limits;
    if (this.#queryCount === maxTcpQueries) return false;
    return messageSizeAt(this.#pending, 0, this.#pending.length) >= 0;
  }

  /** Writes the replies that have come together. */
  #flush(): void {
    this.#isFlushDue = false;
    const frames = this.#frames;
    if (frames.length === 0 || this.#socket.destroyed) return;
    this.#frames = [];
    this.#framesOctets = 0;
    this.#socket.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
    const { idleMs, writeMs } = this.#options.limits;
    this.#setTimeout(this.#socket.writableNeedDrain ? writeMs : idleMs);
    this.#readOn();
  }

  #setTimeout(ms: number): void {
    if (ms === this.#timeoutMs) return;
    this.#timeoutMs = ms;
    this.#socket.setTimeout(ms);
  }
}
