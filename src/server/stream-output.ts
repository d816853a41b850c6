/**
 * Replies on their way out of a responder: those to one connection come together in the write area and leave with one `send`. What
 * the kernel does not take is kept with the connection.
 */
import { STREAM, type StreamSockets } from '../os/stream-socket.ts';
import { FRAME_HEADER_SIZE } from '../wire/frame.ts';
import { type Octets, setU16 } from '../wire/octets.ts';
import { MESSAGE_SIZE_MAX } from '../wire/registry.ts';
import type { StreamConnection } from './stream-connection.ts';
import { type StreamMemory, WRITE_AREA_SIZE } from './stream-memory.ts';

export class StreamOutput {
  readonly #memory: StreamMemory;
  readonly #sockets: StreamSockets;
  /** Where frames begin: the first reply, behind its length, is at a whole word. */
  readonly #start: number;
  readonly #startAddress: number;
  readonly #limit: number;
  #end: number;
  #connection: StreamConnection | undefined;

  constructor(memory: StreamMemory, sockets: StreamSockets) {
    this.#memory = memory;
    this.#sockets = sockets;
    this.#start = memory.writeAt + FRAME_HEADER_SIZE;
    this.#startAddress = memory.addressOf(this.#start);
    this.#limit = memory.writeAt + WRITE_AREA_SIZE;
    this.#end = this.#start;
  }

  /** What follows is for this connection; what was for another has been flushed. */
  begin(connection: StreamConnection): void {
    this.#connection = connection;
  }

  /** A place for a query that becomes its reply: a multiple of four, with room for the largest. */
  place(): number {
    if (this.#end + FRAME_HEADER_SIZE + 3 + MESSAGE_SIZE_MAX > this.#limit) this.flush();
    return (this.#end + FRAME_HEADER_SIZE + 3) & ~3;
  }

  /** The reply of `size` octets that stands at the last `place` is to be sent. */
  commit(at: number, size: number): void {
    const to = this.#end + FRAME_HEADER_SIZE;
    if (at !== to) this.#memory.octets.copyWithin(to, at, at + size);
    setU16(this.#memory.octets, this.#end, size);
    this.#end = to + size;
  }

  /** A reply that was made elsewhere. */
  append(octets: Octets, at: number, size: number): void {
    const place = this.place();
    this.#memory.octets.set(octets.subarray(at, at + size), place);
    this.commit(place, size);
  }

  /** Sends what has come together. */
  flush(): void {
    const size = this.#end - this.#start;
    const connection = this.#connection;
    this.#end = this.#start;
    if (size === 0 || connection === undefined || connection.isBroken) return;
    const sent =
      connection.backlog.size > 0
        ? STREAM.WOULD_BLOCK
        : this.#sockets.send(connection.fd, this.#startAddress, size);
    if (sent === STREAM.BROKEN) connection.isBroken = true;
    else if (sent < size) {
      const rest = this.#start + Math.max(sent, 0);
      connection.backlog.push(this.#memory.octets.slice(rest, this.#start + size));
    }
  }

  /** Sends of the connection's backlog what the kernel takes now; the write area is empty. */
  drain(connection: StreamConnection, nowMs: number): void {
    const { backlog, fd } = connection;
    const { octets } = this.#memory;
    while (backlog.size > 0) {
      const size = backlog.peek(octets, this.#start, this.#limit - this.#start);
      const sent = this.#sockets.send(fd, this.#startAddress, size);
      if (sent === STREAM.BROKEN) connection.isBroken = true;
      if (sent <= 0) return;
      backlog.take(sent);
      connection.activeAtMs = nowMs;
      if (sent < size) return;
    }
  }
}
