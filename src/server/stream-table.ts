/**
 * The TCP connections of a responder in memory that the resolver shares: which slots are taken, by which descriptor and in which
 * generation, and what has been counted. A slot and its generation name a connection for as long as the process lives, so that a
 * reply never reaches a later one. When a responder dies of a broken invariant, its connections are closed from here.
 *
 *   counts       open, refused (full), refused (unfair), ended (finished), ended (cut off)    the responder writes
 *   EPOLL        its descriptor, plus one                                                     the responder writes
 *   LISTENERS    number of the last command whose listeners it has closed                     the responder writes
 *   DOOMED       1 while the column of the same name is to be looked at                       both, by Atomics
 *   descriptor   of each slot, plus one; 0: free                                              the responder writes
 *   generation   of each slot, counted up when it is freed                                    the responder writes
 *   doomed       generation that the slot's connection is to be closed in                     the resolver writes
 */
import { word } from '../wire/octets.ts';

const OPEN = 0;
const REFUSED_FULL = 1;
const REFUSED_UNFAIR = 2;
const FINISHED = 3;
const CUT_OFF = 4;
const LISTENERS = 5;
const EPOLL = 6;
const DOOMED = 16;
const SLOTS = 32;

/** Of clients' TCP connections: a gauge, then counters. */
export interface ConnectionFigures {
  readonly open: number;
  /** Closed at once: there were too many, or their source held its share. */
  readonly refusedFull: number;
  readonly refusedUnfair: number;
  /** Ended by us: after their last reply, or by force as that took too long. */
  readonly finished: number;
  readonly cutOff: number;
  /** Closed because a reply found no place in the ring to their responder. */
  readonly repliesLost: number;
}

export function createStreamTable(slotCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * (SLOTS + 3 * slotCount));
}

export class StreamTable {
  readonly slotCount: number;
  readonly #words: Int32Array;
  readonly #generationsAt: number;
  readonly #doomedAt: number;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.slotCount = (this.#words.length - SLOTS) / 3;
    this.#generationsAt = SLOTS + this.slotCount;
    this.#doomedAt = this.#generationsAt + this.slotCount;
  }

  figures(): Omit<ConnectionFigures, 'repliesLost'> {
    const load = (at: number) => Atomics.load(this.#words, at);
    return {
      open: load(OPEN),
      refusedFull: load(REFUSED_FULL),
      refusedUnfair: load(REFUSED_UNFAIR),
      finished: load(FINISHED),
      cutOff: load(CUT_OFF),
    };
  }

  /** The responder's end: a descriptor takes a slot that is free. */
  take(slot: number, fd: number): void {
    Atomics.store(this.#words, SLOTS + slot, fd + 1);
    Atomics.add(this.#words, OPEN, 1);
  }

  /** The responder's end, right before it closes the descriptor. */
  free(slot: number): void {
    Atomics.store(this.#words, SLOTS + slot, 0);
    Atomics.add(this.#words, this.#generationsAt + slot, 1);
    Atomics.sub(this.#words, OPEN, 1);
  }

  generationOf(slot: number): number {
    return word(this.#words, this.#generationsAt + slot);
  }

  countRefused(isFull: boolean): void {
    Atomics.add(this.#words, isFull ? REFUSED_FULL : REFUSED_UNFAIR, 1);
  }

  countEnded(isCutOff: boolean): void {
    Atomics.add(this.#words, isCutOff ? CUT_OFF : FINISHED, 1);
  }

  /** The number of the last command whose listeners the responder has closed. */
  get closedListeners(): number {
    return Atomics.load(this.#words, LISTENERS);
  }

  set closedListeners(command: number) {
    Atomics.store(this.#words, LISTENERS, command);
  }

  set epollFd(fd: number) {
    Atomics.store(this.#words, EPOLL, fd + 1);
  }

  /** The resolver's end: a reply for this connection is lost, so it is to be closed. */
  doom(slot: number, generation: number): void {
    Atomics.store(this.#words, this.#doomedAt + slot, generation + 1);
    Atomics.store(this.#words, DOOMED, 1);
  }

  /** The responder's end: calls `close` for each slot whose connection is to be closed. */
  closeDoomed(close: (slot: number) => void): void {
    if (Atomics.exchange(this.#words, DOOMED, 0) === 0) return;
    for (let slot = 0; slot < this.slotCount; slot++) {
      const generation = Atomics.exchange(this.#words, this.#doomedAt + slot, 0) - 1;
      const isOpen = word(this.#words, SLOTS + slot) !== 0;
      if (isOpen && generation === this.generationOf(slot)) close(slot);
    }
  }

  /** The resolver's end, when the responder has died: frees all slots, and returns their descriptors to be closed. */
  abandon(): number[] {
    const epollFd = Atomics.exchange(this.#words, EPOLL, 0) - 1;
    const fds = epollFd < 0 ? [] : [epollFd];
    for (let slot = 0; slot < this.slotCount; slot++) {
      const fd = word(this.#words, SLOTS + slot) - 1;
      if (fd < 0) continue;
      this.free(slot);
      fds.push(fd);
    }
    return fds;
  }
}
