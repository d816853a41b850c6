/**
 * Unpredictable 16-bit words for message ids (RFC 5452 §9.2) and for choices. Octets come from the system's generator in
 * large draws, since one call for two octets costs as much as one for thousands.
 */
import { fillRandom } from '../os/random.ts';
import { u16 } from '../wire/octets.ts';

export interface RandomSource {
  /** 0..65535, uniform. */
  uint16(): number;
}

/** Octets a draw: 2048 words, so that the system call disappears among them. */
const DRAW_OCTETS = 4096;

export class RandomPool implements RandomSource {
  readonly #octets = new Uint8Array(DRAW_OCTETS);
  #at = DRAW_OCTETS;

  uint16(): number {
    if (this.#at === DRAW_OCTETS) {
      fillRandom(this.#octets);
      this.#at = 0;
    }
    const word = u16(this.#octets, this.#at);
    this.#at += 2;
    return word;
  }
}

/** 0..count-1; the bias of at most count/65536 does not matter for the small counts of this room. */
export function randomBelow(random: RandomSource, count: number): number {
  return Math.floor((random.uint16() * count) / 65536);
}

/** `value` made up to `share` smaller or larger. */
export function jittered(random: RandomSource, value: number, share: number): number {
  return value * (1 + share * (random.uint16() / 32768 - 1));
}

/** An id that none of `taken` has. The caller bounds `taken` far below 65536, so a few draws do. */
export function unusedId(
  random: RandomSource,
  isTaken: { has(id: number): boolean },
  isTakenToo?: { has(id: number): boolean },
): number {
  let id = random.uint16();
  while (isTaken.has(id) || isTakenToo?.has(id) === true) id = (id + random.uint16()) & 0xffff;
  return id;
}
