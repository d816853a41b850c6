/**
 * The octets that a responder's TCP connections share: each read and each write passes here, and what a miss must say of its
 * connection lies here, since the miss ring takes it from the memory that the query is in.
 *
 *   read area    what is left of the connection's last read, then a read
 *   write area   frames of replies; a query is answered in the place where its reply is to stand
 *   peers        the socket address of each slot's client
 *   names        slot and generation of each slot's connection, two words
 */
import { type Libc, Pinned } from '../os/libc.ts';
import { SOCKET_ADDRESS_SIZE } from '../os/socket-octets.ts';
import { FRAME_HEADER_SIZE } from '../wire/frame.ts';
import { MESSAGE_SIZE_MAX } from '../wire/registry.ts';

/** Of one read: some hundred queries, half a millisecond, for which UDP waits at most. */
export const READ_SIZE = 16 * 1024;
/** A frame that lacks its last octet, and a read behind it. */
const READ_AREA_SIZE = (FRAME_HEADER_SIZE + MESSAGE_SIZE_MAX + READ_SIZE + 7) & ~7;
/** The largest reply behind others of as much. */
export const WRITE_AREA_SIZE = 2 * (FRAME_HEADER_SIZE + MESSAGE_SIZE_MAX + 5);
export const STREAM_NAME_SIZE = 8;

export class StreamMemory {
  readonly octets: Uint8Array;
  readonly words: Int32Array;
  readonly readAt = 0;
  readonly writeAt = READ_AREA_SIZE;
  /** `addressOf(readAt)`, at hand: V8 makes an object of each address that is a sum. */
  readonly readAddress: number;
  readonly #memory: Pinned;
  readonly #peersAt: number;
  readonly #namesAt: number;

  constructor(libc: Libc, slotCount: number) {
    this.#peersAt = (this.writeAt + WRITE_AREA_SIZE + 7) & ~7;
    this.#namesAt = this.#peersAt + SOCKET_ADDRESS_SIZE * slotCount;
    this.#memory = new Pinned(libc, this.#namesAt + STREAM_NAME_SIZE * slotCount);
    this.readAddress = this.addressOf(this.readAt);
    this.octets = this.#memory.octets;
    this.words = this.#memory.words;
  }

  /** For the kernel; valid as long as this object is. */
  addressOf(at: number): number {
    return this.#memory.address + at;
  }

  peerAt(slot: number): number {
    return this.#peersAt + SOCKET_ADDRESS_SIZE * slot;
  }

  nameAt(slot: number): number {
    return this.#namesAt + STREAM_NAME_SIZE * slot;
  }

  setConnection(slot: number, generation: number, peer: Uint8Array): void {
    this.octets.set(peer, this.peerAt(slot));
    const at = this.nameAt(slot) >> 2;
    this.words[at] = slot;
    this.words[at + 1] = generation;
  }
}
