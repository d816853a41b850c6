/**
 * The upstream of the benchmark, over UDP and over pipelined TCP: no cache, no failure, answers as `answer.ts` has them.
 *
 *   from memory   at once, all queries of a segment with one write (the default)
 *   delayed       each answer so many milliseconds later, however many wait
 *   ordered       the same, but a TCP connection's queries one after the other, as CoreDNS serves them; a name that begins
 *                 with `slow` takes 2 s, and what is queued behind it waits
 *
 * As a program (flags `--delay MS`, `--ordered`) it prints its port, the same for both; then for each line on standard input
 * a line with its counts so far. It exits on SIGTERM or when standard input closes.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ANSWER_GROWTH_MAX, writeAnswer } from './answer.ts';
import { HEADER_OCTETS } from './protocol.ts';
import { SegmentCounter } from './segments.ts';

/** A free TCP port may be taken for UDP; that it is ten times in a row does not happen. */
const BIND_ATTEMPTS_MAX = 10;
/** A DNS message over TCP, with its length, is at most this; more means that no frame is going to be complete. */
const PARTIAL_OCTETS_MAX = 2 + 65_535;
/** What a name outside of the cluster takes when its own servers are far or lame. */
const SLOW_MS = 2000;

export interface UpstreamOptions {
  /** 0: at once. */
  readonly delayMs: number;
  readonly isOrdered: boolean;
  /** What a name that begins with `slow` takes; 2 s where it is not said. */
  readonly slowMs?: number;
}

/** Since the start, but for `open`. */
export interface UpstreamCounts {
  readonly queries: number;
  /** Datagrams or segments, both directions, acknowledgements included. */
  readonly packets: number;
  /** TCP connections that are open. */
  readonly open: number;
  /** TCP connections, open or gone, that brought a query since the counts were read last. */
  readonly active: number;
  /** Queries of open connections that wait to be answered in their order. */
  readonly waiting: number;
}

export interface Upstream {
  readonly port: number;
  counts(): UpstreamCounts;
  close(): void;
}

interface Connection {
  readonly socket: Socket;
  isActive: boolean;
  /** Of an ordered upstream: frames that wait for the ones before them. */
  readonly waiting: Buffer[];
}

const FROM_MEMORY: UpstreamOptions = { delayMs: 0, isOrdered: false };

/** Listens on 127.0.0.1. */
export async function startUpstream(options: UpstreamOptions = FROM_MEMORY): Promise<Upstream> {
  for (let attempt = 0; attempt < BIND_ATTEMPTS_MAX; attempt++) {
    const state = new State(options);
    const tcp = createServer({ noDelay: true }, (socket) => state.serveConnection(socket));
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address() as AddressInfo;
    const udp = await bindUdp(port, state);
    if (udp) {
      const close = () => closeAll(tcp, udp, state);
      return { port, counts: () => state.counts(), close };
    }
    tcp.close();
  }
  throw new Error('no port is free for both UDP and TCP');
}

async function bindUdp(port: number, state: State): Promise<UdpSocket | undefined> {
  const udp = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  udp.on('message', (query: Buffer, from: RemoteInfo) => state.serveDatagram(udp, query, from));
  udp.bind(port, '127.0.0.1');
  try {
    await once(udp, 'listening');
    return udp;
  } catch {
    udp.close();
    return undefined;
  }
}

