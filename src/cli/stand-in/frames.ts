/**
 * DNS messages on a TCP stream: two octets of length before each message (RFC 1035 §4.2.2, RFC 7766 §8).
 *
 * It cuts and joins; it does not look into a message. It is the other side of the daemon's framing in demonstrations and
 * tests and shares no code with it, so that an error in one does not cancel out in the other. It copies freely.
 */

/** Collects the octets of one connection and cuts them into whole messages. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that `chunk` completes, in order; an unfinished one waits (65,537 octets at most). */
  push(chunk: Uint8Array): Buffer[] {
    const octets = Buffer.concat([this.#rest, chunk]);
    const messages: Buffer[] = [];
    let start = 0;
    while (octets.length - start >= 2) {
      const end = start + 2 + octets.readUInt16BE(start);
      if (end > octets.length) break;
      messages.push(octets.subarray(start + 2, end));
      start = end;
    }
    this.#rest = octets.subarray(start);
    return messages;
  }
}

/** The messages as they stand on the stream, one behind the other; 65,535 octets at most each. */
export function frame(...messages: Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const message of messages) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    parts.push(length, message);
  }
  return Buffer.concat(parts);
}
