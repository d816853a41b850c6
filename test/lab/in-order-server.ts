/**
 * A kube-dns replica that behaves as CoreDNS does where Unbound does not: the queries of one TCP connection are served strictly one
 * after another, equal questions at the same time are asked upstream each by itself, and a question without an answer fails after
 * 5 s (tries at 0, 2 and 4 s). Names of the cluster come from an Unbound beside it, those of `isSlowService` after 2 s.
 *
 *     node in-order-server.ts UPSTREAM CLUSTER-PORT ADDRESS...     prints "ready"
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { decode } from 'dns-packet';
import { FrameReader, frame } from '../../src/cli/stand-in/frames.ts';
import { isSlowService, SLOW_MS } from './zones.ts';

const TRIES_MS = [0, 2000, 4000] as const;
const DEADLINE_MS = 5000;
/** `cache 30` */
const CACHE_TTL_MAX_S = 30;
const CACHE_SIZE_MAX = 9984;
const DNS_PORT = 53;
const SERVFAIL = 2;

/** Asks one server; each question has an id of its own until it is answered or given up. */
class Asker {
  readonly #socket: UdpSocket;
  readonly #waiting = new Map<number, (response: Buffer) => void>();
  #nextId = 0;

  private constructor(socket: UdpSocket) {
    this.#socket = socket;
    socket.on('message', (response) => this.#waiting.get(response.readUInt16BE(0))?.(response));
    socket.on('error', () => {}); // An ICMP error: the try has no answer.
  }

  static async connect(host: string, port: number): Promise<Asker> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    socket.connect(port, host);
    await once(socket, 'connect');
    return new Asker(socket);
  }

  /** Undefined: nobody answered. The response carries the query's id. */
  async ask(query: Buffer): Promise<Buffer | undefined> {
    const id = this.#freeId();
    const copy = Buffer.from(query);
    copy.writeUInt16BE(id);
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    this.#waiting.set(id, resolve);
    const timers = TRIES_MS.map((ms) => setTimeout(() => this.#socket.send(copy, () => {}), ms));
    timers.push(setTimeout(resolve, DEADLINE_MS, undefined));
    const response = await promise;
    for (const timer of timers) clearTimeout(timer);
    this.#waiting.delete(id);
    response?.writeUInt16BE(query.readUInt16BE(0));
    return response;
  }

  #freeId(): number {
    do this.#nextId = (this.#nextId + 1) & 0xffff;
    while (this.#waiting.has(this.#nextId));
    return this.#nextId;
  }
}

interface Entry {
  readonly response: Buffer;
  readonly freshUntilMs: number;
}

class Replica {
  readonly #outside: Asker;
  readonly #cluster: Asker;
  readonly #cache = new Map<string, Entry>();

  constructor(outside: Asker, cluster: Asker) {
    this.#outside = outside;
    this.#cluster = cluster;
  }

  async answer(query: Buffer): Promise<Buffer> {
    const question = decode(query).questions?.[0];
    if (question === undefined) return failure(query);
    const name = question.name.toLowerCase();
    if (isSlowService(name)) await pause(SLOW_MS);
    const isCluster = name.endsWith('cluster.local') || name.endsWith('.arpa');
    if (isCluster) return (await this.#cluster.ask(query)) ?? failure(query);
    const key = `${name} ${question.type}`;
    const cached = this.#cache.get(key);
    if (cached !== undefined && cached.freshUntilMs > performance.now()) {
      const response = Buffer.from(cached.response);
      response.writeUInt16BE(query.readUInt16BE(0));
      return response;
    }
    const response = await this.#outside.ask(query);
    if (response === undefined) return failure(query);
    this.#keep(key, response);
    return response;
  }

  /** Without counting TTLs down: nobody here lives on them for longer than they last. */
  #keep(key: string, response: Buffer): void {
    const { answers = [], authorities = [] } = decode(response);
    const ttls = [...answers, ...authorities].map((record) => ('ttl' in record ? record.ttl! : 0));
    const ttlS = Math.min(CACHE_TTL_MAX_S, ...ttls);
    if (ttls.length === 0) return;
    if (this.#cache.size >= CACHE_SIZE_MAX) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.set(key, { response, freshUntilMs: performance.now() + ttlS * 1000 });
  }
}

function failure(query: Buffer): Buffer {
  const response = Buffer.from(query);
  response[2] = response[2]! | 0x80;
  response[3] = 0x80 | SERVFAIL;
  return response;
}

async function serve(replica: Replica, host: string): Promise<void> {
  const type = isIPv6(host) ? 'udp6' : 'udp4';
  const udp = createSocket({ type, recvBufferSize: 4 << 20 });
  udp.on('message', async (query, { port, address }) => {
    udp.send(await replica.answer(query), port, address, () => {});
  });
  udp.bind(DNS_PORT, host);
  await once(udp, 'listening');
  const tcp = createServer((connection) => {
    const frames = new FrameReader();
    let previous = Promise.resolve();
    connection.setNoDelay(true);
    connection.on('error', () => connection.destroy());
    connection.on('data', (chunk: Buffer) => {
      for (const query of frames.push(chunk)) {
        previous = previous.then(async () => {
          connection.write(frame(await replica.answer(query)));
        });
      }
    });
  });
  tcp.listen(DNS_PORT, host);
  await once(tcp, 'listening');
}

const [upstream, clusterPort, ...hosts] = process.argv.slice(2);
const outside = await Asker.connect(upstream!, DNS_PORT);
const cluster = await Asker.connect('127.0.0.1', Number(clusterPort));
const replica = new Replica(outside, cluster);
await Promise.all(hosts.map((host) => serve(replica, host)));
process.stdout.write('ready\n');
