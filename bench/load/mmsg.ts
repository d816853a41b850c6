/**
 * Batches for `recvmmsg` and `sendmmsg`: buffers, iovecs and message headers laid out once, on connected sockets, so that
 * a call names a descriptor and a count. Layout of Linux with 64-bit pointers:
 *
 *   mmsghdr (64 octets)                                              iovec (16 octets)
 *   | name 0 | namelen 8 | iov 16 | iovlen 24 | control 32, 40 | flags 48 | msg_len 56 |    | base 0 | len 8 |
 */
import { type Libc, OS, Pinned } from '../../src/os/libc.ts';

export const BATCH_MESSAGES = 64;
/** A query with a 255-octet name and OPT is 282 octets; a reply is at most what a query announced, and so below. */
export const MESSAGE_OCTETS = 2048;

const MMSGHDR_OCTETS = 64;
const IOVEC_OCTETS = 16;

export class MessageBatch {
  readonly #libc: Libc;
  readonly #headers: Pinned;
  readonly #vectors: Pinned;
  readonly #buffers: Pinned;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#headers = new Pinned(libc, BATCH_MESSAGES * MMSGHDR_OCTETS);
    this.#vectors = new Pinned(libc, BATCH_MESSAGES * IOVEC_OCTETS);
    this.#buffers = new Pinned(libc, BATCH_MESSAGES * MESSAGE_OCTETS);
    for (let index = 0; index < BATCH_MESSAGES; index++) {
      const vector = index * IOVEC_OCTETS;
      this.#vectors.setPointer(vector, this.#buffers.address + index * MESSAGE_OCTETS);
      this.#vectors.setPointer(vector + 8, MESSAGE_OCTETS);
      this.#headers.setPointer(index * MMSGHDR_OCTETS + 16, this.#vectors.address + vector);
      this.#headers.setPointer(index * MMSGHDR_OCTETS + 24, 1);
    }
  }

  /** All messages' octets; message `index` starts at `index * MESSAGE_OCTETS`. */
  get octets(): Uint8Array {
    return this.#buffers.octets;
  }

  /** How many octets message `index` has after `receive`. */
  sizeOf(index: number): number {
    return this.#headers.words[(index * MMSGHDR_OCTETS + 56) >> 2]!;
  }

  /** How many octets of message `index` the next `send` takes. */
  setSize(index: number, size: number): void {
    this.#vectors.words[(index * IOVEC_OCTETS + 8) >> 2] = size;
  }

  /** What is there, up to a batch, without waiting; -1 with an errno. */
  receive(fd: number): number {
    return this.#libc.recvmmsg(fd, this.#headers.address, BATCH_MESSAGES, OS.MSG_DONTWAIT, 0);
  }

  /** Sends the messages from `first` up to `end`; says how many left, or -1 with an errno. */
  send(fd: number, first: number, end: number): number {
    const headers = this.#headers.address + first * MMSGHDR_OCTETS;
    return this.#libc.sendmmsg(fd, headers, end - first, 0);
  }
}
