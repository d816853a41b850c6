/**
 * An upstream that does what a test tells it, on one port of 127.0.0.1 for UDP and TCP. A handler decides for each
 * query; every query is recorded with the connection and the segment it came in; answers can be held back and released
 * by hand, so that a test knows what is in flight.
 *
 *     const upstream = await ScriptedUpstream.start(test, (query) => addresses(query, '192.0.2.1'));
 *     upstream.hold();
 *     ... ask the server under test ...
 *     await upstream.received(1);
 *     upstream.release();
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import * as dnsPacket from 'dns-packet';
import { FrameReader, frame } from '../../src/cli/stand-in/frames.ts';
import { Arrivals } from './arrivals.ts';
import { type DecodedMessage, decodeMessage } from './messages.ts';
import type { CleanUp } from './temporary-directory.ts';

/** A query as it arrived. */
export interface UpstreamQuery {
  readonly octets: Buffer;
  readonly decoded: DecodedMessage;
  readonly question: dnsPacket.Question;
  readonly transport: 'udp' | 'tcp';
  /** TCP connections count from 1 in the order they were accepted; 0 over UDP. */
  readonly connection: number;
  /** Reads of this connection count from 1: queries with the same number came together; 0 over UDP. */
  readonly segment: number;
}

/**
 * A reply: octets as they are to be sent, or a message whose id and question are the query's unless it has its own
 * (`flags` are given without QR, which is always set; `rcode` is in their lowest four bits).
 */
export type ScriptedReply = Uint8Array | dnsPacket.Packet;

/** What becomes of a query: one reply, several, none, or the end of its connection. */
export type Outcome = ScriptedReply | readonly ScriptedReply[] | 'drop' | 'fin' | 'reset' | Delayed;

export interface Delayed {
  readonly delayMs: number;
  readonly reply: ScriptedReply;
}

export type Handler = (query: UpstreamQuery) => Outcome | Promise<Outcome>;

export interface ScriptedUpstreamOptions {
  /** Answers of one connection leave in the order of its queries, as CoreDNS's do; default: when they are ready. */
  readonly inOrder?: boolean;
  /** Ends each TCP connection behind the answer to its so-many-th query, as CoreDNS up to 1.10.0 does at 128. */
  readonly closeAfter?: { readonly queries: number; readonly how: 'fin' | 'reset' };
  /** Default 0: any. */
  readonly port?: number;
}

interface Connection {
  readonly socket: Socket;
  queries: number;
  segments: number;
  /** The answer before the next one, for `inOrder`. */
  tail: Promise<void>;
}

interface Held {
  readonly query: UpstreamQuery;
  readonly go: () => void;
}

export class ScriptedUpstream {
  readonly host = '127.0.0.1';
  /** May be exchanged at any time; it counts for the queries that arrive from then on. */
  handler: Handler;
  readonly #options: ScriptedUpstreamOptions;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #queries = new Arrivals<UpstreamQuery>('query at the upstream');
  readonly #connections = new Map<number, Connection>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #accepted = 0;
  #isHolding = false;
  #held: Held[] = [];

