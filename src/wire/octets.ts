/**
 * Reading and writing the network's big-endian words in octets. The one file where an index is trusted: callers have
 * checked it against the message's end. A read past the array gives 0 after coercion, never an exception.
 */

export type Octets = Uint8Array;

export function u8(octets: Octets, at: number): number {
  return octets[at]!;
}

export function u16(octets: Octets, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!;
}

/** Unsigned. */
export function u32(octets: Octets, at: number): number {
  return (
    ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0
  );
}

export function setU8(octets: Octets, at: number, value: number): void {
  octets[at] = value;
}

export function setU16(octets: Octets, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

export function setU32(octets: Octets, at: number, value: number): void {
  octets[at] = value >>> 24;
  octets[at + 1] = value >>> 16;
  octets[at + 2] = value >>> 8;
  octets[at + 3] = value;
}

/** One 32-bit word of host order; the index counts words. */
export function word(words: Int32Array, index: number): number {
  return words[index]!;
}

/** `A`..`Z` become `a`..`z`, every other octet stays (RFC 4343 §2.1). */
export function lowerOctet(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}

/**
 * The same for four octets in one word. Each octet's bit 7 is kept out of the additions, so that no carry crosses octets;
 * an octet is upper case where adding 0x3f reaches bit 7 (it is >= 0x41), adding 0x25 does not (it is <= 0x5a), and its own
 * bit 7 is clear.
 */
export function lowerWord(value: number): number {
  const low = value & 0x7f7f7f7f;
  const upper = (low + 0x3f3f3f3f) & ~(low + 0x25252525) & ~value & 0x80808080;
  return value | (upper >>> 2);
}
