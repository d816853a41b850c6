/** A message in a stream: two octets of length, then itself (RFC 1035 §4.2.2); split anywhere (RFC 7766 §8). */
import { type Octets, setU16, u16 } from './octets.ts';

/** Octets of the length. */
export const FRAME_HEADER_SIZE = 2;

/** Octets of the message whose frame begins at `at`, or -1 where `end` comes before the frame's. */
export function messageSizeAt(octets: Octets, at: number, end: number): number {
  if (at + FRAME_HEADER_SIZE > end) return -1;
  const size = u16(octets, at);
  return at + FRAME_HEADER_SIZE + size <= end ? size : -1;
}

/** The message behind its length, in octets of its own. */
export function frameOf(message: Octets): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_HEADER_SIZE + message.length);
  setU16(frame, 0, message.length);
  frame.set(message, FRAME_HEADER_SIZE);
  return frame;
}
