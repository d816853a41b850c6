/**
 * A responder's life: wait for its sockets and its eventfd, take a batch from each UDP socket that has one, answer, send; what
 * belongs to TCP is done in responder-streams.ts. Where one datagram was alone, one is taken the next time: that costs less, and what
 * lies behind it is told again at once; each sampled batch looks whether there are more.
 *
 * Each round calls a JavaScript function, and waits until the next tick at the latest (responder-wait.ts): a thread in a loop without
 * calls would hang the whole process's exit, its reports and its heap statistics. The eventfd wakes it for a new plan, replies for TCP
 * clients, or the end.
 */
import {
  countBatch,
  countMissRingFull,
  countReceiveQueueDrops,
  countSendFailures,
  observeArrivalToSend,
} from '../metrics/counter-words.ts';
import { CONTROL_MODE, CONTROL_SIZE, DatagramBatch, timespecUs } from '../os/datagram-batch.ts';
import { DropCounter } from '../os/drop-counter.ts';
import { Epoll } from '../os/epoll.ts';
import { type Libc, OS, Pinned } from '../os/libc.ts';
import { type Answerer, OUTCOME } from './answer.ts';
import { MissRing } from './miss-ring.ts';
import { ResponderStreams } from './responder-streams.ts';
import { FOREVER_MS, ResponderWait, shorterMs } from './responder-wait.ts';
import { RoundClock } from './round-clock.ts';
import { SampleRing } from './sample-ring.ts';
import { canBeAnswered } from './source-check.ts';
import { TOKEN } from './stream-listeners.ts';

