/**
 * Clients over TCP (RFC 7766) in a responder thread: accepts, reads, answers from the cache, sends what the resolver answers, and ends
 * connections by their bounds or by order. Nobody else touches a connection's descriptor.
 *
 *   epoll -> accept | read -> StreamQueries -> StreamOutput -> send
 *                                  |- miss ring -> resolver -> reply ring -> takeReplies -> StreamOutput -> send
 *   each time a connection was touched: settle -> read on, wait for room, FIN, close
 *   when a deadline is over: sweep
 */
import { FairShare } from '../base/fair-share.ts';
import type { Epoll } from '../os/epoll.ts';
import { type Libc, OS } from '../os/libc.ts';
import { addressKey } from '../os/socket-octets.ts';
import { STREAM, StreamSockets } from '../os/stream-socket.ts';
import { ReplyRing } from './reply-ring.ts';
import { FOREVER_MS } from './responder-wait.ts';
import type { RoundClock } from './round-clock.ts';
import { ENDING, NEVER_MS, StreamConnection } from './stream-connection.ts';
import { type StreamListener, StreamListeners, TOKEN } from './stream-listeners.ts';
import { READ_SIZE, StreamMemory } from './stream-memory.ts';
import { StreamOutput } from './stream-output.ts';
import { StreamQueries, type StreamQueriesWiring } from './stream-queries.ts';
import { StreamTable } from './stream-table.ts';

/** So late a deadline may be seen: thousands of connections have theirs at different times, and a sweep looks at all. */
const SWEEP_INTERVAL_MS = 50;

export interface ResponderStreamsWiring extends StreamQueriesWiring {
  readonly libc: Libc;
  readonly epoll: Epoll;
  /** Its number of slots bounds the connections. */
  readonly streamTable: SharedArrayBuffer;
  readonly replyRing: SharedArrayBuffer;
}

export class ResponderStreams {
  readonly #epoll: Epoll;
  readonly #clock: RoundClock;
  readonly #sockets: StreamSockets;
  readonly #table: StreamTable;
  readonly #ring: ReplyRing;
  readonly #memory: StreamMemory;
  readonly #output: StreamOutput;
  readonly #queries: StreamQueries;
  readonly #listeners: StreamListeners;
  /** By the client's address. */
  readonly #shares: FairShare;
  readonly #connections: (StreamConnection | undefined)[];
  readonly #freeSlots: number[];
  #hasDeadline = false;
  #sweepAtMs = 0;
  #isEnding = false;
  #cutOffAtMs = 0;

