/**
 * A server whose threads answer what lies in their queues, while nobody else needs a core:
 *
 *   SIGSTOP -> queues are filled, each on the core of the thread that reads it -> SIGCONT, and we sleep
 *           -> every queue is empty -> replies are read, with the times at which the kernel received them
 *
 * Filled on its reader's core, a datagram's memory is that core's own, as from a network card with a queue for each core.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Libc } from '../src/os/libc.ts';
import { moveTo } from './cores.ts';
import { DrainSockets, type QueueReplies } from './load/drain-sockets.ts';
import { BATCH_MESSAGES } from './load/mmsg.ts';
import type { QuestionSet } from './load/questions.ts';
import {
  busiest,
  isStopped,
  prefer,
  type ThreadTimes,
  threadTimes,
  timesSince,
} from './threads.ts';

export interface DrainScale {
  /** Client sockets of each queue, and batches from each of them. */
  readonly sockets: number;
  readonly passes: number;
  /** Drains of which nothing is told: until the code is compiled. */
  readonly warmUps: number;
}

export interface DrainOptions {
  readonly pid: number;
  /** Of 127.0.0.1; one socket for each thread that answers. */
  readonly port: number;
  /** One for each queue. */
  readonly cores: readonly number[];
  readonly set: QuestionSet;
  readonly scale: DrainScale;
}

/** One drain. */
export interface Drain {
  /** Replies a second, from the first of all queues to the last of all. */
  readonly perSecond: number;
  /** The mean of the queues' own rates, each from its first reply to its last. */
  readonly ownPerSecond: number;
  /** CPU time of the threads that read the queues, a reply. */
  readonly cpuUs: number;
  /** Of their time, how much they waited for a core that somebody else had. */
  readonly waitedShare: number;
  readonly lost: number;
  readonly wrong: number;
}

const STEP_US = 1000;
const STEPS_MAX = 60_000;
/** From an empty queue to the last batch's replies: the batch's time is some 0.2 ms. */
const LAST_BATCH_US = 5000;
/** A second: a thread that has taken its last batch may be stopped before it answers. */
const LATE_STEPS_MAX = 1000;
const ASKED_MAX = 50;
const ASK_INTERVAL_MS = 100;

export class DrainedServer {
  readonly #libc: Libc;
  readonly #pid: number;
  readonly #cores: readonly number[];
  readonly #scale: DrainScale;
  readonly #sockets: DrainSockets;
  /** By queue. */
  readonly #readers: number[] = [];
  #sleepUs = STEP_US;

  private constructor(libc: Libc, { pid, port, cores, set, scale }: DrainOptions) {
    this.#libc = libc;
    this.#pid = pid;
    this.#cores = cores;
    this.#scale = scale;
    this.#stop();
    try {
      this.#sockets = new DrainSockets(libc, port, scale.sockets, set);
      const { queueCount } = this.#sockets;
      if (queueCount !== cores.length)
        throw new Error(`${queueCount} sockets for ${cores.length} threads`);
    } finally {
      this.#goOn();
    }
  }

  /** Has every question answered once, and finds out which thread reads which queue. Names are then cached, code is compiled. */
  static async prepare(libc: Libc, options: DrainOptions): Promise<DrainedServer> {
    const server = new DrainedServer(libc, options);
    const { set, scale } = options;
    await server.#prime(set.count);
    for (let left = scale.warmUps; left > 0; left--) server.run();
    server.#findReaders();
    return server;
  }