  private constructor(
    udp: UdpSocket,
    tcp: Server,
    handler: Handler,
    options: ScriptedUpstreamOptions,
  ) {
    this.handler = handler;
    this.#options = options;
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on('message', (octets, client) => {
      const send = (reply: Buffer) => udp.send(reply, client.port, client.address);
      void this.#take(octets, undefined, send);
    });
    tcp.on('connection', (socket) => this.#accept(socket));
  }

  /** It is closed when the test ends. */
  static async start(
    test: CleanUp,
    handler: Handler,
    options: ScriptedUpstreamOptions = {},
  ): Promise<ScriptedUpstream> {
    const { udp, tcp } = await bindBoth(options.port ?? 0);
    const upstream = new ScriptedUpstream(udp, tcp, handler, options);
    test.after(() => upstream.close());
    return upstream;
  }

  get port(): number {
    return this.#udp.address().port;
  }

  /** Every query so far, oldest first. */
  get queries(): readonly UpstreamQuery[] {
    return this.#queries.all;
  }

  /** TCP connections accepted so far. */
  get connectionsAccepted(): number {
    return this.#accepted;
  }

  /** TCP connections that are open now. */
  get connectionsOpen(): number {
    return this.#connections.size;
  }

  /** Resolves when at least `count` queries have arrived since the start. */
  received(count: number, timeoutMs?: number): Promise<void> {
    return this.#queries.count(count, timeoutMs);
  }

  /** From now on answers wait for `release`. */
  hold(): void {
    this.#isHolding = true;
  }

  /** Lets the held answers go, in the order of their queries, and holds no more; or only those that `which` picks. */
  release(which?: (query: UpstreamQuery) => boolean): void {
    const isGoing = which ?? (() => true);
    if (which === undefined) this.#isHolding = false;
    const going = this.#held.filter(({ query }) => isGoing(query));
    this.#held = this.#held.filter(({ query }) => !isGoing(query));
    for (const { go } of going) go();
  }

  /** Ends all connections, as a restart of the upstream does. */
  closeConnections(how: 'fin' | 'reset'): void {
    for (const { socket } of this.#connections.values()) endSocket(socket, how);
  }

  /** Accepts no more connections: the next one is refused. Those that are open stay. */
  stopListening(): void {
    this.#tcp.close();
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#queries.end(new Error('the scripted upstream is closed'));
    const wasListening = this.#tcp.listening;
    const closed = Promise.all([
      once(this.#udp, 'close'),
      ...(wasListening ? [once(this.#tcp, 'close')] : []),
    ]);
    this.#udp.close();
    if (wasListening) this.#tcp.close();
    for (const { socket } of this.#connections.values()) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const number = ++this.#accepted;
    const connection = { socket, queries: 0, segments: 0, tail: Promise.resolve() };
    const frames = new FrameReader();
    const send = (reply: Buffer) => void (socket.writable && socket.write(frame(reply)));
    this.#connections.set(number, connection);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy()); // the server under test resets: it may
    socket.on('close', () => this.#connections.delete(number));
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      connection.segments += 1;
      const position = { number, connection };
      for (const message of frames.push(chunk)) void this.#take(message, position, send);
    });
  }

  async #take(
    octets: Buffer,
    position: { number: number; connection: Connection } | undefined,
    send: (reply: Buffer) => void,
  ): Promise<void> {
    const connection = position?.connection;
    const decoded = decodeMessage(octets);
    const query: UpstreamQuery = {
      octets,
      decoded,
      question: decoded.questions[0]!,
      transport: position ? 'tcp' : 'udp',
      connection: position?.number ?? 0,
      segment: connection?.segments ?? 0,
    };
    const isLast = connection && ++connection.queries === this.#options.closeAfter?.queries;
    const before = connection?.tail;
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    if (connection) connection.tail = done;
    const isReleased = this.#isHolding ? this.#waitForRelease(query) : undefined;
    this.#queries.push(query);
    const outcome = await this.handler(query);
    await isReleased;
    if (isDelayed(outcome)) await this.#delay(outcome.delayMs);
    if (this.#options.inOrder) await before;
    this.#perform(query, outcome, connection, send);
    if (isLast) endSocket(connection.socket, this.#options.closeAfter!.how);
    finish();
  }

  #perform(
    query: UpstreamQuery,
    outcome: Outcome,
    connection: Connection | undefined,
    send: (reply: Buffer) => void,
  ): void {
    if (outcome === 'drop') return;
    if (outcome === 'fin' || outcome === 'reset') {
      if (connection) endSocket(connection.socket, outcome);
      return;
    }
    for (const reply of repliesOf(outcome)) send(encodeReply(query, reply));
  }

  #waitForRelease(query: UpstreamQuery): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.push({ query, go: resolve });
    return promise;
  }

  async #delay(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, delayMs);
    this.#timers.add(timer);
    await promise;
    this.#timers.delete(timer);
  }
}

function repliesOf(outcome: Exclude<Outcome, string>): readonly ScriptedReply[] {
  if (isDelayed(outcome)) return [outcome.reply];
  return Array.isArray(outcome) ? outcome : [outcome as ScriptedReply];
}

function isDelayed(outcome: Outcome): outcome is Delayed {
  return typeof outcome === 'object' && 'delayMs' in outcome;
}

/** Ends in FIN behind what was written, or in RST at once. */
function endSocket(socket: Socket, how: 'fin' | 'reset'): void {
  if (how === 'fin') socket.end();
  else socket.resetAndDestroy();
}

function encodeReply(query: UpstreamQuery, reply: ScriptedReply): Buffer {
  if (reply instanceof Uint8Array) return Buffer.from(reply);
  const { id, questions } = query.decoded;
  return dnsPacket.encode({ id, questions, ...reply, type: 'response' });
}

const BIND_TRIES_MAX = 20;

async function bindBoth(port: number): Promise<{ udp: UdpSocket; tcp: Server }> {
  for (let tries = 1; ; tries++) {
    const udp = createSocket('udp4');
    const tcp = createServer({ allowHalfOpen: true });
    try {
      udp.bind(port, '127.0.0.1');
      await once(udp, 'listening');
      tcp.listen(udp.address().port, '127.0.0.1');
      await once(tcp, 'listening');
      return { udp, tcp };
    } catch (error) {
      udp.close();
      if (port !== 0 || tries === BIND_TRIES_MAX) throw error;
    }
  }
}