/** How long what comes may lie there when the resolver, which read the sockets, has stopped without a word: its longest collection. */
const ASIDE_MS = 4;
/** Of so many batches, one is asked for its first datagram's arrival: under load that is some hundred samples a second. */
const SAMPLE_EVERY = 16;
/** Batches between two looks at a socket's drop counter (0.5 us each). */
const DROPS_EVERY = 256;
/** The words of `rounds`, each by its own writer. */
export const ROUNDS = 0;
export const RESOLVER_READS = 1;
export const ANSWERED = 2;
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
  readonly streamAnswerer: Answerer;
  readonly counters: Int32Array;
  readonly missRing: SharedArrayBuffer;
  /** Some of the queries, while somebody watches. */
  readonly sampleRing: SharedArrayBuffer;
  /** Connections of TCP, and the resolver's replies to them. */
  readonly streamTable: SharedArrayBuffer;
  readonly replyRing: SharedArrayBuffer;
  /**
   * A word that each round adds to: who renews the lease of interception sees by it that this thread is at work. One that the
   * resolver adds to when it has read our sockets. And one that counts the datagrams answered here, wrapping: what is no storm.
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
  readonly #epoll: Epoll;
  readonly #waits: ResponderWait;
  readonly #clock: RoundClock;
  readonly #streams: ResponderStreams;
  #sockets: readonly ResponderSocket[] = [];
  #batchCount = 0;
  /** Datagrams, in this round. */
  #received = 0;
  #resolverReads = 0;
  #isAside = false;
  #asideSinceMs = 0;
  #hasTicked = false;

  constructor(wiring: ResponderWiring) {
    this.#wiring = wiring;
    this.#batch = new DatagramBatch(wiring.libc);
    this.#missRing = new MissRing(wiring.missRing);
    this.#samples = new SampleRing(wiring.sampleRing);
    this.#rounds = new Int32Array(wiring.rounds);
    this.#drops = new DropCounter(wiring.libc);
    this.#scratch = new Pinned(wiring.libc, 64);
    this.#epoll = new Epoll(wiring.libc);
    this.#waits = new ResponderWait(wiring.libc, this.#epoll, wiring.eventFd);
    this.#clock = new RoundClock(wiring.libc);
    this.#streams = new ResponderStreams({
      ...wiring,
      answerer: wiring.streamAnswerer,
      epoll: this.#epoll,
      clock: this.#clock,
      missRing: this.#missRing,
      samples: this.#samples,
      wakeResolver: () => this.#wakeResolver(),
    });
  }

  get streams(): ResponderStreams {
    return this.#streams;
  }

  /** Whether a tick came in the last round: one every other second (responder-wait.ts). */
  get hasTicked(): boolean {
    return this.#hasTicked;
  }

  setSockets(sockets: readonly ResponderSocket[]): void {
    this.#sockets = sockets;
    this.#waits.setSockets(sockets.map(({ fd }) => fd));
    for (const { id, fd } of sockets) {
      if (!this.#dropsSeen.has(id)) this.#dropsSeen.set(id, this.#drops.read(fd));
    }
  }

  /** One round: waits at most so long, or until the next tick. True where the eventfd was written to. */
  round(waitMaxMs = FOREVER_MS): boolean {
    this.#rounds[ROUNDS] = (this.#rounds[ROUNDS]! + 1) | 0;
    this.#isAside = this.#isOthersTurn();
    const maxMs = this.#isAside ? shorterMs(ASIDE_MS, waitMaxMs) : waitMaxMs;
    const waitMs = shorterMs(maxMs, this.#streams.waitMs);
    const eventCount = this.#isAside ? this.#waits.waitAside(waitMs) : this.#waits.wait(waitMs);
    this.#clock.startRound();
    if (this.#waits.isOver && !this.#isAside) this.#readDrops();
    this.#received = 0;
    this.#hasTicked = false;
    if (!this.#isAside) this.#servePolled();
    const isCalled = this.#serveEvents(eventCount);
    if (!this.#isAside) this.#waits.received(this.#received);
    if (isCalled) this.#takeCall();
    this.#streams.sweep();
    return isCalled;
  }

  /** Closes what this thread has opened. */
  close(): void {
    this.#streams.close();
    this.#waits.close();
    this.#epoll.close();
  }

  /** Whether the resolver has just read our sockets (`storm.ts`); it says when it is done, or is taken to be done in a while. */
  #isOthersTurn(): boolean {
    const reads = Atomics.load(this.#rounds, RESOLVER_READS);
    if (reads !== this.#resolverReads) {
      this.#resolverReads = reads;
      this.#asideSinceMs = this.#clock.word;
      return true;
    }
    return this.#isAside && ((this.#clock.word - this.#asideSinceMs) | 0) < ASIDE_MS;
  }

  #servePolled(): void {
    for (let index = 0; index < this.#sockets.length; index++) {
      if (this.#waits.hasPolled(index)) this.#serve(this.#sockets[index]!);
    }
  }

  /** True where the eventfd was written to. */
  #serveEvents(count: number): boolean {
    let isCalled = false;
    for (let index = 0; index < count; index++) {
      const token = this.#epoll.tokenAt(index);
      if (token < TOKEN.EVENT_FD) this.#serve(this.#sockets[token]!);
      else if (token === TOKEN.EVENT_FD) isCalled = true;
      else if (token === TOKEN.TICK) this.#takeTick();
      else this.#streams.serve(token, this.#epoll.eventsAt(index));
    }
    return isCalled;
  }

  #takeTick(): void {
    this.#waits.takeTick();
    this.#hasTicked = true;
  }

  #takeCall(): void {
    this.#wiring.libc.read(this.#wiring.eventFd, this.#scratch.address, 8);
    // It may say that it is done with our sockets.
    this.#asideSinceMs = (this.#clock.word - ASIDE_MS) | 0;
    this.#streams.takeReplies();
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
    const isAlone = batch.count === 1 && mode === CONTROL_MODE.NONE;
    const count = isAlone ? batch.receiveOne(socket.fd) : batch.receive(socket.fd, mode);
    if (count === 0) return;
    this.#received += count;
    this.#batchCount += 1;
    const startedAtMs = this.#clock.read();
    answerer.beginBatch(startedAtMs);
    const missCount = this.#answerAll(socket, count);
    answerer.endBatch(Math.round((this.#clock.read() - startedAtMs) * 1000));
    this.#rounds[ANSWERED] = (this.#rounds[ANSWERED]! + count - missCount) | 0;
    const refused = batch.send(socket.fd);
    if (refused > 0) countSendFailures(counters, answerer.writerAt, refused);
    countBatch(counters, answerer.writerAt, count);
    if (isSampled) this.#sampleArrival();
    const { step } = this.#samples;
    if (step !== 0) this.#sampleQueries(socket, count, step);
    if (missCount + answerer.refreshRequests > 0) this.#wakeResolver();
    if (this.#batchCount % DROPS_EVERY === 0) this.#readDrops();
  }

  #answerAll(socket: ResponderSocket, count: number): number {
    const batch = this.#batch;
    const { octets, words } = batch;
    const { answerer } = this.#wiring;
    for (let slot = 0; slot < count; slot++) {
      // What comes from where no answer can go is taken as empty, which gets none.
      const isAnswerable = canBeAnswered(octets, batch.nameAt(slot), socket.own);
      const size = isAnswerable ? batch.sizeOf(slot) : 0;
      answerer.read(slot, octets, words, batch.bufferAt(slot), size, socket.listener);
    }
    answerer.lookAhead(count);
    let missCount = 0;
    for (let slot = 0; slot < count; slot++) {
      const reply = answerer.reply(slot, octets);
      if (reply > 0) batch.queue(slot, reply);
      else if (reply === OUTCOME.MISS) {
        if (this.#pushMiss(socket, slot, batch.sizeOf(slot))) missCount += 1;
        else batch.queue(slot, answerer.refuseMiss(slot, octets));
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
  #pushMiss(socket: ResponderSocket, slot: number, size: number): boolean {
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
      this.#clock.nowMs,
    );
    if (!isPushed) countMissRingFull(this.#wiring.counters, this.#wiring.answerer.writerAt);
    return isPushed;
  }

  #wakeResolver(): void {
    if (!this.#missRing.takeWakeUp()) return;
    this.#wiring.libc.write(this.#wiring.wakeFd, this.#scratch.address, 1);
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
