/**
 * Clients through responder threads and system calls, over UDP and TCP. Threads answer what they can; here is what they cannot:
 * misses, whose replies leave on the socket that the query came in on (UDP), or through the thread that holds the connection (TCP).
 */

import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { HashSeed } from '../cache/key.ts';
import type { MemoryHandle } from '../cache/memory.ts';
import { DatagramSender } from '../os/datagram-sender.ts';
import type { Libc } from '../os/libc.ts';
import { readyPacketInfo, TIMESTAMP_SIZE } from '../os/packet-info.ts';
import type { AdoptedSockets } from './adopted-sockets.ts';
import type { ArrivalHandler, Listener } from './client.ts';
import type { ClientPlans, ClientService } from './client-service.ts';
import { connectionsMax } from './connections-max.ts';
import { type MissRecord, socketOfListener } from './miss-ring.ts';
import { DatagramClient, StreamClient } from './responder-clients.ts';
import { type OpenTcpListener, type OpenUdpSocket, ResponderSockets } from './responder-sockets.ts';
import { ResponderThread } from './responder-thread.ts';
import type { SampleRing } from './sample-ring.ts';
import { Storm, type StormTurn } from './storm.ts';
import { StormReader } from './storm-reader.ts';
import type { ConnectionFigures } from './stream-table.ts';
import type { LimitsOf, TcpLimits } from './tcp-limits.ts';

export interface ResponderServiceOptions {
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

export class ResponderService implements ClientService {
  readonly kind = 'mmsg';
  readonly #options: ResponderServiceOptions;
  readonly #threads: ResponderThread[];
  readonly #sender: DatagramSender;
  readonly #opener: ResponderSockets;
  /** By their numbers. */
  readonly #sockets = new Map<number, OpenUdpSocket>();
  readonly #connectionsMax = connectionsMax();
  readonly #storm: Storm;
  readonly #stormReader: StormReader;
  #tcpListeners: OpenTcpListener[] = [];
  /** Replies over UDP that the resolver has made so far. */
  #replyCount = 0;
  stormQueries = 0;

