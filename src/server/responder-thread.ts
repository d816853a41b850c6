/**
 * One responder thread as the resolver sees it: its worker, its miss ring, its wake-up socket, its eventfd. Started again by
 * itself when it dies of a broken invariant; its sockets wait meanwhile and lose nothing.
 */

import { Socket } from 'node:net';
import { extname } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Log } from '../base/log.ts';
import type { HashSeed } from '../cache/key.ts';
import type { MemoryHandle } from '../cache/memory.ts';
import { type Libc, OS, Pinned } from '../os/libc.ts';
import { openSocketPair } from '../os/socket-pair.ts';
import { createMissRing, type MissRecord, MissRing } from './miss-ring.ts';
import type { ResponderPlan } from './plan.ts';
import { type ResponderCommand, type ResponderData, STARTED } from './responder-data.ts';
import { RESOLVER_READS, type ResponderSocket, ROUNDS } from './responder-loop.ts';
import { createSampleRing, SampleRing } from './sample-ring.ts';

/** Misses taken in one turn of the event loop, so that upstream replies and TCP clients have theirs. */
const DRAIN_MAX = 512;
/** How long a thread waits before it is started again: a bug that strikes at once must not eat the CPU. */
const RESTART_DELAY_MS = 100;

/** The image runs JavaScript, development runs TypeScript: the entry file has our own suffix. */
const ENTRY = new URL(`../responder${extname(import.meta.url)}`, import.meta.url);

/** Two words, on a cache line of their own. */
const ROUNDS_BYTES = 64;

export interface ResponderThreadOptions {
  readonly libc: Libc;
  readonly log: Log;
  readonly memory: MemoryHandle;
  readonly reader: number;
  readonly rowCount: number;
  readonly hashSeed: HashSeed;
  /** Called for each miss, and once after each drain with their number, when refresh requests may wait as well. */
  readonly onMiss: (miss: MissRecord) => void;
  readonly onDrained: (misses: number) => void;
  readonly onCrash: (error: Error) => void;
}

export class ResponderThread {
  readonly #options: ResponderThreadOptions;
  readonly #ringBuffer = createMissRing();
  readonly #ring = new MissRing(this.#ringBuffer);
  readonly #sampleBuffer = createSampleRing();
  /** Our end of it. */
  readonly samples = new SampleRing(this.#sampleBuffer);
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
  #served: { sockets: readonly ResponderSocket[]; plan: ResponderPlan } | undefined;
  #isClosing = false;
  #isDraining = false;

  constructor(options: ResponderThreadOptions) {
    const { libc } = options;
    this.#options = options;
    this.#eventFd = libc.eventfd(0, OS.EFD_CLOEXEC | OS.EFD_NONBLOCK);
    this.#one = new Pinned(libc, 8);
    this.#one.words[0] = 1;
    const [ourEnd, theirEnd] = openSocketPair(libc);
    this.#wakeFd = theirEnd;
    this.#wakeSocket = this.#listen(ourEnd);
    ({ worker: this.#worker, port: this.#port } = this.#start());
    process.on('exit', this.#wakeForExit);
  }

  /** Of its loop; at least two a second, wrapping. */
  get rounds(): number {
    return Atomics.load(this.#rounds, ROUNDS);
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

  /** Resolves once the thread works by this plan. */
  serve(sockets: readonly ResponderSocket[], plan: ResponderPlan): Promise<void> {
    this.#served = { sockets, plan };
    return this.#command(sockets, plan);
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
      rounds: this.#roundsBuffer,
      wakeFd: this.#wakeFd,
      eventFd: this.#eventFd,
      port: port2,
    };
    const worker = new Worker(ENTRY, { workerData: data, transferList: [port2] });
    port1.on('message', (number: number) => this.#applied.get(number)?.());
    worker.on('error', (error) => this.#restart(error as Error));
    return { worker, port: port1 };
  }

  #restart(error: Error): void {
    if (this.#isClosing) return;
    this.#options.onCrash(error);
    this.#port.close();
    setTimeout(() => {
      if (this.#isClosing) return;
      ({ worker: this.#worker, port: this.#port } = this.#start());
      if (this.#served) void this.#command(this.#served.sockets, this.#served.plan);
    }, RESTART_DELAY_MS);
  }

  #command(sockets: readonly ResponderSocket[], plan: ResponderPlan): Promise<void> {
    const number = ++this.#commandNumber;
    return new Promise((resolve) => {
      this.#applied.set(number, () => {
        // A later plan includes the earlier ones.
        for (const [waiting, done] of this.#applied) {
          if (waiting > number) continue;
          this.#applied.delete(waiting);
          if (waiting !== number) done();
        }
        resolve();
      });
      this.#port.postMessage({ kind: 'serve', number, sockets, plan } satisfies ResponderCommand);
      this.#wake();
    });
  }

  #wake(): void {
    this.#options.libc.write(this.#eventFd, this.#one.address, 8);
  }

  /** The process waits for its threads: without this, an exit would take until the poll's time-out. */
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
