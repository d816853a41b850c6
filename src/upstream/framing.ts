/**
 * DNS over a stream: each message after its length in two octets (RFC 1035 §4.2.2), any number of them a segment, split
 * anywhere (RFC 7766 §8).
 */
import { assert } from '../base/invariant.ts';
import { setU16, u8, u16 } from '../wire/octets.ts';
import { HEADER_SIZE } from '../wire/registry.ts';
import type { UpstreamQuery } from './upstream-query.ts';

export interface MessageSink {
  /** `message` is a copy that the sink may keep. */
  messageRead(message: Uint8Array, nowMs: number): void;
}

/** Cuts a stream into messages. Holds at most one unfinished message, hence at most 64 KiB. */
export class FrameReader {
  /** The first octet of a length whose second has not come; -1: none. */
  #lengthHigh = -1;
  #unfinished: Buffer | undefined;
  #filled = 0;

  /** False where a length is too short for a header: the stream is out of step and is of no more use. */
  read(chunk: Uint8Array, sink: MessageSink, nowMs: number): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#unfinished === undefined) {
        if (this.#lengthHigh === -1 && at + 1 === chunk.length) {
          this.#lengthHigh = u8(chunk, at);
          return true;
        }
        const length =
          this.#lengthHigh === -1 ? u16(chunk, at) : (this.#lengthHigh << 8) | u8(chunk, at);
        at += this.#lengthHigh === -1 ? 2 : 1;
        this.#lengthHigh = -1;
        if (length < HEADER_SIZE) return false;
        this.#unfinished = Buffer.allocUnsafe(length);
        this.#filled = 0;
      }
      at += this.#fill(chunk, at);
      if (this.#filled < this.#unfinished.length) return true;
      const message = this.#unfinished;
      this.#unfinished = undefined;
      sink.messageRead(message, nowMs);
    }
    return true;
  }

  #fill(chunk: Uint8Array, at: number): number {
    const message = this.#unfinished;
    assert(message !== undefined);
    const taken = Math.min(chunk.length - at, message.length - this.#filled);
    message.set(chunk.subarray(at, at + taken), this.#filled);
    this.#filled += taken;
    return taken;
  }
}

/** How long `frameQueries` makes them. */
export function framesSize(queries: readonly UpstreamQuery[]): number {
  let size = 0;
  for (const query of queries) size += 2 + query.message.length;
  return size;
}

/** The queries, each with its length and its own id, as the octets of one write (RFC 7766 §6.2.1.1), at the beginning of `octets`. */
export function frameQueries(queries: readonly UpstreamQuery[], octets: Uint8Array): void {
  let at = 0;
  for (const query of queries) {
    setU16(octets, at, query.message.length);
    octets.set(query.message, at + 2);
    setU16(octets, at + 2, query.id);
    at += 2 + query.message.length;
  }
}