  run(): Drain {
    const queues = Array.from({ length: this.#sockets.queueCount }, (_, queue) => queue);
    const { replies, times } = this.#drain(queues);
    const readers = this.#readers.map((thread) => times.get(thread)!);
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const count = countOf(replies);
    if (count === 0) throw new Error('the server answers nothing');
    const firstNs = Math.min(...replies.map((queue) => queue.firstNs));
    const lastNs = Math.max(...replies.map((queue) => queue.lastNs));
    this.#sleepUs = Math.ceil((lastNs - firstNs) / 1000);
    return {
      perSecond: rate({ count, firstNs, lastNs }),
      ownPerSecond: sum(replies.map(rate)) / replies.length,
      cpuUs: sum(readers.map(({ cpuNs }) => cpuNs)) / 1000 / count,
      waitedShare: sum(readers.map(({ delayNs }) => delayNs)) / replies.length / (lastNs - firstNs),
      lost: this.#sentTo(queues) - count,
      wrong: sum(replies.map((queue) => queue.wrong)),
    };
  }

  close(): void {
    this.#sockets.close();
  }

  async #prime(count: number): Promise<void> {
    for (let left = ASKED_MAX; left > 0; left--) {
      this.#sockets.askEach();
      await pause(ASK_INTERVAL_MS);
      const right = this.#sockets.collect().map((queue) => queue.count - queue.wrong);
      if (Math.max(...right) === count) return;
    }
    throw new Error('the server does not answer every question');
  }

  #findReaders(): void {
    for (const [queue, core] of this.#cores.entries()) {
      const { times } = this.#drain([queue]);
      for (const taken of this.#readers) times.delete(taken);
      this.#readers.push(busiest(times));
      prefer(this.#readers[queue]!, core);
    }
  }

  /** Fills these queues and has them emptied; returns the replies, and what the server's threads have taken for them. */
  #drain(queues: readonly number[]): {
    readonly replies: readonly QueueReplies[];
    readonly times: Map<number, ThreadTimes>;
  } {
    const before = this.#fill(queues);
    // Asleep at once: one of the threads waits for the core that we are on.
    this.#libc.usleep(this.#sleepUs);
    this.#until(() => this.#sockets.waitingOctets() === 0, 'the queues do not become empty');
    this.#libc.usleep(LAST_BATCH_US);
    let times = timesSince(this.#pid, before);
    let replies = this.#sockets.collect();
    for (let left = LATE_STEPS_MAX; left > 0 && countOf(replies) < this.#sentTo(queues); left--) {
      this.#libc.usleep(STEP_US);
      times = timesSince(this.#pid, before);
      const late = this.#sockets.collect();
      replies = replies.map((queue, index) => joined(queue, late[index]!));
    }
    return { replies, times };
  }

  #sentTo(queues: readonly number[]): number {
    return queues.length * this.#scale.sockets * this.#scale.passes * BATCH_MESSAGES;
  }

  #fill(queues: readonly number[]): Map<number, ThreadTimes> {
    this.#stop();
    try {
      for (const queue of queues) {
        moveTo(this.#cores[queue]!);
        this.#sockets.fill(queue, this.#scale.passes);
      }
      return threadTimes(this.#pid);
    } finally {
      this.#goOn();
    }
  }

  #stop(): void {
    process.kill(this.#pid, 'SIGSTOP');
    this.#until(() => isStopped(this.#pid), 'the server does not stop');
  }

  #goOn(): void {
    process.kill(this.#pid, 'SIGCONT');
  }

  #until(isReached: () => boolean, complaint: string): void {
    for (let left = STEPS_MAX; !isReached(); left--) {
      if (left === 0) throw new Error(complaint);
      this.#libc.usleep(STEP_US);
    }
  }
}

function countOf(replies: readonly QueueReplies[]): number {
  return replies.reduce((sum, { count }) => sum + count, 0);
}

function joined(one: QueueReplies, late: QueueReplies): QueueReplies {
  return {
    count: one.count + late.count,
    wrong: one.wrong + late.wrong,
    firstNs: Math.min(one.firstNs, late.firstNs),
    lastNs: Math.max(one.lastNs, late.lastNs),
  };
}

/** The first reply begins the time. */
function rate({ count, firstNs, lastNs }: Omit<QueueReplies, 'wrong'>): number {
  return ((count - 1) * 1e9) / (lastNs - firstNs);
}
