/**
 * Replies on their way from the resolver to the responder that holds their connection: a ring of records of different sizes in
 * memory that both share. The resolver writes, the responder takes. A reply that finds no place is not waited for: its connection
 * is closed (stream-table.ts), and its client asks again.
 *
 *   control   word 0: written so far (octets, wrapping)    word 16: taken so far    word 32: 1 while a wake-up is on its way
 *             word 1: what was written when the ring was last begun anew, as miss-ring.ts does
 *   record    word 0: size in octets, or -1: go on at the start of the ring
 *             word 1: slot    word 2: generation    word 3: octets of the reply; 0: its query gets none    then the reply
 *
 * Publication: the record is complete before `written` is stored through Atomics, and it is read only after `written` was
 * loaded so; `taken` goes back the same way.
 */
import { type Octets, word } from '../wire/octets.ts';

/** Sixteen replies of the largest size; ten thousand usual ones. */
export const REPLIES_MAX_BYTES = 1 << 20;
const CONTROL_BYTES = 4 * 48;
const WRITTEN = 0;
const BEGUN = 1;
const TAKEN = 16;
const NOTIFIED = 32;
const RECORD_HEADER_SIZE = 16;
const WRAP = -1;

export function createReplyRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(CONTROL_BYTES + REPLIES_MAX_BYTES);
}

/** Both ends; a thread uses one of them. */
export class ReplyRing {
  /** The ring's own memory: the reply of `next` is in it. */
  readonly octets: Uint8Array;
  readonly #words: Int32Array;
  #written = 0;
  /** Of the record that `next` has found. */
  slot = 0;
  generation = 0;
  at = 0;
  size = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.octets = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
  }

  /** The resolver's end: false where there is no place for it. */
  push(slot: number, generation: number, reply: Octets): boolean {
    const words = this.#words;
    const size = (RECORD_HEADER_SIZE + reply.length + 7) & ~7;
    const written = word(words, WRITTEN);
    const used = (written - Atomics.load(words, TAKEN)) | 0;
    if (used === 0) words[BEGUN] = written;
    const offset = (written - word(words, BEGUN)) & (REPLIES_MAX_BYTES - 1);
    // A record does not go over the ring's end: what is left there is skipped, and taken up as used.
    const skipped = REPLIES_MAX_BYTES - offset >= size ? 0 : REPLIES_MAX_BYTES - offset;
    if (used + skipped + size > REPLIES_MAX_BYTES) return false;
    if (skipped !== 0) words[(CONTROL_BYTES + offset) >> 2] = WRAP;
    const at = CONTROL_BYTES + (skipped === 0 ? offset : 0);
    words[at >> 2] = size;
    words[(at >> 2) + 1] = slot;
    words[(at >> 2) + 2] = generation;
    words[(at >> 2) + 3] = reply.length;
    this.octets.set(reply, at + RECORD_HEADER_SIZE);
    Atomics.store(words, WRITTEN, (written + skipped + size) | 0);
    return true;
  }

  /** The resolver's end: whether half of it waits to be taken, so that the responder should be woken at once. */
  get isHalfFull(): boolean {
    const used = (word(this.#words, WRITTEN) - Atomics.load(this.#words, TAKEN)) | 0;
    return 2 * used >= REPLIES_MAX_BYTES;
  }

  /** The resolver's end: true where the responder must be woken, because it was not yet. */
  takeWakeUp(): boolean {
    return Atomics.exchange(this.#words, NOTIFIED, 1) === 0;
  }

  /** The responder's end, before it takes: what is written from here on is not for this turn, and causes a new wake-up. */
  beginTurn(): void {
    Atomics.store(this.#words, NOTIFIED, 0);
    this.#written = Atomics.load(this.#words, WRITTEN);
  }

  /** The responder's end: whether there is a record in this turn; it stays until `release`. */
  next(): boolean {
    const words = this.#words;
    let taken = word(words, TAKEN);
    if (taken === this.#written) return false;
    let at = CONTROL_BYTES + ((taken - word(words, BEGUN)) & (REPLIES_MAX_BYTES - 1));
    if (word(words, at >> 2) === WRAP) {
      taken = (taken + REPLIES_MAX_BYTES - (at - CONTROL_BYTES)) | 0;
      Atomics.store(words, TAKEN, taken);
      at = CONTROL_BYTES;
    }
    this.slot = word(words, (at >> 2) + 1);
    this.generation = word(words, (at >> 2) + 2);
    this.size = word(words, (at >> 2) + 3);
    this.at = at + RECORD_HEADER_SIZE;
    return true;
  }

  release(): void {
    const words = this.#words;
    const size = (RECORD_HEADER_SIZE + this.size + 7) & ~7;
    Atomics.store(words, TAKEN, (word(words, TAKEN) + size) | 0);
  }
}
