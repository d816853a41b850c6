/**
 * Misses on their way from a responder to the resolver: a ring of records of different sizes in memory that both share.
 * The responder writes, the resolver takes; when the ring is full the query is refused and counted, since a responder never
 * waits. Above half, a source that holds its equal part of the ring is refused too, so that one pod's flood leaves room for the
 * others. Sources are told apart by a hash of their address; two that share a bucket share a part.
 *
 *   control   word 0: written so far (octets, wrapping)   word 16: taken so far   word 32: 1 while a wake-up is on its way
 *             word 1: what was written when the ring was last begun anew: it was empty, and the next record stands at its start
 *   buckets   256 words: octets written for the bucket, then 256 words: octets taken; each by its own side, wrapping
 *   record    word 0: size in octets, or -1: go on at the start of the ring
 *             word 1: socket, or ~listener for a connection of TCP
 *             word 2: query octets    word 3: peer octets | control octets << 16
 *             word 4-5: received at, ms (double)    word 6-13: peer address    then the control block, then the query,
 *             each filled up to a multiple of 8 octets
 *
 * Publication: the record is complete before `written` is stored through Atomics, and it is read only after `written` was
 * loaded so; `taken` goes back the same way. Both are on cache lines of their own. So is the beginning, which changes only while
 * there is nothing to read. A ring that is begun anew whenever it is empty uses no more memory than has ever waited in it, and what
 * processors have at hand.
 */
import { word } from '../wire/octets.ts';

/**
 * Five thousand usual queries: a quarter of a second of a storm. In a larger one those of other pods wait longer behind one pod's flood. Memory
 * of it is used as far as queries have ever waited.
 */
export const MISSES_MAX_BYTES = 1 << 19;
const BUCKET_COUNT = 256;
const PUSHED_AT = 48;
const POPPED_AT = PUSHED_AT + BUCKET_COUNT;
const CONTROL_BYTES = 4 * (POPPED_AT + BUCKET_COUNT);
const WRITTEN = 0;
const BEGUN = 1;
const TAKEN = 16;
const NOTIFIED = 32;
const PEER_AT = 24;
const CONTROL_AT = 56;
const WRAP = -1;
/** Sixteen queries of usual names: what a source may hold in any case while there is room. */
const SHARE_MIN = 16 * 256;

const NONE = new Uint8Array(0);

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
  return new SharedArrayBuffer(CONTROL_BYTES + MISSES_MAX_BYTES);
}

/** Both ends; a thread uses one of them. */
export class MissRing {
  readonly #words: Int32Array;
  readonly #octets: Uint8Array;
  readonly #doubles: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#octets = new Uint8Array(buffer);
    this.#doubles = new Float64Array(buffer);
  }

  /** The responder's end: copies a query with its peer and control block; false where it gets no place. */
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
    if (skipped !== 0) words[(CONTROL_BYTES + offset) >> 2] = WRAP;
    const at = CONTROL_BYTES + (skipped === 0 ? offset : 0);
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

  /** The responder's end: true where the resolver must be woken, because it was not yet. */
  takeWakeUp(): boolean {
    return Atomics.exchange(this.#words, NOTIFIED, 1) === 0;
  }

  /** The resolver's end, before it drains: from here on a new record causes a new wake-up. */
  clearWakeUp(): void {
    Atomics.store(this.#words, NOTIFIED, 0);
  }

  /** The resolver's end: the next record, or undefined where there is none. */
  take(): MissRecord | undefined {
    const words = this.#words;
    const written = Atomics.load(words, WRITTEN);
    let taken = word(words, TAKEN);
    if (taken === written) return undefined;
    let at = CONTROL_BYTES + ((taken - word(words, BEGUN)) & (MISSES_MAX_BYTES - 1));
    if (word(words, at >> 2) === WRAP) {
      taken = (taken + MISSES_MAX_BYTES - (at - CONTROL_BYTES)) | 0;
      at = CONTROL_BYTES;
    }
    const record = this.#read(at);
    const size = word(words, at >> 2);
    const bucket = bucketOf(record.peer, 0, record.peer.length);
    Atomics.store(words, POPPED_AT + bucket, (word(words, POPPED_AT + bucket) + size) | 0);
    Atomics.store(words, TAKEN, (taken + size) | 0);
    return record;
  }

  #read(at: number): MissRecord {
    const querySize = word(this.#words, (at >> 2) + 2);
    const sizes = word(this.#words, (at >> 2) + 3);
    // From Node's pool: an array of its own outside of the heap takes four times as much.
    const query = Buffer.allocUnsafe(querySize);
    const controlAt = at + CONTROL_AT;
    const controlSize = sizes >>> 16;
    const queryAt = controlAt + up(controlSize);
    for (let index = 0; index < querySize; index++) query[index] = this.#octets[queryAt + index]!;
    return {
      socket: word(this.#words, (at >> 2) + 1),
      query,
      peer: this.#octets.slice(at + PEER_AT, at + PEER_AT + (sizes & 0xffff)),
      control: controlSize === 0 ? NONE : this.#octets.slice(controlAt, controlAt + controlSize),
      receivedAtMs: this.#doubles[(at + 16) >> 3]!,
    };
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

function up(size: number): number {
  return (size + 7) & ~7;
}

/** The bucket of a socket address, its port left out: Linux has it in octets 2 and 3 of both families. */
function bucketOf(octets: Uint8Array, at: number, size: number): number {
  let hash = 0;
  for (let index = 4; index < size; index++) {
    hash = Math.imul(hash ^ octets[at + index]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash & (BUCKET_COUNT - 1);
}