  constructor(options: ResponderServiceOptions) {
    const { libc, log, adopted, responderCount } = options;
    this.#options = options;
    this.#sender = new DatagramSender(libc);
    this.#opener = new ResponderSockets(libc, log, adopted, responderCount);
    this.#stormReader = new StormReader({
      libc,
      clock: systemClock,
      onQuery: (record) => this.#takeDatagram(record, options.onStormArrival),
      onIgnored: options.onIgnored,
    });
    this.#storm = new Storm(libc, systemClock, {
      answered: () => this.#threads.reduce((sum, thread) => sum + thread.answered, 0) | 0,
      read: () => this.#readInStorm(),
      leave: () => this.prompt(),
    });
    this.#threads = Array.from({ length: responderCount }, (_, reader) =>
      this.#createThread(reader),
    );
  }

  /** Replies that the kernel refused. */
  get sendFailures(): number {
    return this.#sender.failures;
  }

  get rounds(): readonly number[] {
    return this.#threads.map((thread) => thread.rounds);
  }

  prompt(): void {
    for (const thread of this.#threads) thread.goOn();
  }

  get connections(): ConnectionFigures {
    const all = this.#threads.map(({ connections }) => connections);
    const sum = (name: keyof ConnectionFigures) => all.reduce((count, of) => count + of[name], 0);
    return {
      open: sum('open'),
      refusedFull: sum('refusedFull'),
      refusedUnfair: sum('refusedUnfair'),
      finished: sum('finished'),
      cutOff: sum('cutOff'),
      repliesLost: sum('repliesLost'),
    };
  }

  async ready(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.ready()));
  }

  get samples(): readonly SampleRing[] {
    return this.#threads.map((thread) => thread.samples);
  }

  async serve(
    listeners: readonly Listener[],
    plans: ClientPlans,
    limitsOf: LimitsOf,
  ): Promise<void> {
    const present = new Set(this.#tcpListeners.map(({ listener }) => listener));
    const opened = this.#opener.open(listeners.filter(({ id }) => !present.has(id)));
    const wanted = new Map(listeners.map((listener) => [listener.id, limitsOf(listener)]));
    for (const socket of opened.udp) this.#sockets.set(socket.id, socket);
    const gone = [...this.#sockets.values()].filter(({ listener }) => !wanted.has(listener));
    this.#tcpListeners = [...this.#tcpListeners, ...opened.tcp].filter(({ listener }) =>
      wanted.has(listener),
    );
    await Promise.all(
      this.#threads.map((thread, index) => {
        const sockets = [...this.#sockets.values()].filter(
          (socket) => socket.thread === index && wanted.has(socket.listener),
        );
        return thread.serve({
          sockets,
          listeners: this.#listenersOf(index, wanted),
          plan: plans.udp,
          streamPlan: plans.tcp,
        });
      }),
    );
    for (const socket of gone) this.#closeSocket(socket);
  }

  async close(graceMs: number, answered: (timeoutMs: number) => Promise<void>): Promise<void> {
    const deadlineMs = systemClock.nowMs() + graceMs;
    for (const socket of this.#sockets.values()) this.#opener.turnAway(socket);
    await this.#endConnections(graceMs);
    await Promise.all(this.#threads.map((thread) => thread.close()));
    await answered(Math.max(0, deadlineMs - systemClock.nowMs()));
    this.#sender.flush();
    for (const socket of [...this.#sockets.values()]) this.#closeSocket(socket);
  }

  async #endConnections(graceMs: number): Promise<void> {
    const before = this.connections;
    await Promise.all(this.#threads.map((thread) => thread.endStreams(graceMs)));
    this.#tcpListeners = [];
    const finished = this.connections.finished - before.finished;
    const cutOff = this.connections.cutOff - before.cutOff;
    if (finished + cutOff === 0) return;
    this.#options.log.info(`TCP connections of clients: ${finished} ended, ${cutOff} cut off`);
  }

  #listenersOf(thread: number, wanted: ReadonlyMap<number, TcpLimits>) {
    return this.#tcpListeners
      .filter((open) => open.thread === thread)
      .map(({ fd, id, listener }) => ({ fd, id, listener, limits: wanted.get(listener)! }));
  }

  #closeSocket(socket: OpenUdpSocket): void {
    this.#sockets.delete(socket.id);
    this.#options.libc.close(socket.fd);
  }

  #createThread(reader: number): ResponderThread {
    const { onArrival, onDrained, responderCount } = this.#options;
    const thread: ResponderThread = new ResponderThread({
      ...this.#options,
      reader,
      // The kernel deals clients out evenly.
      connectionsMax: Math.ceil(this.#connectionsMax / responderCount),
      onMiss: (miss) => {
        if (miss.socket < 0) this.#takeFrame(miss, thread);
        else this.#takeDatagram(miss, onArrival);
      },
      onDrained: (misses) => {
        onDrained();
        this.#storm.missed(misses);
      },
    });
    return thread;
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

  #takeFrame(miss: MissRecord, thread: ResponderThread): void {
    const { query, receivedAtMs } = miss;
    const client = new StreamClient(miss, thread);
    const listener = socketOfListener(miss.socket);
    this.#options.onArrival({ query, client, listener, receivedAtMs });
  }

  #takeDatagram(miss: MissRecord, onArrival: ArrivalHandler): void {
    const socket = this.#sockets.get(miss.socket);
    // Its listener went away while the miss was on its way.
    if (socket === undefined) return;
    onArrival({
      query: miss.query,
      client: new DatagramClient(miss, this.#reply),
      listener: socket.listener,
      receivedAtMs: miss.receivedAtMs,
    });
  }

  /** Answers a datagram, unless its socket has been closed meanwhile. */
  readonly #reply = ({ socket, peer, control }: MissRecord, data: Uint8Array): void => {
    const open = this.#sockets.get(socket);
    this.#replyCount += 1;
    if (open !== undefined) this.#sender.queue(open.fd, peer, controlFor(control), data);
  };
}

/** The packet information in a received control block, ready to be sent back; empty where there is none. */
function controlFor(control: Uint8Array): Uint8Array {
  if (control.length === 0) return control;
  const words = new Int32Array(control.buffer, control.byteOffset, control.length >> 2);
  const size = readyPacketInfo(words, TIMESTAMP_SIZE >> 2);
  return control.subarray(TIMESTAMP_SIZE, TIMESTAMP_SIZE + size);
}
