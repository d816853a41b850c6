/**
 * A responder's life: wait in `poll` for its sockets and its eventfd, take a batch from each socket that has one, answer, send.
 *
 * The wait has a time-out and calls a JavaScript function each round: a thread that sat in a system call for ever, or in a
 * loop without calls, would hang the whole process's exit, its reports and its heap statistics. The eventfd wakes it for a new
 * plan or the end.
 */

import {
  countBatch,
  countMissRingFull,
  countReceiveQueueDrops,
  countSendFailures,
  observeArrivalToSend,
} from '../metrics/counter-words.ts';
import { CONTROL_MODE, CONTROL_SIZE, DatagramBatch, timespecUs } from '../os/datagram-batch.ts';
import { type Libc, OS, Pinned } from '../os/libc.ts';
import { DropCounter } from '../os/udp-socket.ts';
import { type Answerer, OUTCOME } from './answer.ts';
import { MissRing } from './miss-ring.ts';
import { SampleRing } from './sample-ring.ts';
import { canBeAnswered } from './source-check.ts';

/** A second: how long a wake-up that got lost can go unnoticed. */
const POLL_TIMEOUT_MS = 500;
/** How long what comes may lie there when the resolver, which read the sockets, has stopped without a word: its longest collection. */
const ASIDE_MS = 4;
/** Of so many batches, one is asked for its first datagram's arrival: under load that is some hundred samples a second. */
const SAMPLE_EVERY = 16;
/** Batches between two looks at a socket's drop counter (0.5 us each). */
const DROPS_EVERY = 256;
const POLLFD_SIZE = 8;
/** The words of `rounds`, each by its own writer. */
export const ROUNDS = 0;
export const RESOLVER_READS = 1;
/** `timespecUs` counts modulo so many microseconds. */
const TIMESPEC_MODULUS_US = 2_147_000_000;

export interface ResponderSocket {
  readonly fd: number;
  /** The number the resolver knows the socket by, and its listener's number in the plan. */
  readonly id: number;
  readonly listener: number;
  /** Its own socket address. */
  readonly own: Uint8Array;
  /** Whether answers need packet information to leave from the address that was asked. */
  readonly isWildcard: boolean;
}

export interface ResponderWiring {
  readonly libc: Libc;
  readonly answerer: Answerer;
  readonly counters: Int32Array;
  readonly missRing: SharedArrayBuffer;
  /** Some of the queries, while somebody watches. */
  readonly sampleRing: SharedArrayBuffer;
  /**
   * A word that each round adds to: who renews the lease of interception sees by it that this thread is at work. And one that the
   * resolver adds to when it has read our sockets.
   */
  readonly rounds: SharedArrayBuffer;
  /** One octet written here wakes the resolver. */
  readonly wakeFd: number;
  /** Readable when the resolver wants something of us. */
  readonly eventFd: number;
}

export class ResponderLoop {
  readonly #wiring: ResponderWiring;
  readonly #batch: DatagramBatch;
  readonly #missRing: MissRing;
  readonly #samples: SampleRing;
  readonly #rounds: Int32Array;
  readonly #drops: DropCounter;
  readonly #scratch: Pinned;
  readonly #dropsSeen = new Map<number, number>();
  #sockets: readonly ResponderSocket[] = [];
  #pollSet: Pinned;
  #batchCount = 0;
  #resolverReads = 0;

  constructor(wiring: ResponderWiring) {
    this.#wiring = wiring;
    this.#batch = new DatagramBatch(wiring.libc);
    this.#missRing = new MissRing(wiring.missRing);
    this.#samples = new SampleRing(wiring.sampleRing);
    this.#rounds = new Int32Array(wiring.rounds);
    this.#drops = new DropCounter(wiring.libc);
    this.#scratch = new Pinned(wiring.libc, 64);
    this.#pollSet = createPollSet(wiring, []);
  }

