/**
 * A DNS server that misbehaves on request: UDP and TCP on one free port of 127.0.0.1. It counts what it gets, so that tests
 * can tell what crossed the network.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

export interface Behaviour {
  /** The messages to send for a query; none: silence. By default one good answer. */
  replies?: (query: Buffer, via: 'udp' | 'tcp') => Buffer[];
  /** How long a reply takes. */
  delayMs?: (query: Buffer) => number;
  /** What a reply waits for besides: an event of the test, where a time would be a guess at how busy the machine is. */
  heldFor?: (query: Buffer) => Promise<unknown> | undefined;
  /** TCP: a reply waits for all before it, as CoreDNS's do. */
  inOrder?: boolean;
  /** TCP: closes after so many replies on a connection. */
  closeAfter?: number;
  closeWith?: 'fin' | 'rst';
  /** TCP: each octet in a write of its own. */
  splitOctets?: boolean;
  /** TCP: this many replies are gathered into one write. */
  gather?: number;
  /** TCP: closes a connection at once. */
  refuse?: boolean;
}

export interface SeenQuery {
  readonly name: string;
  readonly via: 'udp' | 'tcp';
  /** The port it came from. */
  readonly from: number;
  readonly message: Buffer;
}

export class TestServer {
  behaviour: Behaviour;
  readonly queries: SeenQuery[] = [];
  /** Streams accepted so far, and those open now. */
  accepted = 0;
  readonly streams = new Set<Socket>();
  /** Reads from streams. */
  segments = 0;
  readonly #tcp: Server;
  readonly #udp: UdpSocket;

