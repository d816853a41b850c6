/**
 * The resolver's end of a miss ring. Sources take turns: each that waits has its oldest query taken before any has another, so that
 * nobody waits for what a flood has put in front. What is taken out of its place is given back to the responder with what stands
 * before it, which never waits for more than one round of turns: it is the oldest of its source.
 */
import { word } from '../wire/octets.ts';
import {
  BEGUN,
  BUCKET_COUNT,
  bucketOf,
  CONTROL_AT,
  MISSES_MAX_BYTES,
  type MissRecord,
  NOTIFIED,
  PEER_AT,
  POPPED_AT,
  RECORDS_AT,
  TAKEN,
  up,
  WRAP,
  WRITTEN,
} from './miss-ring.ts';

/** Words of a record that are the resolver's own. */
const NEXT = 14;
const IS_TAKEN = 15;

const NONE = new Uint8Array(0);

export class MissTaker {
  readonly #words: Int32Array;
  readonly #octets: Uint8Array;
  readonly #doubles: Float64Array;
  /** Of each bucket where its oldest record stands, 0 where none waits, and where its newest does. */
  readonly #oldest = new Int32Array(BUCKET_COUNT);
  readonly #newest = new Int32Array(BUCKET_COUNT);
  /** Buckets in which records wait, a ring: each is in it once. */
  readonly #turns = new Uint8Array(BUCKET_COUNT);
  #turnAt = 0;
  #turnCount = 0;
  /** As `taken`: how far the records stand in their buckets. */
  #queued: number;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#octets = new Uint8Array(buffer);
    this.#doubles = new Float64Array(buffer);
    this.#queued = word(this.#words, TAKEN);
  }

  /** Before it drains: from here on a new record causes a new wake-up. */
  clearWakeUp(): void {
    Atomics.store(this.#words, NOTIFIED, 0);
  }

  /** The next record, or undefined where there is none. */
  take(): MissRecord | undefined {
    const words = this.#words;
    this.#queueNew();
    if (this.#turnCount === 0) return undefined;
    const bucket = this.#takeTurn();
    const at = this.#oldest[bucket]!;
    const next = word(words, (at >> 2) + NEXT);
    this.#oldest[bucket] = next;
    if (next !== 0) this.#addTurn(bucket);
    const record = this.#read(at);
    words[(at >> 2) + IS_TAKEN] = 1;
    const popped = word(words, POPPED_AT + bucket) + word(words, at >> 2);
    Atomics.store(words, POPPED_AT + bucket, popped | 0);
    this.#giveBack();
    return record;
  }

  /** What has been written since goes to its buckets. */
  #queueNew(): void {
    const words = this.#words;
    const written = Atomics.load(words, WRITTEN);
    while (this.#queued !== written) {
      const start = this.#startOf(this.#queued);
      const at = this.#placeOf(start);
      const peerSize = word(words, (at >> 2) + 3) & 0xffff;
      const bucket = bucketOf(this.#octets, at + PEER_AT, peerSize);
      words[(at >> 2) + NEXT] = 0;
      words[(at >> 2) + IS_TAKEN] = 0;
      if (this.#oldest[bucket] === 0) {
        this.#oldest[bucket] = at;
        this.#addTurn(bucket);
      } else {
        words[(this.#newest[bucket]! >> 2) + NEXT] = at;
      }
      this.#newest[bucket] = at;
      this.#queued = (start + word(words, at >> 2)) | 0;
    }
  }

  #addTurn(bucket: number): void {
    this.#turns[(this.#turnAt + this.#turnCount) % BUCKET_COUNT] = bucket;
    this.#turnCount += 1;
  }

  #takeTurn(): number {
    const bucket = this.#turns[this.#turnAt]!;
    this.#turnAt = (this.#turnAt + 1) % BUCKET_COUNT;
    this.#turnCount -= 1;
    return bucket;
  }

  /** The memory of records that have been taken, as far as none before them waits. */
  #giveBack(): void {
    const words = this.#words;
    let taken = word(words, TAKEN);
    while (taken !== this.#queued) {
      const start = this.#startOf(taken);
      const at = this.#placeOf(start);
      if (word(words, (at >> 2) + IS_TAKEN) === 0) break;
      taken = (start + word(words, at >> 2)) | 0;
    }
    Atomics.store(words, TAKEN, taken);
  }

  /** Where the record begins that follows so many octets: what is left at the ring's end may be skipped. */
  #startOf(position: number): number {
    const at = this.#placeOf(position);
    if (word(this.#words, at >> 2) !== WRAP) return position;
    return (position + MISSES_MAX_BYTES - (at - RECORDS_AT)) | 0;
  }

  #placeOf(position: number): number {
    return RECORDS_AT + ((position - word(this.#words, BEGUN)) & (MISSES_MAX_BYTES - 1));
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
}
