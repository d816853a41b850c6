/**
 * One responder thread as the resolver sees it: its worker, its rings, its wake-up socket, its eventfd. Started again by
 * itself when it dies of a broken invariant; its sockets wait meanwhile and lose nothing, its TCP connections are closed.
 */

import { Socket } from 'node:net';
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import type { Log } from '../base/log.ts';
import type { HashSeed } from '../cache/key.ts';
import type { MemoryHandle } from '../cache/memory.ts';
import { type Libc, OS, Pinned } from '../os/libc.ts';
import { openSocketPair } from '../os/socket-pair.ts';
import type { Octets } from '../wire/octets.ts';
import { createMissRing, type MissRecord } from './miss-ring.ts';
import { MissTaker } from './miss-taker.ts';
import { createReplyRing, ReplyRing } from './reply-ring.ts';
import {
  type ResponderCommand,
  type ResponderData,
  type Service,
  STARTED,
} from './responder-data.ts';
import { ANSWERED, RESOLVER_READS, ROUNDS } from './responder-loop.ts';
import { startWorker } from './responder-worker.ts';
import { createSampleRing, SampleRing } from './sample-ring.ts';
import type { StreamListener } from './stream-listeners.ts';
import { type ConnectionFigures, createStreamTable, StreamTable } from './stream-table.ts';

/** Misses taken in one turn of the event loop, so that upstream replies have theirs. */
const DRAIN_MAX = 512;
/** How long a thread waits before it is started again: a bug that strikes at once must not eat the CPU. */
const RESTART_DELAY_MS = 100;

/** Three words; as long as a cache line, so that those of two responders never share one. */
const ROUNDS_BYTES = 64;

export interface ResponderThreadOptions {
  readonly libc: Libc;
  readonly log: Log;
  readonly memory: MemoryHandle;
  readonly reader: number;
  readonly rowCount: number;
  readonly hashSeed: HashSeed;
  /** TCP connections that it may have. */
  readonly connectionsMax: number;
  /** Called for each miss, and once after each drain with their number, when refresh requests may wait as well. */
  readonly onMiss: (miss: MissRecord) => void;
  readonly onDrained: (misses: number) => void;
  readonly onCrash: (error: Error) => void;
}