  constructor(wiring: ResponderStreamsWiring) {
    this.#epoll = wiring.epoll;
    this.#clock = wiring.clock;
    this.#sockets = new StreamSockets(wiring.libc);
    this.#table = new StreamTable(wiring.streamTable);
    this.#table.epollFd = this.#epoll.fd;
    this.#ring = new ReplyRing(wiring.replyRing);
    const { slotCount } = this.#table;
    this.#memory = new StreamMemory(wiring.libc, slotCount);
    this.#output = new StreamOutput(this.#memory, this.#sockets);
    this.#queries = new StreamQueries(wiring, this.#memory, this.#output);
    this.#listeners = new StreamListeners(this.#epoll, this.#sockets, (fd, listener) =>
      this.#open(fd, listener),
    );
    this.#shares = new FairShare(slotCount);
    this.#connections = new Array(slotCount).fill(undefined);
    this.#freeSlots = Array.from({ length: slotCount }, (_, index) => slotCount - 1 - index);
  }

  get connectionCount(): number {
    return this.#shares.held;
  }

  /** Whether `end` was called, and all connections are closed. */
  get hasEnded(): boolean {
    return this.#isEnding && this.connectionCount === 0;
  }

  /** Serves these from now on; connections of the others end. `command` is the order's number. */
  setListeners(listeners: readonly StreamListener[], command: number): void {
    this.#listeners.set(listeners);
    this.#table.closedListeners = command;
    const served = new Set(listeners.map(({ listener }) => listener));
    for (const connection of this.#connections) {
      if (connection === undefined || served.has(connection.listener)) continue;
      connection.end(this.#clock.word);
      this.#settle(connection);
    }
  }

  /** What epoll says of a listener or a connection. */
  serve(token: number, events: number): void {
    if (token < TOKEN.CONNECTION) {
      this.#listeners.accept(token - TOKEN.LISTENER);
      if (this.#listeners.hasPaused) this.#sweepIn(SWEEP_INTERVAL_MS);
      return;
    }
    const connection = this.#connections[token - TOKEN.CONNECTION];
    if (connection === undefined) return;
    if ((events & OS.EPOLLOUT) !== 0) this.#output.drain(connection, this.#clock.word);
    if ((events & ~OS.EPOLLOUT) !== 0) this.#read(connection);
    this.#settle(connection);
  }

  /** Sends what the resolver has answered, and closes connections that it has no answer for. */
  takeReplies(): void {
    const ring = this.#ring;
    let last: StreamConnection | undefined;
    ring.beginTurn();
    while (ring.next()) {
      const connection = this.#connections[ring.slot];
      // A later generation: the one that asked has gone.
      if (connection !== undefined && connection.generation === ring.generation) {
        if (connection !== last) {
          if (last !== undefined) this.#answered(last);
          this.#output.begin(connection);
          last = connection;
        }
        connection.inFlight -= 1;
        if (ring.size > 0) this.#output.append(ring.octets, ring.at, ring.size);
      }
      ring.release();
    }
    if (last !== undefined) this.#answered(last);
    this.#table.closeDoomed((slot) => this.#close(this.#connections[slot]!));
  }

  /** How long the next wait may be at most. */
  get waitMs(): number {
    if (!this.#hasDeadline) return FOREVER_MS;
    return Math.max(0, (this.#sweepAtMs - this.#clock.word) | 0);
  }

  /** Looks after deadlines that are over; to be called in each round. */
  sweep(): void {
    if (!this.#hasDeadline || ((this.#sweepAtMs - this.#clock.word) | 0) > 0) return;
    this.#hasDeadline = false;
    const isCutOff = this.#isEnding && ((this.#cutOffAtMs - this.#clock.word) | 0) <= 0;
    for (const connection of this.#connections) {
      if (connection === undefined) continue;
      if (isCutOff) this.#close(connection, true);
      else this.#checkTime(connection);
    }
    // The time of one may be over before; who waits for a reply has none but this.
    if (this.#isEnding && !isCutOff) this.#sweepIn((this.#cutOffAtMs - this.#clock.word) | 0);
    this.#listeners.resume();
  }

  /** Takes no more connections; those that are open end with FIN once what they asked is answered, at the latest after `graceMs`. */
  end(graceMs: number, command: number): void {
    this.#isEnding = true;
    this.setListeners([], command);
    this.#cutOffAtMs = (this.#clock.word + graceMs) | 0;
    this.#sweepIn(graceMs);
  }

  /** Closes everything. */
  close(): void {
    for (const connection of this.#connections) if (connection) this.#close(connection);
  }

  #open(fd: number, { listener, limits }: StreamListener): void {
    const { peer } = this.#sockets;
    const source = addressKey(peer);
    if (!this.#shares.take(source)) {
      this.#table.countRefused(this.#shares.held >= this.#shares.limit);
      this.#sockets.reset(fd);
      return;
    }
    const slot = this.#freeSlots.pop()!;
    this.#table.take(slot, fd);
    const generation = this.#table.generationOf(slot);
    this.#memory.setConnection(slot, generation, peer);
    const now = this.#clock.word;
    const connection = new StreamConnection(fd, slot, generation, listener, limits, source, now);
    this.#connections[slot] = connection;
    connection.interest = OS.EPOLLIN;
    this.#epoll.add(fd, OS.EPOLLIN, TOKEN.CONNECTION | slot);
    this.#settle(connection);
  }

  #read(connection: StreamConnection): void {
    // Only a reset is told unasked.
    if ((connection.interest & OS.EPOLLIN) === 0) {
      connection.isBroken = true;
      return;
    }
    const { readAt, readAddress, octets } = this.#memory;
    const held = connection.pending.length;
    if (held > 0) octets.set(connection.pending, readAt);
    const address = held === 0 ? readAddress : this.#memory.addressOf(readAt + held);
    const count = this.#sockets.receive(connection.fd, address, READ_SIZE);
    if (count === STREAM.WOULD_BLOCK) return;
    if (count === STREAM.BROKEN) {
      connection.isBroken = true;
      return;
    }
    connection.activeAtMs = this.#clock.word;
    if (count === 0) connection.isEof = true;
    else if (!connection.isClosing) this.#takeFrames(connection, held + count);
  }

  #takeFrames(connection: StreamConnection, size: number): void {
    const { readAt, octets } = this.#memory;
    const end = readAt + size;
    const next = this.#queries.take(connection, readAt, end);
    connection.keep(octets, next, end, next > readAt, this.#clock.word);
  }

  #answered(connection: StreamConnection): void {
    this.#output.flush();
    connection.activeAtMs = this.#clock.word;
    this.#settle(connection);
  }

  /** What is to be done now that the connection has been touched. */
  #settle(connection: StreamConnection): void {
    if (connection.hasFrame && connection.takesQueries) {
      this.#memory.octets.set(connection.pending, this.#memory.readAt);
      this.#takeFrames(connection, connection.pending.length);
    }
    if (connection.ending === ENDING.AWAITS_FIRST_QUERY) connection.goOnEnding(this.#clock.word);
    if (connection.isBroken || (connection.isDone && connection.isEof)) {
      this.#close(connection);
      return;
    }
    if (connection.isDone && !connection.isFinished) {
      this.#sockets.finish(connection.fd);
      connection.finish(this.#clock.word);
    }
    const wanted =
      (connection.wantsOctets ? OS.EPOLLIN : 0) | (connection.backlog.size > 0 ? OS.EPOLLOUT : 0);
    if (wanted !== connection.interest) {
      connection.interest = wanted;
      this.#epoll.change(connection.fd, wanted, TOKEN.CONNECTION | connection.slot);
    }
    const remainingMs = connection.remainingMs(this.#clock.word);
    if (remainingMs < NEVER_MS) this.#sweepIn(remainingMs);
  }

  #checkTime(connection: StreamConnection): void {
    const isOver = () => connection.remainingMs(this.#clock.word) <= 0;
    // What has come in time counts, even where this thread has not run since.
    if (isOver() && (connection.interest & OS.EPOLLIN) !== 0) this.#read(connection);
    // Its end goes on; all other deadlines are the connection's last.
    const isWaiting = connection.ending === ENDING.AWAITS_FIRST_QUERY;
    if (isOver() && !isWaiting) this.#close(connection);
    else this.#settle(connection);
  }

  #close(connection: StreamConnection, isCutOff = false): void {
    const { fd, slot, source, ending } = connection;
    this.#connections[slot] = undefined;
    this.#freeSlots.push(slot);
    this.#shares.giveBack(source);
    if (ending !== ENDING.NO) this.#table.countEnded(isCutOff);
    this.#epoll.remove(fd);
    this.#table.free(slot);
    this.#sockets.close(fd);
  }

  #sweepIn(ms: number): void {
    const atMs = (this.#clock.word + Math.max(ms, SWEEP_INTERVAL_MS)) | 0;
    if (this.#hasDeadline && ((atMs - this.#sweepAtMs) | 0) >= 0) return;
    this.#hasDeadline = true;
    this.#sweepAtMs = atMs;
  }
}
