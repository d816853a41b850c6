/**
 * Bodies all of whose octets follow from a key's number and a generation, so that an entry which is torn, half written, or
 * another one's is told from a whole one.
 */
import type { CacheKey } from '../../src/cache/key.ts';
import type { ResponseBody } from '../../src/wire/response.ts';
import { keyOf } from './fixtures.ts';

/** A power of two, for the readers' walk over all keys. */
export const KEY_COUNT = 128;

/** Four keys share a hash. */
export function keyNumber(index: number): CacheKey {
  return keyOf({ name: `name-${index}.example.org`, hash: Math.imul(index >> 2, 0x9e37_79b1) });
}

/** Sizes of 8 to 400 octets, by generation. */
export function derivedBody(index: number, generation: number): ResponseBody {
  const octets = new Uint8Array(8 + ((generation * 13 + index) % 393));
  new DataView(octets.buffer).setUint32(0, index);
  new DataView(octets.buffer).setUint32(4, generation);
  for (let at = 8; at < octets.length; at++) octets[at] = derivedOctet(index, generation, at);
  return {
    octets,
    ttlOffsets: Uint16Array.of(index, generation & 0xffff, octets.length),
    flags: index,
    rcode: generation & 0xfff,
    answerCount: octets.length,
    authorityCount: index,
    additionalCount: generation & 0xffff,
  };
}

/** Whether the body is whole and one of this key's. */
export function isBodyOfKey(body: ResponseBody, index: number): boolean {
  const { octets, ttlOffsets } = body;
  if (octets.length < 8) return false;
  const view = new DataView(octets.buffer, octets.byteOffset);
  const generation = view.getUint32(4);
  if (view.getUint32(0) !== index || octets.length !== 8 + ((generation * 13 + index) % 393)) {
    return false;
  }
  for (let at = 8; at < octets.length; at++) {
    if (octets[at] !== derivedOctet(index, generation, at)) return false;
  }
  return (
    ttlOffsets.length === 3 &&
    ttlOffsets[0] === index &&
    ttlOffsets[1] === (generation & 0xffff) &&
    ttlOffsets[2] === octets.length &&
    body.flags === index &&
    body.rcode === (generation & 0xfff) &&
    body.answerCount === octets.length &&
    body.additionalCount === (generation & 0xffff)
  );
}

function derivedOctet(index: number, generation: number, at: number): number {
  return (index * 7 + generation * 31 + at) & 0xff;
}
