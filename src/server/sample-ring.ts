/**
 * Some of the queries that a responder has just answered, on their way to whoever watches who asks for what. While nobody
 * watches, which is nearly always, a responder reads one word a batch and does nothing else.
 *
 *   control   word 0: the step; 0: nobody watches    word 16: records written    word 32: records taken    (each wrapping)
 *   record    word 0: queries that it stands for     word 1: QTYPE    word 2: name octets | family << 16
 *             word 3-6: address    then the lower-case QNAME, uncompressed
 *
 * The resolver writes the step, and the records taken; the responder all else. A record is complete before `written` is stored
 * through Atomics. A full ring takes no more: what is lost there is made up for by the next step.
 *
 * With a step of n, one query in n is taken, by gaps drawn evenly from 1 to 2n-1: clients that ask in turns cannot hide
 * between the samples.
 */
import { lowerOctet, type Octets, u8, u16, word } from '../wire/octets.ts';
import { HEADER_SIZE, LABEL_SIZE_MAX, NAME_SIZE_MAX } from '../wire/registry.ts';

/** Ten a millisecond for the 50 ms until they are fetched. */
export const SAMPLES_MAX = 512;
/** The control words, on cache lines of their own. */
const CONTROL_WORDS = 48;
const STEP = 0;
const WRITTEN = 16;
const TAKEN = 32;
const NAME_AT = 28;
const RECORD_SIZE = NAME_AT + 256;
const RECORD_WORDS = RECORD_SIZE / 4;
/** `sin_addr` and `sin6_addr` (netinet/in.h). */
const IPV4 = { family: 4, at: 4, size: 4 } as const;
const IPV6 = { family: 6, at: 8, size: 16 } as const;
const AF_INET = 2;

/** One sample as the resolver sees it; the octets are copies. */
export interface Sample {
  /** Queries that it stands for. */
  readonly weight: number;
  /** Lower-case, uncompressed. */
  readonly qname: Octets;
  readonly qtype: number;
  /** 4 or 16 octets of an IP address. */
  readonly address: Octets;
}

export function createSampleRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * CONTROL_WORDS + SAMPLES_MAX * RECORD_SIZE);
}

/** Both ends; a thread uses one of them. */
export class SampleRing {
  readonly #words: Int32Array;
  readonly #octets: Uint8Array;
  /** Queries to let pass, and the state of the random numbers: in an array, so that no number object is made of it. */
  readonly #gap = new Int32Array([1, 0x2545f491]);

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#octets = new Uint8Array(buffer);
  }

  /** One query in so many is wanted; 0: none. */
  get step(): number {
    return word(this.#words, STEP);
  }

  /** The resolver's end. */
  set step(step: number) {
    Atomics.store(this.#words, STEP, step);
  }

  /** The responder's end, once for each query while the step is not 0: whether this one is to be taken. */
  isDue(step: number): boolean {
    const gap = this.#gap;
    gap[0] = word(gap, 0) - 1;
    if (word(gap, 0) > 0) return false;
    // xorshift32 (Marsaglia 2003).
    let random = word(gap, 1);
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    gap[1] = random;
    gap[0] = 1 + ((random >>> 1) % (2 * step - 1));
    return true;
  }

  /**
   * The responder's end: takes the query of `size` octets at `octets[at]`, or what has become of it: the reply stands where it
   * stood, behind the same question. Its peer's socket address is at `octets[peerAt]`. What is no well-formed question is left out.
   */
  take(octets: Octets, at: number, size: number, peerAt: number, step: number): void {
    const words = this.#words;
    const nameSize = nameSizeAt(octets, at + HEADER_SIZE, at + size);
    if (nameSize === 0) return;
    const written = word(words, WRITTEN);
    if (((written - Atomics.load(words, TAKEN)) | 0) >= SAMPLES_MAX) return;
    const record = CONTROL_WORDS + (written & (SAMPLES_MAX - 1)) * RECORD_WORDS;
    const {
      family,
      at: addressAt,
      size: addressSize,
    } = u8(octets, peerAt) === AF_INET ? IPV4 : IPV6;
    words[record] = step;
    words[record + 1] = u16(octets, at + HEADER_SIZE + nameSize);
    words[record + 2] = nameSize | (family << 16);
    const own = this.#octets;
    for (let index = 0; index < addressSize; index++) {
      own[record * 4 + 12 + index] = u8(octets, peerAt + addressAt + index);
    }
    for (let index = 0; index < nameSize; index++) {
      own[record * 4 + NAME_AT + index] = lowerOctet(u8(octets, at + HEADER_SIZE + index));
    }
    Atomics.store(words, WRITTEN, (written + 1) | 0);
  }

  /** The resolver's end: the next sample, or undefined where there is none. */
  next(): Sample | undefined {
    const words = this.#words;
    const taken = word(words, TAKEN);
    if (taken === Atomics.load(words, WRITTEN)) return undefined;
    const record = CONTROL_WORDS + (taken & (SAMPLES_MAX - 1)) * RECORD_WORDS;
    const sizes = word(words, record + 2);
    const nameAt = record * 4 + NAME_AT;
    const addressAt = record * 4 + 12;
    const sample = {
      weight: word(words, record),
      qtype: word(words, record + 1),
      qname: this.#octets.slice(nameAt, nameAt + (sizes & 0xffff)),
      address: this.#octets.slice(addressAt, addressAt + (sizes >>> 16 === 4 ? 4 : 16)),
    };
    Atomics.store(words, TAKEN, (taken + 1) | 0);
    return sample;
  }
}

/** Octets of the question's name at `at`, with its root label; 0 where there is none that ends, with its type and class, before `end`. */
export function nameSizeAt(octets: Octets, at: number, end: number): number {
  let next = at;
  while (next < end) {
    const label = u8(octets, next);
    next += label + 1;
    if (label === 0) return next + 4 <= end ? next - at : 0;
    if (label > LABEL_SIZE_MAX || next - at >= NAME_SIZE_MAX) return 0;
  }
  return 0;
}