  private constructor(behaviour: Behaviour, tcp: Server, udp: UdpSocket) {
    this.behaviour = behaviour;
    this.#tcp = tcp;
    this.#udp = udp;
    tcp.on('connection', (stream) => this.#accept(stream));
    udp.on('message', (query, sender) => void this.#datagram(query, sender));
  }

  static start(behaviour: Behaviour = {}): Promise<TestServer> {
    return TestServer.startAt(0, behaviour);
  }

  /** At a port that a server had before. */
  static async startAt(wantedPort: number, behaviour: Behaviour = {}): Promise<TestServer> {
    for (;;) {
      const tcp = createServer({ noDelay: true }).listen(wantedPort, '127.0.0.1');
      await once(tcp, 'listening');
      const { port } = tcp.address() as { port: number };
      const udp = createSocket('udp4');
      udp.bind(port, '127.0.0.1');
      const isBound = await once(udp, 'listening').then(
        () => true,
        () => false,
      );
      if (isBound) return new TestServer(behaviour, tcp, udp);
      tcp.close();
    }
  }

  get port(): number {
    return this.#udp.address().port;
  }

  get to(): string {
    return `127.0.0.1:${this.port}`;
  }

  count(via: 'udp' | 'tcp'): number {
    return this.queries.filter((query) => query.via === via).length;
  }

  /** Cuts every stream. */
  reset(): void {
    for (const stream of this.streams) {
      // Node loses the handle of a stream that is reset while it shuts down, and then never exits.
      if (stream.writableEnded) stream.destroy();
      else stream.resetAndDestroy();
    }
  }

  sendTo(port: number, message: Buffer): void {
    this.#udp.send(message, port, '127.0.0.1');
  }

  async close(): Promise<void> {
    if (!this.#tcp.listening) return;
    this.reset();
    this.#udp.close();
    this.#tcp.close();
    await once(this.#tcp, 'close');
  }

  async #datagram(query: Buffer, sender: RemoteInfo): Promise<void> {
    this.#seen(query, 'udp', sender.port);
    const { replies = goodReply } = this.behaviour;
    await due(this.behaviour, query);
    if (!this.#tcp.listening) return;
    for (const reply of replies(query, 'udp')) this.sendTo(sender.port, reply);
  }

  #seen(message: Buffer, via: 'udp' | 'tcp', from: number): void {
    this.queries.push({ name: nameOf(message), via, from, message });
  }

  #accept(stream: Socket): void {
    this.accepted++;
    this.streams.add(stream);
    stream.on('close', () => this.streams.delete(stream));
    stream.on('error', () => {});
    if (this.behaviour.refuse === true) stream.resetAndDestroy();
    serveStream(stream, this, (query) => this.#seen(query, 'tcp', stream.remotePort ?? 0));
  }
}

/** Answers the queries of one stream as `server.behaviour` says. */
export function serveStream(
  stream: Socket,
  server: { behaviour: Behaviour; segments: number },
  seen: (query: Buffer) => void,
): void {
  let received = Buffer.alloc(0);
  let before = Promise.resolve();
  let replied = 0;
  let gathered: Buffer[] = [];
  let isClosed = false;
  const send = async (replies: Buffer[]) => {
    if (isClosed || stream.destroyed) return;
    const { closeAfter, closeWith = 'fin', gather = 1, splitOctets } = server.behaviour;
    gathered.push(...replies.map(framed));
    replied++;
    const isLast = replied === closeAfter;
    if (gathered.length >= gather || isLast) {
      const octets = Buffer.concat(gathered);
      gathered = [];
      if (splitOctets === true) await writeSplit(stream, octets);
      else stream.write(octets);
    }
    if (!isLast) return;
    isClosed = true;
    if (closeWith === 'fin') stream.end();
    // Behind the last write, which has reached the other side's kernel on loopback.
    else stream.write('', () => stream.resetAndDestroy());
  };
  stream.on('data', (chunk: Buffer) => {
    server.segments++;
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const query = received.subarray(2, 2 + received.readUInt16BE(0));
      received = received.subarray(2 + query.length);
      seen(query);
      const { inOrder, replies = goodReply } = server.behaviour;
      const reply = () => due(server.behaviour, query).then(() => send(replies(query, 'tcp')));
      if (inOrder === true || server.behaviour.closeAfter !== undefined) {
        before = before.then(reply);
      } else void reply();
    }
  });
}

async function writeSplit(stream: Socket, octets: Buffer): Promise<void> {
  for (const octet of octets) {
    stream.write(Buffer.of(octet));
    await new Promise(setImmediate);
  }
}

/** Resolves when the reply to `query` may be sent. */
async function due({ delayMs, heldFor }: Behaviour, query: Buffer): Promise<void> {
  const ms = delayMs?.(query) ?? 0;
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  await heldFor?.(query);
}

export function framed(message: Buffer): Buffer {
  const octets = Buffer.alloc(2 + message.length);
  octets.writeUInt16BE(message.length);
  message.copy(octets, 2);
  return octets;
}

/** `NAME IN TYPE` with RD and an OPT record. */
export function queryFor(name: string, type = 1): Buffer {
  const labels = name === '.' ? [] : name.replace(/\.$/, '').split('.');
  const qname = labels.flatMap((label) => [label.length, ...Buffer.from(label)]);
  const header = [0xab, 0xcd, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 1];
  const opt = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];
  return Buffer.from([...header, ...qname, 0, 0, type, 0, 1, ...opt]);
}

export function nameOf(message: Buffer): string {
  let name = '';
  for (let at = 12; message[at] !== 0; at += message[at]! + 1) {
    name += `${message.toString('latin1', at + 1, at + 1 + message[at]!)}.`;
  }
  return name === '' ? '.' : name;
}

/** A response with the query's id and question and no records. */
export function replyTo(query: Buffer, { rcode = 0, tc = false } = {}): Buffer {
  let end = 12;
  while (query[end] !== 0) end += query[end]! + 1;
  const reply = Buffer.from(query.subarray(0, end + 5));
  reply[2] = 0x80 | (query[2]! & 0x79) | (tc ? 0x02 : 0);
  reply[3] = 0x80 | rcode;
  reply.fill(0, 6, 12);
  return reply;
}

function goodReply(query: Buffer): Buffer[] {
  return [replyTo(query)];
}

/** A port where nobody listens, nor will: below those that the kernel gives to tests which run beside this one. */
export async function deadPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** A listening TCP port whose backlog is full, so that connecting to it gets no answer at all. */
export async function blackHole(): Promise<{ port: number; close(): Promise<void> }> {
  // A thread that listens and blocks in the same turn never accepts.
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  const [port] = (await once(worker, 'message')) as [number];
  const { connect } = await import('node:net');
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  await Promise.all(fillers.slice(0, 2).map((filler) => once(filler, 'connect')));
  return {
    port,
    async close() {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}
