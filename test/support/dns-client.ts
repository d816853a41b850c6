/**
 * DNS clients for tests: they send exactly the octets that they are told to, in exactly the segments, and show the
 * octets that come back. They judge nothing: no check of ids or questions, no retry, no second try over TCP.
 *
 * `udpAsk` and `tcpAsk` are for one question; `UdpClient` keeps its socket as a stub does (glibc sends A and AAAA from
 * one), `TcpClient` its connection.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, isIPv6, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FrameReader, frame } from '../../src/cli/stand-in/frames.ts';
import { Arrivals } from './arrivals.ts';
import { within } from './deadline.ts';
import { encodeQuery, type QueryInput, Reply } from './messages.ts';

export interface ServerAddress {
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
}

export interface AskOptions {
  /** How long to wait for a reply before the promise rejects; default 5,000. */
  readonly timeoutMs?: number;
}

/** One query over UDP from a socket of its own. */
export async function udpAsk(
  server: ServerAddress,
  query: QueryInput,
  options?: AskOptions,
): Promise<Reply> {
  const client = await UdpClient.open(server);
  try {
    return await client.ask(query, options);
  } finally {
    await client.close();
  }
}

/** The queries in one segment on a connection of its own; the replies in the order of their arrival. */
export async function tcpAskAll(
  server: ServerAddress,
  queries: readonly QueryInput[],
  options?: AskOptions,
): Promise<Reply[]> {
  const client = await TcpClient.connect(server);
  try {
    client.send(...queries);
    return await client.receiveAll(queries.length, options);
  } finally {
    client.close();
  }
}

/** One query over TCP on a connection of its own. */
export async function tcpAsk(
  server: ServerAddress,
  query: QueryInput,
  options?: AskOptions,
): Promise<Reply> {
  const [reply] = await tcpAskAll(server, [query], options);
  return reply!;
}

/** One connected UDP socket, so that an ICMP refusal shows as an error and strangers' datagrams do not arrive. */
export class UdpClient {
  readonly #socket: UdpSocket;
  readonly #replies = new Arrivals<Reply>('reply over UDP');

  private constructor(socket: UdpSocket) {
    this.#socket = socket;
    socket.on('message', (octets) => this.#replies.push(new Reply(octets)));
    socket.on('error', (error) => this.#replies.end(error));
  }

  static async open({ host = '127.0.0.1', port }: ServerAddress): Promise<UdpClient> {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    socket.connect(port, host);
    await once(socket, 'connect');
    return new UdpClient(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Sends each query in a datagram of its own, back to back. */
  send(...queries: QueryInput[]): void {
    for (const query of queries) this.#socket.send(encodeQuery(query));
  }

  /** The next reply, whatever its id. */
  receive({ timeoutMs }: AskOptions = {}): Promise<Reply> {
    return this.#replies.next(timeoutMs);
  }

  ask(query: QueryInput, options?: AskOptions): Promise<Reply> {
    this.send(query);
    return this.receive(options);
  }

  /** Sends all, then waits for as many replies; in the order of their arrival. */
  async askAll(queries: readonly QueryInput[], options?: AskOptions): Promise<Reply[]> {
    this.send(...queries);
    return Promise.all(queries.map(() => this.receive(options)));
  }

  /** Every reply so far, to prove that no further one came. */
  get received(): readonly Reply[] {
    return this.#replies.all;
  }

  async close(): Promise<void> {
    this.#replies.end(new Error('the UDP client is closed'));
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}

/** One TCP connection, with control over what goes into which segment. */
export class TcpClient {
  readonly #socket: Socket;
  readonly #replies = new Arrivals<Reply>('reply over TCP');
  readonly #ended: Promise<'fin' | 'reset'>;

  private constructor(socket: Socket) {
    const { promise, resolve } = Promise.withResolvers<'fin' | 'reset'>();
    const frames = new FrameReader();
    this.#socket = socket;
    this.#ended = promise;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      for (const message of frames.push(chunk)) this.#replies.push(new Reply(message));
    });
    socket.on('end', () => resolve('fin'));
    socket.on('error', () => resolve('reset'));
    socket.on('close', () => this.#replies.end(new Error('the server closed the connection')));
  }

  static async connect({ host = '127.0.0.1', port }: ServerAddress): Promise<TcpClient> {
    const socket = connect({ host, port, allowHalfOpen: true });
    await once(socket, 'connect');
    return new TcpClient(socket);
  }

  /** Raw octets, one write: one segment as long as it is smaller than the link's MTU. */
  write(octets: Uint8Array): void {
    this.#socket.write(octets);
  }

  /** Each query with its length before it, all in one segment. */
  send(...queries: QueryInput[]): void {
    this.write(frame(...queries.map(encodeQuery)));
  }

  /** One octet a segment. */
  async sendOctetByOctet(query: QueryInput): Promise<void> {
    for (const octet of frame(encodeQuery(query))) {
      this.write(Uint8Array.of(octet));
      await nextTurn();
    }
  }

  /** FIN: nothing more will be sent; replies may still come. */
  halfClose(): void {
    this.#socket.end();
  }

  /** The next reply, whatever its id; rejects when the connection ends first. */
  receive({ timeoutMs }: AskOptions = {}): Promise<Reply> {
    return this.#replies.next(timeoutMs);
  }

  receiveAll(count: number, options?: AskOptions): Promise<Reply[]> {
    return Promise.all(Array.from({ length: count }, () => this.receive(options)));
  }

  ask(query: QueryInput, options?: AskOptions): Promise<Reply> {
    this.send(query);
    return this.receive(options);
  }

  /** How the server ended the connection, once it has. */
  ended({ timeoutMs }: AskOptions = {}): Promise<'fin' | 'reset'> {
    return within(this.#ended, 'end of the connection', timeoutMs);
  }

  get received(): readonly Reply[] {
    return this.#replies.all;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** RST in place of FIN. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }
}