  setSockets(sockets: readonly ResponderSocket[]): void {
    this.#sockets = sockets;
    this.#pollSet = createPollSet(this.#wiring, sockets);
    for (const { id, fd } of sockets) {
      if (!this.#dropsSeen.has(id)) this.#dropsSeen.set(id, this.#drops.read(fd));
    }
  }

  /** One round: waits at most half a second. True where the eventfd was written to. */
  round(): boolean {
    this.#rounds[ROUNDS] = (this.#rounds[ROUNDS]! + 1) | 0;
    const count = this.#sockets.length;
    if (this.#isOthersTurn()) return this.#standAside(count);
    const ready = this.#wiring.libc.poll(this.#pollSet.address, count + 1, POLL_TIMEOUT_MS);
    if (ready <= 0) {
      this.#readDrops();
      return false;
    }
    const { words } = this.#pollSet;
    for (let index = 0; index < count; index++) {
      // `revents` is the upper half of the second word.
      if (words[2 * index + 1]! >>> 16 !== 0) this.#serve(this.#sockets[index]!);
    }
    if (words[2 * count + 1]! >>> 16 === 0) return false;
    this.#wiring.libc.read(this.#wiring.eventFd, this.#scratch.address, 8);
    return true;
  }

  /** Whether the resolver has read our sockets since we looked last (`storm.ts`). */
  #isOthersTurn(): boolean {
    const reads = Atomics.load(this.#rounds, RESOLVER_READS);
    const hasRead = reads !== this.#resolverReads;
    this.#resolverReads = reads;
    return hasRead;
  }

  /** Waits for the eventfd alone; true where it was written to. */
  #standAside(count: number): boolean {
    const { libc, eventFd } = this.#wiring;
    if (libc.poll(this.#pollSet.address + count * POLLFD_SIZE, 1, ASIDE_MS) <= 0) return false;
    libc.read(eventFd, this.#scratch.address, 8);
    return true;
  }

  #serve(socket: ResponderSocket): void {
    const batch = this.#batch;
    const { answerer, counters } = this.#wiring;
    const isSampled = this.#batchCount % SAMPLE_EVERY === 0;
    const mode = socket.isWildcard
      ? CONTROL_MODE.PACKET_INFO
      : isSampled
        ? CONTROL_MODE.SAMPLE
        : CONTROL_MODE.NONE;
    const count = batch.receive(socket.fd, mode);
    if (count === 0) return;
    this.#batchCount += 1;
    const startedAtMs = this.#clockMs();
    answerer.beginBatch(startedAtMs);
    const missCount = this.#answerAll(socket, count, startedAtMs);
    answerer.endBatch(Math.round((this.#clockMs() - startedAtMs) * 1000));
    const refused = batch.send(socket.fd);
    if (refused > 0) countSendFailures(counters, answerer.writerAt, refused);
    countBatch(counters, answerer.writerAt, count);
    if (isSampled) this.#sampleArrival();
    const { step } = this.#samples;
    if (step !== 0) this.#sampleQueries(socket, count, step);
    if (missCount + answerer.refreshRequests > 0 && this.#missRing.takeWakeUp()) {
      this.#wiring.libc.write(this.#wiring.wakeFd, this.#scratch.address, 1);
    }
    if (this.#batchCount % DROPS_EVERY === 0) this.#readDrops();
  }

  #answerAll(socket: ResponderSocket, count: number, nowMs: number): number {
    const batch = this.#batch;
    const { octets, words } = batch;
    const { answerer } = this.#wiring;
    let missCount = 0;
    for (let slot = 0; slot < count; slot++) {
      const at = batch.bufferAt(slot);
      const size = batch.sizeOf(slot);
      if (!canBeAnswered(octets, batch.nameAt(slot), socket.own)) {
        answerer.ignore(socket.listener);
        continue;
      }
      const reply = answerer.answer(octets, words, at, size, socket.listener);
      if (reply > 0) batch.queue(slot, reply);
      else if (reply === OUTCOME.MISS) {
        if (this.#pushMiss(socket, slot, size, nowMs)) missCount += 1;
        else batch.queue(slot, answerer.refuseMiss(octets, at, size, socket.listener));
      }
    }
    return missCount;
  }

  /** Shows some of the batch to whoever watches; it has been answered. */
  #sampleQueries(socket: ResponderSocket, count: number, step: number): void {
    const batch = this.#batch;
    for (let slot = 0; slot < count; slot++) {
      if (!this.#samples.isDue(step)) continue;
      const peerAt = batch.nameAt(slot);
      if (!canBeAnswered(batch.octets, peerAt, socket.own)) continue;
      this.#samples.take(batch.octets, batch.bufferAt(slot), batch.sizeOf(slot), peerAt, step);
    }
  }

  /** False where the ring has no place for it. */
  #pushMiss(socket: ResponderSocket, slot: number, size: number, nowMs: number): boolean {
    const batch = this.#batch;
    const isPushed = this.#missRing.push(
      batch.octets,
      batch.bufferAt(slot),
      size,
      batch.nameAt(slot),
      batch.nameSizeOf(slot),
      batch.controlAt(slot),
      socket.isWildcard ? CONTROL_SIZE : 0,
      socket.id,
      nowMs,
    );
    if (!isPushed) countMissRingFull(this.#wiring.counters, this.#wiring.answerer.writerAt);
    return isPushed;
  }

  /** The monotonic clock, in milliseconds with fractions: `process.hrtime` would allocate. */
  #clockMs(): number {
    const { address, words } = this.#scratch;
    this.#wiring.libc.clock_gettime(OS.CLOCK_MONOTONIC, address);
    return words[0]! * 1000 + words[2]! / 1e6;
  }

  #sampleArrival(): void {
    const arrivalUs = this.#batch.arrivalUs();
    if (arrivalUs < 0) return;
    const { libc, counters, answerer } = this.#wiring;
    libc.clock_gettime(OS.CLOCK_REALTIME, this.#scratch.address);
    const elapsedUs = timespecUs(this.#scratch.words, 0) - arrivalUs;
    const us = elapsedUs < 0 ? elapsedUs + TIMESPEC_MODULUS_US : elapsedUs;
    observeArrivalToSend(counters, answerer.writerAt, us);
  }

  #readDrops(): void {
    const { counters, answerer } = this.#wiring;
    for (const { id, fd } of this.#sockets) {
      const drops = this.#drops.read(fd);
      const newDrops = (drops - (this.#dropsSeen.get(id) ?? drops)) | 0;
      this.#dropsSeen.set(id, drops);
      if (newDrops > 0) countReceiveQueueDrops(counters, answerer.writerAt, newDrops);
    }
  }
}

/** An array of `pollfd`: the sockets, and the eventfd behind them, which is there from the first wait on. */
function createPollSet(
  { libc, eventFd }: ResponderWiring,
  sockets: readonly ResponderSocket[],
): Pinned {
  const fds = [...sockets.map(({ fd }) => fd), eventFd];
  const pollSet = new Pinned(libc, POLLFD_SIZE * fds.length);
  for (const [index, fd] of fds.entries()) {
    pollSet.words[2 * index] = fd;
    pollSet.words[2 * index + 1] = OS.POLLIN;
  }
  return pollSet;
}