class State {
  readonly connections = new Set<Connection>();
  readonly #options: UpstreamOptions;
  readonly #segments = new SegmentCounter();
  #queries = 0;
  #datagrams = 0;
  /** Of connections that are gone. */
  #segmentsBefore = 0;
  /** Connections that are gone and brought a query since the counts were read. */
  #activeGone = 0;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  counts(): UpstreamCounts {
    const open = [...this.connections];
    const active = this.#activeGone + open.filter(({ isActive }) => isActive).length;
    this.#activeGone = 0;
    for (const connection of open) connection.isActive = false;
    const segments = open.reduce((sum, { socket }) => sum + this.#segments.of(socket), 0);
    const packets = this.#datagrams + this.#segmentsBefore + segments;
    const waiting = open.reduce((sum, connection) => sum + connection.waiting.length, 0);
    return { queries: this.#queries, packets, open: open.length, active, waiting };
  }

  serveDatagram(udp: UdpSocket, query: Buffer, from: RemoteInfo): void {
    const answer = Buffer.allocUnsafe(query.length + ANSWER_GROWTH_MAX);
    const size = writeAnswer(query, 0, query.length, answer, 0);
    if (size === 0) return;
    this.#queries += 1;
    this.#datagrams += 2;
    const send = () => udp.send(answer, 0, size, from.port, from.address, () => {});
    if (this.#options.delayMs === 0) send();
    else setTimeout(send, this.#delayOf(query, 0)).unref();
  }

  /** All queries of a segment are answered with one write, but by an ordered upstream. */
  serveConnection(socket: Socket): void {
    const connection: Connection = { socket, isActive: false, waiting: [] };
    let partial: Buffer = Buffer.alloc(0);
    this.connections.add(connection);
    socket.on('error', () => socket.destroy()); // a client that went away; its queries are its own loss
    const forget = () => {
      if (!this.connections.delete(connection)) return;
      this.#segmentsBefore += this.#segments.of(socket);
      if (connection.isActive) this.#activeGone += 1;
    };
    socket.on('end', forget); // while the socket still knows its segments; after a reset it does not
    socket.on('close', forget);
    socket.on('data', (chunk: Buffer) => {
      const octets = partial.length > 0 ? Buffer.concat([partial, chunk]) : chunk;
      const end = endOfFrames(octets);
      if (end > 0) {
        connection.isActive = true;
        this.#serveFrames(connection, octets.subarray(0, end));
      }
      partial = octets.subarray(end);
      if (partial.length > PARTIAL_OCTETS_MAX) socket.destroy();
    });
  }

  #serveFrames(connection: Connection, octets: Buffer): void {
    const { delayMs, isOrdered } = this.#options;
    const { socket, waiting } = connection;
    if (isOrdered) {
      const isIdle = waiting.length === 0;
      for (let at = 0; at < octets.length; at = frameEnd(octets, at)) {
        waiting.push(octets.subarray(at, frameEnd(octets, at)));
      }
      if (isIdle) this.#serveNext(connection);
      return;
    }
    const answers = this.#answerFrames(octets);
    if (delayMs === 0) socket.write(answers);
    else setTimeout(() => socket.writable && socket.write(answers), delayMs).unref();
  }

  /** The head of the queue stays there until it is answered: it says that the connection is busy. */
  #serveNext(connection: Connection): void {
    const { socket, waiting } = connection;
    const frame = waiting[0];
    if (frame === undefined) return;
    setTimeout(
      () => {
        if (!socket.writable) return;
        socket.write(this.#answerFrames(frame));
        waiting.shift();
        this.#serveNext(connection);
      },
      this.#delayOf(frame, 2),
    ).unref();
  }

  /** `at`: where the message starts. */
  #delayOf(octets: Buffer, at: number): number {
    const label = at + HEADER_OCTETS + 1;
    const isSlow = octets.toString('latin1', label, label + 4) === 'slow';
    return isSlow ? (this.#options.slowMs ?? SLOW_MS) : this.#options.delayMs;
  }

  #answerFrames(octets: Buffer): Buffer {
    const answers = Buffer.allocUnsafe(octets.length + frameCount(octets) * ANSWER_GROWTH_MAX);
    let size = 0;
    for (let at = 0; at < octets.length; at = frameEnd(octets, at)) {
      const answer = writeAnswer(octets, at + 2, frameEnd(octets, at), answers, size + 2);
      if (answer === 0) continue;
      this.#queries += 1;
      size = answers.writeUInt16BE(answer, size) + answer;
    }
    return answers.subarray(0, size);
  }
}

/** Of octets that hold whole frames only. */
function frameCount(octets: Buffer): number {
  let count = 0;
  for (let at = 0; at < octets.length; at = frameEnd(octets, at)) count += 1;
  return count;
}

/** Where the last whole frame of length and message ends. */
function endOfFrames(octets: Buffer): number {
  let at = 0;
  while (at + 2 <= octets.length && frameEnd(octets, at) <= octets.length) {
    at = frameEnd(octets, at);
  }
  return at;
}

function frameEnd(octets: Buffer, at: number): number {
  return at + 2 + octets.readUInt16BE(at);
}

function closeAll(tcp: Server, udp: UdpSocket, state: State): void {
  tcp.close();
  udp.close();
  for (const { socket } of state.connections) socket.destroy();
}

if (import.meta.main) {
  const options = {
    delay: { type: 'string', default: '0' },
    ordered: { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ options });
  const upstream = await startUpstream({
    delayMs: Number(values.delay),
    isOrdered: values.ordered,
  });
  console.log(upstream.port);
  const lines = createInterface(process.stdin);
  lines.on('line', () => console.log(JSON.stringify(upstream.counts())));
  lines.on('close', () => process.exit());
}
