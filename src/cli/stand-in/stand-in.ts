/**
 * A stand-in for kube-dns: answers for a made-up cluster and a made-up outside world on one port, UDP and TCP, so that
 * the demonstration and the tests need no cluster.
 *
 * It is no part of the daemon. It counts what arrives in the units that matter to the daemon (datagrams, TCP segments,
 * connections), and takes orders: a delay, a substitute for an answer, silence. On TCP it reads on while answers are
 * due and sends them as they become ready, in any order (RFC 7766 §6.2.1.1).
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv6, type Server, type Socket } from 'node:net';
import { lookUpCluster } from './cluster-zone.ts';
import { lookUpExternal } from './external-zone.ts';
import { FrameReader, frame } from './frames.ts';
import { type Query, type Question, RCODE, readQuery } from './query.ts';
import { emptyReply, encodeReply, type Reply, udpSizeMax } from './reply.ts';

export type Transport = 'udp' | 'tcp';

/** A question and how it came. */
export interface SeenQuestion extends Question {
  readonly transport: Transport;
}

export interface StandInOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any port that is free for UDP and TCP alike. */
  readonly port?: number;
  /** Milliseconds before each answer leaves, or how long for which question; default 0. */
  readonly answerDelayMs?: number | ((question: SeenQuestion) => number);
  /** Answers in place of the zones; `drop` stays silent, undefined leaves the answer to the zones. */
  readonly override?: (question: SeenQuestion) => Reply | 'drop' | undefined;
}

export interface StandInStats {
  /** Messages that deserved a reply, an error reply included. */
  readonly queries: Record<Transport, number>;
  readonly replies: Record<Transport, number>;
  readonly connections: number;
  /** Reads from TCP connections that gave octets: what the kernel had joined by then counts as one. */
  readonly segments: number;
  /** Messages that get no reply: responses, and octets too few for a header. */
  readonly ignored: number;
  /** Replies that could not be sent, because the client had gone. */
  readonly unsent: number;
}

/** The newest questions that are remembered; a test asks less, a load of hours must not grow. */
const SEEN_MAX = 10_000;
/** Tries to find a port that is free for UDP and TCP alike. */
const PORT_TRIES_MAX = 20;

/** The zones' reply to a question; the same for both transports. */
export function lookUp(question: Question): Reply {
  if (question.class !== 'IN') return emptyReply(RCODE.REFUSED);
  return lookUpCluster(question) ?? lookUpExternal(question);
}

export class StandIn {
  readonly host: string;
  readonly #options: StandInOptions;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #connections = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #seen: SeenQuestion[] = [];
  readonly #stats = {
    queries: { udp: 0, tcp: 0 },
    replies: { udp: 0, tcp: 0 },
    connections: 0,
    segments: 0,
    ignored: 0,
    unsent: 0,
  };

  private constructor(options: StandInOptions, udp: UdpSocket, tcp: Server) {
    this.host = options.host ?? '127.0.0.1';
    this.#options = options;
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on('message', (octets, client) => this.#onDatagram(octets, client));
    tcp.on('connection', (connection) => this.#onConnection(connection));
  }

  /** Resolves when both sockets are bound; rejects with the system's error where they cannot be. */
  static async start(options: StandInOptions = {}): Promise<StandIn> {
    const { udp, tcp } = await bindBoth(options.host ?? '127.0.0.1', options.port ?? 0);
    return new StandIn(options, udp, tcp);
  }

  get port(): number {
    return this.#udp.address().port;
  }

  /** A snapshot. */
  get stats(): StandInStats {
    return structuredClone(this.#stats);
  }

  /** The newest 10,000 questions, oldest first. */
  get seen(): readonly SeenQuestion[] {
    return this.#seen;
  }

  /** Closes sockets and connections at once; answers that are due are not sent. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const closed = Promise.all([once(this.#udp, 'close'), once(this.#tcp, 'close')]);
    this.#udp.close();
    this.#tcp.close();
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #onDatagram(octets: Buffer, client: RemoteInfo): void {
    this.#answer(octets, 'udp', (query, reply) => {
      const message = encodeReply(query, reply, udpSizeMax(query));
      this.#udp.send(message, client.port, client.address, (error) => this.#sent('udp', error));
    });
  }

  #onConnection(connection: Socket): void {
    const frames = new FrameReader();
    let due = 0;
    let isHalfClosed = false;
    const endWhenAnswered = () => {
      if (isHalfClosed && due === 0) connection.end();
    };
    const send = (query: Query, reply: Reply) => {
      const octets = frame(encodeReply(query, reply, 65535));
      connection.write(octets, (error) => this.#sent('tcp', error));
      due -= 1;
      endWhenAnswered();
    };
    this.#stats.connections += 1;
    this.#connections.add(connection);
    connection.setNoDelay(true);
    connection.on('close', () => this.#connections.delete(connection));
    connection.on('error', () => connection.destroy()); // a reset: replies still due count as unsent
    connection.on('end', () => {
      isHalfClosed = true;
      endWhenAnswered();
    });
    connection.on('data', (chunk: Buffer) => {
      this.#stats.segments += 1;
      for (const message of frames.push(chunk)) {
        if (this.#answer(message, 'tcp', send)) due += 1;
      }
    });
  }

  /** False where no reply will be sent. `send` may be called before this returns. */
  #answer(
    octets: Buffer,
    transport: Transport,
    send: (query: Query, reply: Reply) => void,
  ): boolean {
    const query = readQuery(octets);
    if (query === undefined) {
      this.#stats.ignored += 1;
      return false;
    }
    this.#stats.queries[transport] += 1;
    if (query.error !== undefined || query.question === undefined) {
      send(query, emptyReply(query.error ?? RCODE.FORMERR));
      return true;
    }
    const question: SeenQuestion = { ...query.question, transport };
    this.#seen.push(question);
    if (this.#seen.length > SEEN_MAX) this.#seen.shift();
    const reply = this.#options.override?.(question) ?? lookUp(question);
    if (reply === 'drop') return false;
    this.#later(this.#delayMs(question), () => send(query, reply));
    return true;
  }

  #delayMs(question: SeenQuestion): number {
    const { answerDelayMs = 0 } = this.#options;
    return typeof answerDelayMs === 'function' ? answerDelayMs(question) : answerDelayMs;
  }

  #later(delayMs: number, action: () => void): void {
    if (delayMs <= 0) {
      action();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
  }

  #sent(transport: Transport, error: Error | null | undefined): void {
    if (error) this.#stats.unsent += 1;
    else this.#stats.replies[transport] += 1;
  }
}

/** One port number for both transports: where TCP's is taken, the UDP socket tries another. */
async function bindBoth(host: string, port: number): Promise<{ udp: UdpSocket; tcp: Server }> {
  for (let tries = 1; ; tries++) {
    const udp = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const tcp = createServer({ allowHalfOpen: true });
    try {
      udp.bind(port, host);
      await once(udp, 'listening');
      tcp.listen((udp.address() as AddressInfo).port, host);
      await once(tcp, 'listening');
      return { udp, tcp };
    } catch (error) {
      udp.close();
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (port !== 0 || !isTaken || tries === PORT_TRIES_MAX) throw error;
    }
  }
}