export class ResponderThread {
  readonly #options: ResponderThreadOptions;
  readonly #ringBuffer = createMissRing();
  readonly #ring = new MissTaker(this.#ringBuffer);
  readonly #sampleBuffer = createSampleRing();
  /** Our end of it. */
  readonly samples = new SampleRing(this.#sampleBuffer);
  readonly #replyBuffer = createReplyRing();
  readonly #replies = new ReplyRing(this.#replyBuffer);
  readonly #tableBuffer: SharedArrayBuffer;
  readonly #table: StreamTable;
  readonly #roundsBuffer = new SharedArrayBuffer(ROUNDS_BYTES);
  readonly #rounds = new Int32Array(this.#roundsBuffer);
  readonly #eventFd: number;
  readonly #one: Pinned;
  readonly #wakeFd: number;
  readonly #wakeSocket: Socket;
  readonly #applied = new Map<number, () => void>();
  readonly #ready = new Promise<void>((resolve) => this.#applied.set(STARTED, resolve));
  #worker: Worker;
  #port: MessagePort;
  #commandNumber = STARTED;
  #served: Service | undefined;
  /** Listeners that the thread is to close, and by which command. */
  #gone: { readonly command: number; readonly listeners: readonly StreamListener[] }[] = [];
  /** The command to end, until it is done. */
  #endNumber: number | undefined;
  #repliesLost = 0;
  #isWakeDue = false;
  #isClosing = false;
  #isDraining = false;

  constructor(options: ResponderThreadOptions) {
    const { libc } = options;
    this.#options = options;
    this.#tableBuffer = createStreamTable(options.connectionsMax);
    this.#table = new StreamTable(this.#tableBuffer);
    this.#eventFd = libc.eventfd(0, OS.EFD_CLOEXEC | OS.EFD_NONBLOCK);
    this.#one = new Pinned(libc, 8);
    this.#one.words[0] = 1;
    const [ourEnd, theirEnd] = openSocketPair(libc);
    this.#wakeFd = theirEnd;
    this.#wakeSocket = this.#listen(ourEnd);
    ({ worker: this.#worker, port: this.#port } = this.#start());
    process.on('exit', this.#wakeForExit);
  }

  /** Of its loop; at least one every other second, wrapping. */
  get rounds(): number {
    return Atomics.load(this.#rounds, ROUNDS);
  }

  /** Datagrams that it has answered itself so far, wrapping. */
  get answered(): number {
    return Atomics.load(this.#rounds, ANSWERED);
  }

  /** Has the thread leave its sockets alone for some milliseconds. */
  standAside(): void {
    Atomics.add(this.#rounds, RESOLVER_READS, 1);
  }

  /** Has it look at once. */
  goOn(): void {
    this.#wake();
  }

  /** Resolves once the thread has started. */
  ready(): Promise<void> {
    return this.#ready;
  }

  get connections(): ConnectionFigures {
    return { ...this.#table.figures(), repliesLost: this.#repliesLost };
  }

  /** Resolves once the thread works by this, and has closed listeners that were served before. */
  serve(service: Service): Promise<void> {
    const wanted = new Set(service.listeners.map(({ id }) => id));
    this.#leave((this.#served?.listeners ?? []).filter(({ id }) => !wanted.has(id)));
    this.#served = service;
    return this.#command((number) => ({ kind: 'serve', number, ...service }));
  }

  /** Ends TCP: resolves when all connections are closed, after their last reply or, at the latest, `graceMs`. */
  endStreams(graceMs: number): Promise<void> {
    if (this.#served !== undefined) {
      this.#leave(this.#served.listeners);
      this.#served = { ...this.#served, listeners: [] };
    }
    return this.#command((number) => {
      this.#endNumber = number;
      return { kind: 'end', number, graceMs };
    });
  }

  /** Sends a reply to a connection's client; an empty one says that its query gets none. */
  reply(slot: number, generation: number, reply: Octets): void {
    if (!this.#replies.push(slot, generation, reply)) {
      this.#repliesLost += 1;
      this.#table.doom(slot, generation);
      this.#wakeForReplies();
    } else if (this.#replies.isHalfFull) {
      this.#wakeForReplies();
    } else if (!this.#isWakeDue) {
      // Once for all replies of this turn of the event loop.
      this.#isWakeDue = true;
      setImmediate(() => {
        this.#isWakeDue = false;
        this.#wakeForReplies();
      });
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    // Between a crash and the next start there is nobody to stop.
    const isDead = this.#worker.threadId === -1;
    const exited = isDead || new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#port.postMessage({ kind: 'stop' } satisfies ResponderCommand);
    this.#wake();
    await exited;
    this.#port.close();
    if (isDead) this.#closeAbandoned();
    // What it had pushed before it stopped is still to be answered.
    this.#drain();
    this.#wakeSocket.destroy();
    this.#options.libc.close(this.#wakeFd);
    this.#options.libc.close(this.#eventFd);
    process.off('exit', this.#wakeForExit);
  }

  #start(): { worker: Worker; port: MessagePort } {
    const { port1, port2 } = new MessageChannel();
    const { memory, reader, rowCount, hashSeed } = this.#options;
    const data: ResponderData = {
      memory,
      reader,
      rowCount,
      hashSeed,
      missRing: this.#ringBuffer,
      sampleRing: this.#sampleBuffer,
      streamTable: this.#tableBuffer,
      replyRing: this.#replyBuffer,
      rounds: this.#roundsBuffer,
      wakeFd: this.#wakeFd,
      eventFd: this.#eventFd,
      port: port2,
    };
    const worker = startWorker(data);
    port1.on('message', (number: number) => this.#done(number));
    worker.on('error', (error) => this.#restart(error as Error));
    return { worker, port: port1 };
  }

  #restart(error: Error): void {
    if (this.#isClosing) return;
    this.#options.onCrash(error);
    this.#port.close();
    this.#closeAbandoned();
    setTimeout(() => {
      if (this.#isClosing) return;
      // What it was told meanwhile it has not heard.
      this.#closeAbandoned();
      ({ worker: this.#worker, port: this.#port } = this.#start());
      const service = this.#served;
      if (service) void this.#command((number) => ({ kind: 'serve', number, ...service }));
    }, RESTART_DELAY_MS);
  }

  /** Of a thread that has died. */
  #closeAbandoned(): void {
    const { libc } = this.#options;
    for (const fd of this.#table.abandon()) libc.close(fd);
    const closed = this.#table.closedListeners;
    for (const { command, listeners } of this.#gone) {
      if (command > closed) for (const { fd } of listeners) libc.close(fd);
    }
    this.#gone = [];
    if (this.#endNumber !== undefined) this.#done(this.#endNumber);
  }

  /** With the next command the thread closes these. */
  #leave(listeners: readonly StreamListener[]): void {
    const closed = this.#table.closedListeners;
    this.#gone = this.#gone.filter(({ command }) => command > closed);
    if (listeners.length > 0) this.#gone.push({ command: this.#commandNumber + 1, listeners });
  }

  #command(commandOf: (number: number) => ResponderCommand): Promise<void> {
    const number = ++this.#commandNumber;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#applied.set(number, resolve);
    this.#port.postMessage(commandOf(number));
    this.#wake();
    return promise;
  }

  /** A command is done; a later one includes the earlier ones. */
  #done(number: number): void {
    for (const [waiting, resolve] of this.#applied) {
      if (waiting > number) continue;
      this.#applied.delete(waiting);
      resolve();
    }
  }

  #wakeForReplies(): void {
    if (this.#replies.takeWakeUp()) this.#wake();
  }

  #wake(): void {
    this.#options.libc.write(this.#eventFd, this.#one.address, 8);
  }

  /** The process waits for its threads: without this, an exit would take until the wait's time-out. */
  readonly #wakeForExit = (): void => {
    this.#port.postMessage({ kind: 'stop' } satisfies ResponderCommand);
    this.#wake();
  };

  #listen(fd: number): Socket {
    const options = {
      fd,
      readable: true,
      writable: false,
      onread: {
        buffer: new Uint8Array(64),
        callback: () => {
          this.#ring.clearWakeUp();
          this.#drain();
          return true;
        },
      },
    };
    const socket = new Socket(options);
    socket.resume();
    return socket;
  }

  readonly #drain = (): void => {
    for (let count = 0; count < DRAIN_MAX; count++) {
      const miss = this.#ring.take();
      if (miss === undefined) {
        this.#isDraining = false;
        this.#options.onDrained(count);
        return;
      }
      this.#options.onMiss(miss);
    }
    if (this.#isClosing) {
      this.#drain();
    } else if (!this.#isDraining) {
      this.#isDraining = true;
      setImmediate(() => {
        this.#isDraining = false;
        this.#drain();
      });
    }
  };
}
