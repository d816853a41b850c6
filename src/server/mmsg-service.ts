/**
 * UDP through responder threads and the batched system calls: one SO_REUSEPORT socket a thread and address, opened here or
 * adopted. Replies to misses leave on the very socket that the query came in on.
 */

import { systemClock } from '../base/clock.ts';
import { hostPort } from '../base/ip-address.ts';
import type { Log } from '../base/log.ts';
import type { HashSeed } from '../cache/key.ts';
import type { MemoryHandle } from '../cache/memory.ts';
import { DatagramSender } from '../os/datagram-sender.ts';
import type { Libc } from '../os/libc.ts';
import { readyPacketInfo, TIMESTAMP_SIZE } from '../os/packet-info.ts';
import {
  addressKey,
  readSocketAddress,
  SOCKET_ADDRESS_SIZE,
  writeSocketAddress,
} from '../os/socket-address.ts';
import {
  isAddressMissing,
  openUdpSocket,
  RECEIVE_BUFFER_BYTES,
  receivePacketInfo,
  receiveTimestamps,
  setReceiveBuffer,
  turnAway,
} from '../os/udp-socket.ts';
import { UDP_REPLY_SIZE_MAX } from '../wire/registry.ts';
import type { AdoptedSockets } from './adopted-sockets.ts';
import { type ArrivalHandler, bindHosts, type Client, type Listener, type Peer } from './client.ts';
import type { MissRecord } from './miss-ring.ts';
import type { ResponderPlan } from './plan.ts';
import type { ResponderSocket } from './responder-loop.ts';
import { ResponderThread } from './responder-thread.ts';
import type { SampleRing } from './sample-ring.ts';
import { Storm, type StormTurn } from './storm.ts';
import { StormReader } from './storm-reader.ts';
import type { UdpService } from './udp-service.ts';

export interface MmsgServiceOptions {
  readonly libc: Libc;
  readonly log: Log;
  readonly memory: MemoryHandle;
  readonly responderCount: number;
  readonly rowCount: number;
  readonly hashSeed: HashSeed;
  readonly adopted: AdoptedSockets;
  readonly onArrival: ArrivalHandler;
  /** What no responder has seen before, since the resolver has taken it off the socket itself. */
  readonly onStormArrival: ArrivalHandler;
  /** So many datagrams came with one system call. */
  readonly onStormBatch: (size: number) => void;
  /** A datagram gets no reply because of where it came from. */
  readonly onIgnored: (listener: number) => void;
  readonly onDrained: () => void;
  readonly onCrash: (error: Error) => void;
}

/** A socket by its number, and the thread that reads it. */
interface OpenSocket extends ResponderSocket {
  readonly thread: number;
}

export class MmsgService implements UdpService {
  readonly kind = 'mmsg';
  readonly #options: MmsgServiceOptions;
  readonly #threads: ResponderThread[];
  readonly #sender: DatagramSender;
  readonly #sockets = new Map<number, OpenSocket>();
  readonly #storm: Storm;
  readonly #stormReader: StormReader;
  #nextSocketId = 0;
  /** Replies made by the resolver so far. */
  #replyCount = 0;
  stormQueries = 0;

