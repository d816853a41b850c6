/**
 * Misses on their way from a responder to the resolver: a ring of records of different sizes in memory that both share.
 * The responder writes, the resolver takes (`miss-taker.ts`); when the ring is full the query is refused and counted, since a
 * responder never waits. Above half, a source that holds its equal part of the ring is refused too, so that one pod's flood leaves
 * room for the others. Sources are told apart by a hash of their address; two that share a bucket share a part, and a turn.
 *
 *   control   word 0: written so far (octets, wrapping)   word 16: taken so far   word 32: 1 while a wake-up is on its way
 *             word 1: what was written when the ring was last begun anew: it was empty, and the next record stands at its start
 *   buckets   256 words: octets written for the bucket, then 256 words: octets taken; each by its own side, wrapping
 *   record    word 0: size in octets, or -1: go on at the start of the ring
 *             word 1: socket, or ~listener for a connection of TCP
 *             word 2: query octets    word 3: peer octets | control octets << 16
 *             word 4-5: received at, ms (double)    word 6-13: peer address
 *             word 14: the next record of its bucket, word 15: 1 once it is taken; both the resolver's own
 *             then the control block, then the query, each filled up to a multiple of 8 octets
 *
 * Publication: the record is complete before `written` is stored through Atomics, and it is read only after `written` was
 * loaded so; `taken` goes back the same way, and only over records that have all been taken. Both are on cache lines of their own.
 * So is the beginning, which changes only while there is nothing to read. A ring that is begun anew whenever it is empty uses no
 * more memory than has ever waited in it, and what processors have at hand.
 */
import { word } from '../wire/octets.ts';

/**
 * Eighteen thousand usual queries: nearly a second of a storm, in which a new process still compiles its code. Memory of it is used as far
 * as queries have ever waited.
 */
export const MISSES_MAX_BYTES = 1 << 21;
export const BUCKET_COUNT = 256;
const PUSHED_AT = 48;
export const POPPED_AT = PUSHED_AT + BUCKET_COUNT;
export const RECORDS_AT = 4 * (POPPED_AT + BUCKET_COUNT);
export const WRITTEN = 0;
export const BEGUN = 1;
export const TAKEN = 16;
export const NOTIFIED = 32;
/** In a record, octets. */
export const PEER_AT = 24;
export const CONTROL_AT = 64;
export const WRAP = -1;
/** Sixteen queries of usual names: what a source may hold in any case while there is room. */
const SHARE_MIN = 16 * 256;

/** One miss as the resolver sees it; octets are copies of its own. */
export interface MissRecord {
  /** Number of the UDP socket, or what `socketOfListener` gives for a connection of TCP. */
  readonly socket: number;
  readonly query: Uint8Array<ArrayBuffer>;
  readonly peer: Uint8Array;
  /** UDP: the control block of its datagram. TCP: slot and generation of its connection, two words. */
  readonly control: Uint8Array;
  readonly receivedAtMs: number;
}

/** A connection has no socket that the resolver knows, but a listener; the function is its own inverse. */
export function socketOfListener(listener: number): number {
  return ~listener;
}

export function createMissRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(RECORDS_AT + MISSES_MAX_BYTES);
}

/** The responder's end. */
export class MissRing {
  readonly #words: Int32Array;
  readonly #octets: Uint8Array;
  readonly #doubles: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#octets = new Uint8Array(buffer);
    this.#doubles = new Float64Array(buffer);
  }

  /** Copies a query with its peer and control block; false where it gets no place. */
  push(
    octets: Uint8Array,
    queryAt: number,
    querySize: number,
    peerAt: number,
    peerSize: number,
    controlAt: number,
    controlSize: number,
    socket: number,
    receivedAtMs: number,
  ): boolean {
    const headerSize = CONTROL_AT + up(controlSize);
    const size = headerSize + up(querySize);
    const words = this.#words;
    const written = word(words, WRITTEN);
    const used = (written - Atomics.load(words, TAKEN)) | 0;
    if (used === 0) words[BEGUN] = written;
    const offset = (written - word(words, BEGUN)) & (MISSES_MAX_BYTES - 1);
    // A record does not go over the ring's end: what is left there is skipped, and taken up as used.
    const skipped = MISSES_MAX_BYTES - offset >= size ? 0 : MISSES_MAX_BYTES - offset;
    if (used + skipped + size > MISSES_MAX_BYTES) return false;
    const bucket = bucketOf(octets, peerAt, peerSize);
    if (2 * used > MISSES_MAX_BYTES && !this.#isFair(bucket)) return false;
    if (skipped !== 0) words[(RECORDS_AT + offset) >> 2] = WRAP;
    const at = RECORDS_AT + (skipped === 0 ? offset : 0);
    words[at >> 2] = size;
    words[(at >> 2) + 1] = socket;
    words[(at >> 2) + 2] = querySize;
    words[(at >> 2) + 3] = peerSize | (controlSize << 16);
    this.#doubles[(at + 16) >> 3] = receivedAtMs;
    this.#copy(octets, peerAt, peerSize, at + PEER_AT);
    this.#copy(octets, controlAt, controlSize, at + CONTROL_AT);
    this.#copy(octets, queryAt, querySize, at + headerSize);
    words[PUSHED_AT + bucket] = (word(words, PUSHED_AT + bucket) + size) | 0;
    Atomics.store(words, WRITTEN, (written + skipped + size) | 0);
    return true;
  }

  /** True where the resolver must be woken, because it was not yet. */
  takeWakeUp(): boolean {
    return Atomics.exchange(this.#words, NOTIFIED, 1) === 0;
  }

  /** Whether the bucket holds less than its equal part; looked at above half only, so that the usual push costs nothing. */
  #isFair(bucket: number): boolean {
    let holders = 0;
    for (let other = 0; other < BUCKET_COUNT; other++) {
      if (other === bucket || this.#heldBy(other) > 0) holders += 1;
    }
    return this.#heldBy(bucket) < Math.max(SHARE_MIN, MISSES_MAX_BYTES / holders);
  }

  #heldBy(bucket: number): number {
    const popped = Atomics.load(this.#words, POPPED_AT + bucket);
    return (word(this.#words, PUSHED_AT + bucket) - popped) | 0;
  }

  #copy(from: Uint8Array, fromAt: number, size: number, at: number): void {
    for (let index = 0; index < size; index++) this.#octets[at + index] = from[fromAt + index]!;
  }
}

/** Octets that so many take in a record. */
export function up(size: number): number {
  return (size + 7) & ~7;
}

/** The bucket of a socket address, its port left out: Linux has it in octets 2 and 3 of both families. */
export function bucketOf(octets: Uint8Array, at: number, size: number): number {
  let hash = 0;
  for (let index = 4; index < size; index++) {
    hash = Math.imul(hash ^ octets[at + index]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash & (BUCKET_COUNT - 1);
}