  constructor(options: MmsgServiceOptions) {
    this.#options = options;
    this.#sender = new DatagramSender(options.libc);
    this.#stormReader = new StormReader({
      libc: options.libc,
      clock: systemClock,
      onQuery: (record) => this.#take(record, options.onStormArrival),
      onIgnored: options.onIgnored,
    });
    this.#storm = new Storm(options.libc, systemClock, {
      read: () => this.#readInStorm(),
      leave: () => {
        for (const thread of this.#threads) thread.goOn();
      },
    });
    this.#threads = Array.from(
      { length: options.responderCount },
      (_, reader) =>
        new ResponderThread({
          ...options,
          reader,
          onMiss: (miss) => this.#take(miss, options.onArrival),
          onDrained: (misses) => {
            options.onDrained();
            this.#storm.missed(misses);
          },
        }),
    );
  }

  /** Replies that the kernel refused. */
  get sendFailures(): number {
    return this.#sender.failures;
  }

  get rounds(): readonly number[] {
    return this.#threads.map((thread) => thread.rounds);
  }

  async ready(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.ready()));
  }

  get samples(): readonly SampleRing[] {
    return this.#threads.map((thread) => thread.samples);
  }

  async serve(listeners: readonly Listener[], plan: ResponderPlan): Promise<void> {
    const wanted = new Set(listeners.map(({ id }) => id));
    const present = new Set([...this.#sockets.values()].map(({ listener }) => listener));
    const opened: OpenSocket[] = [];
    try {
      for (const listener of listeners) {
        if (!present.has(listener.id)) opened.push(...this.#open(listener));
      }
    } catch (error) {
      for (const { fd } of opened) this.#options.libc.close(fd);
      throw error;
    }
    for (const socket of opened) this.#sockets.set(socket.id, socket);
    const gone = [...this.#sockets.values()].filter(({ listener }) => !wanted.has(listener));
    await Promise.all(
      this.#threads.map((thread, index) => {
        const own = [...this.#sockets.values()].filter(
          (socket) => socket.thread === index && wanted.has(socket.listener),
        );
        return thread.serve(own, plan);
      }),
    );
    for (const socket of gone) this.#closeSocket(socket);
  }

  /** Answers a miss, unless its socket has been closed meanwhile. */
  reply({ socket, peer, control }: MissRecord, data: Uint8Array): void {
    const open = this.#sockets.get(socket);
    this.#replyCount += 1;
    if (open !== undefined) this.#sender.queue(open.fd, peer, controlFor(control), data);
  }

  async close(answered: () => Promise<void>): Promise<void> {
    for (const socket of this.#sockets.values()) this.#turnAway(socket);
    await Promise.all(this.#threads.map((thread) => thread.close()));
    await answered();
    this.#sender.flush();
    for (const socket of [...this.#sockets.values()]) this.#closeSocket(socket);
  }

  #open(listener: Listener): OpenSocket[] {
    const hosts = bindHosts(listener);
    const isWildcard = hosts.some((host) => host === '0.0.0.0' || host === '::');
    const sockets: OpenSocket[] = [];
    for (const host of hosts) {
      for (let thread = 0; thread < this.#threads.length; thread++) {
        const fd = this.#openOne(host, listener.port, hosts.length > 1);
        if (fd === undefined) continue;
        const id = this.#nextSocketId++;
        const own = new Uint8Array(SOCKET_ADDRESS_SIZE);
        writeSocketAddress(own, 0, { host, port: listener.port });
        sockets.push({ fd, id, listener: listener.id, own, isWildcard, thread });
        const size = this.#setUp(fd, host, isWildcard);
        const where = hostPort(host, listener.port);
        if (thread === 0) this.#options.log.info(`${where}/udp: receive buffer ${size} bytes`);
      }
    }
    return sockets;
  }

  /** Undefined where the family does not exist here and another one is there too. */
  #openOne(host: string, port: number, isOptional: boolean): number | undefined {
    const adopted = this.#options.adopted.take('udp', host, port);
    if (adopted !== undefined) return adopted;
    try {
      return openUdpSocket(this.#options.libc, { host, port });
    } catch (error) {
      if (isOptional && isAddressMissing(error)) return undefined;
      throw error;
    }
  }

  #setUp(fd: number, host: string, isWildcard: boolean): number {
    const { libc } = this.#options;
    receiveTimestamps(libc, fd);
    if (isWildcard) receivePacketInfo(libc, fd, host.includes(':'));
    return setReceiveBuffer(libc, fd, RECEIVE_BUFFER_BYTES);
  }

  /** A process beside us that serves the same address gets what comes from now on. */
  #turnAway({ fd, own }: OpenSocket): void {
    const { libc, log } = this.#options;
    const { host, port } = readSocketAddress(own, 0);
    try {
      turnAway(libc, fd, host.includes(':'));
    } catch (error) {
      const what = `${hostPort(host, port)}/udp: queries may be lost as it closes`;
      log.warn(`${what}: ${(error as Error).message}`);
    }
  }

  #closeSocket(socket: OpenSocket): void {
    this.#sockets.delete(socket.id);
    this.#options.libc.close(socket.fd);
  }

  #readInStorm(): StormTurn {
    for (const thread of this.#threads) thread.standAside();
    const before = this.#replyCount;
    let count = 0;
    let largest = 0;
    for (const socket of this.#sockets.values()) {
      const size = this.#stormReader.read(socket);
      if (size > 0) this.#options.onStormBatch(size);
      count += size;
      largest = Math.max(largest, size);
    }
    this.stormQueries += count;
    const hits = this.#replyCount - before;
    return { misses: count - hits, hits, largest };
  }

  #take(miss: MissRecord, onArrival: ArrivalHandler): void {
    const socket = this.#sockets.get(miss.socket);
    // Its listener went away while the miss was on its way.
    if (socket === undefined) return;
    onArrival({
      query: miss.query,
      client: new UdpClient(this, miss),
      listener: socket.listener,
      receivedAtMs: miss.receivedAtMs,
    });
  }
}

class UdpClient implements Client {
  readonly #service: MmsgService;
  readonly #miss: MissRecord;
  #source: string | undefined;

  constructor(service: MmsgService, miss: MissRecord) {
    this.#service = service;
    this.#miss = miss;
  }

  get protocol() {
    return 'udp' as const;
  }

  get replySizeMax(): number {
    return UDP_REPLY_SIZE_MAX;
  }

  get source(): string {
    this.#source ??= addressKey(this.#miss.peer);
    return this.#source;
  }

  peer(): Peer {
    return readSocketAddress(this.#miss.peer, 0);
  }

  send(reply: Uint8Array): void {
    this.#service.reply(this.#miss, reply);
  }

  drop(): void {}
}

/** The packet information in a received control block, ready to be sent back; empty where there is none. */
function controlFor(control: Uint8Array): Uint8Array {
  if (control.length === 0) return control;
  const words = new Int32Array(control.buffer, control.byteOffset, control.length >> 2);
  const size = readyPacketInfo(words, TIMESTAMP_SIZE >> 2);
  return control.subarray(TIMESTAMP_SIZE, TIMESTAMP_SIZE + size);
}
