/**
 * Up to 64 datagrams taken by one `recvmmsg`, answered where they lie, and sent by one `sendmmsg`. Everything the kernel
 * needs is laid out once:
 *
 *   slot i:  buffer | peer address | control block        receive header i -> slot i, always
 *                                                         send header k -> whichever slot was queued k-th
 *
 * One datagram alone is received by `recvfrom` and sent by `sendto`, which have no headers to read and to write.
 *
 * Almost always all slots of a batch are queued in order, and then send header k points at slot k already; only a gap (a miss,
 * a dropped datagram) costs two rewired pointers for each of the following.
 *
 * A control block holds, when the kernel was asked for them, the arrival time (32 octets) and behind it the packet
 * information (32 for IPv4, 40 for IPv6). Sending the latter back with its interface index zeroed makes the answer leave
 * from the address that was asked.
 */
import { type Libc, OS, Pinned } from './libc.ts';
import { readyPacketInfo, TIMESTAMP_SIZE } from './packet-info.ts';
import { SOCKET_ADDRESS_SIZE } from './socket-octets.ts';

/** Datagrams in a batch at most: with more, the first waits noticeably for the last. */
export const BATCH_MAX = 64;
/** Octets of a query read, and of an answer made in place; larger answers go another way. */
export const BUFFER_SIZE = 4096;
/** One cache line more than the buffer, or all slots' first lines would share one set of the first-level cache. */
const BUFFER_STRIDE = BUFFER_SIZE + 64;
/** Arrival time and packet information of IPv6, rounded up. */
export const CONTROL_SIZE = 96;
const IOVEC_SIZE = 16;
/** `struct mmsghdr` of 64-bit Linux: offsets in octets. */
const MMSGHDR_SIZE = 64;
const NAME = 0;
const NAME_SIZE = 8;
const IOV = 16;
const IOV_COUNT = 24;
const CONTROL = 32;
const CONTROL_LENGTH = 40;
const LENGTH = 56;

/** What of the control block is wanted with a batch. */
export const CONTROL_MODE = {
  NONE: 0,
  /** The first datagram's arrival time. */
  SAMPLE: 1,
  /** Every datagram's packet information (behind its arrival time). */
  PACKET_INFO: 2,
} as const;
export type ControlMode = (typeof CONTROL_MODE)[keyof typeof CONTROL_MODE];

const BUFFERS = 0;
const NAMES = BUFFERS + BATCH_MAX * BUFFER_STRIDE;
const CONTROLS = NAMES + BATCH_MAX * SOCKET_ADDRESS_SIZE;
const RECEIVE_HEADERS = CONTROLS + BATCH_MAX * CONTROL_SIZE;
const SEND_HEADERS = RECEIVE_HEADERS + BATCH_MAX * MMSGHDR_SIZE;
const RECEIVE_IOVECS = SEND_HEADERS + BATCH_MAX * MMSGHDR_SIZE;
const SEND_IOVECS = RECEIVE_IOVECS + BATCH_MAX * IOVEC_SIZE;
const TOTAL_SIZE = SEND_IOVECS + BATCH_MAX * IOVEC_SIZE;

export class DatagramBatch {
  /** All buffers; a datagram's octets are at `bufferAt(slot)`, a multiple of 64. */
  readonly octets: Uint8Array;
  readonly words: Int32Array;
  readonly #libc: Libc;
  readonly #memory: Pinned;
  /** What system calls get: V8 makes an object of each address that is a sum, and passes one that it has at hand. */
  readonly #receiveHeaders: number;
  readonly #sendHeaders: number;
  readonly #firstBuffer: number;
  readonly #firstName: number;
  readonly #firstNameSize: number;
  readonly #wiredTo = new Int32Array(BATCH_MAX);
  #received = 0;
  #queued = 0;
  #mode: ControlMode = CONTROL_MODE.NONE;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#memory = new Pinned(libc, TOTAL_SIZE);
    this.octets = this.#memory.octets;
    this.words = this.#memory.words;
    const { address } = this.#memory;
    this.#receiveHeaders = address + RECEIVE_HEADERS;
    this.#sendHeaders = address + SEND_HEADERS;
    this.#firstBuffer = address + BUFFERS;
    this.#firstName = address + NAMES;
    this.#firstNameSize = address + RECEIVE_HEADERS + NAME_SIZE;
    for (let slot = 0; slot < BATCH_MAX; slot++) this.#layOut(slot);
  }

  /** Takes what has arrived, at most 64; 0 where nothing has. Never waits. */
  receive(fd: number, mode: ControlMode): number {
    this.#prepare(mode);
    const count = this.#libc.recvmmsg(fd, this.#receiveHeaders, BATCH_MAX, OS.MSG_DONTWAIT, 0);
    this.#received = Math.max(count, 0);
    this.#queued = 0;
    return this.#received;
  }

  /** Takes one datagram where any has arrived, 0 or 1, and nothing of its control block. Never waits. */
  receiveOne(fd: number): number {
    // Changes the headers too.
    if (this.#mode !== CONTROL_MODE.NONE) return this.receive(fd, CONTROL_MODE.NONE);
    const { words } = this;
    words[(RECEIVE_HEADERS + NAME_SIZE) >> 2] = SOCKET_ADDRESS_SIZE;
    const size = this.#libc.recvfrom(
      fd,
      this.#firstBuffer,
      BUFFER_SIZE,
      OS.MSG_DONTWAIT,
      this.#firstName,
      this.#firstNameSize,
    );
    words[(RECEIVE_HEADERS + LENGTH) >> 2] = size;
    this.#received = size < 0 ? 0 : 1;
    this.#queued = 0;
    return this.#received;
  }

  /** Datagrams that were taken the last time. */
  get count(): number {
    return this.#received;
  }

  bufferAt(slot: number): number {
    return BUFFERS + slot * BUFFER_STRIDE;
  }

  /** Octets received in a slot; a longer datagram was cut at the buffer's end. */
  sizeOf(slot: number): number {
    return this.words[(RECEIVE_HEADERS + slot * MMSGHDR_SIZE + LENGTH) >> 2]!;
  }

  /** Where the peer's socket address lies, and how long it is. */
  nameAt(slot: number): number {
    return NAMES + slot * SOCKET_ADDRESS_SIZE;
  }

  nameSizeOf(slot: number): number {
    return this.words[(RECEIVE_HEADERS + slot * MMSGHDR_SIZE + NAME_SIZE) >> 2]!;
  }

  controlAt(slot: number): number {
    return CONTROLS + slot * CONTROL_SIZE;
  }

  /** When the first datagram arrived, in microseconds of the wall clock modulo 2^31; -1 where the kernel did not say. */
  arrivalUs(): number {
    const at = (CONTROLS + 8) >> 2;
    if (this.words[at] !== OS.SOL_SOCKET || this.words[at + 1] !== OS.SO_TIMESTAMPNS) return -1;
    return timespecUs(this.words, at + 2);
  }

  /** Queues a slot's buffer, with so many octets, to be sent to its peer. */
  queue(slot: number, size: number): void {
    const header = this.#queued++;
    if (this.#wiredTo[header] !== slot) this.#wire(header, slot);
    this.words[(SEND_IOVECS + header * IOVEC_SIZE + 8) >> 2] = size;
    const at = (SEND_HEADERS + header * MMSGHDR_SIZE) >> 2;
    this.words[at + (NAME_SIZE >> 2)] = this.nameSizeOf(slot);
    this.words[at + (CONTROL_LENGTH >> 2)] =
      this.#mode === CONTROL_MODE.PACKET_INFO
        ? readyPacketInfo(this.words, (this.controlAt(slot) + TIMESTAMP_SIZE) >> 2)
        : 0;
  }

  /** Sends what is queued; returns how many the kernel refused (its buffer is full, a rule forbids it): they are lost. */
  send(fd: number): number {
    const isFirst = this.#queued === 1 && this.#wiredTo[0] === 0;
    if (isFirst && this.#mode !== CONTROL_MODE.PACKET_INFO) return this.#sendFirst(fd);
    let sent = 0;
    let refused = 0;
    while (sent < this.#queued) {
      const from = sent === 0 ? this.#sendHeaders : this.#sendHeaders + sent * MMSGHDR_SIZE;
      const result = this.#libc.sendmmsg(fd, from, this.#queued - sent, OS.MSG_DONTWAIT);
      if (result > 0) {
        sent += result;
      } else {
        // The first of the rest cannot be sent; go on with the one behind it.
        refused += 1;
        sent += 1;
      }
    }
    this.#queued = 0;
    return refused;
  }

  /** The datagram of the first slot is the only one, as where it was alone. */
  #sendFirst(fd: number): number {
    this.#queued = 0;
    const result = this.#libc.sendto(
      fd,
      this.#firstBuffer,
      this.words[(SEND_IOVECS + 8) >> 2]!,
      OS.MSG_DONTWAIT,
      this.#firstName,
      this.nameSizeOf(0),
    );
    return result < 0 ? 1 : 0;
  }

  #prepare(mode: ControlMode): void {
    const changed = mode !== this.#mode;
    const count = changed ? BATCH_MAX : this.#received;
    this.#mode = mode;
    for (let slot = 0; slot < count; slot++) {
      const at = (RECEIVE_HEADERS + slot * MMSGHDR_SIZE) >> 2;
      const wantsControl = mode === CONTROL_MODE.PACKET_INFO || (mode !== 0 && slot === 0);
      this.words[at + (NAME_SIZE >> 2)] = SOCKET_ADDRESS_SIZE;
      this.words[at + (CONTROL_LENGTH >> 2)] = wantsControl ? CONTROL_SIZE : 0;
    }
  }

  #layOut(slot: number): void {
    const base = this.#memory.address;
    const receive = RECEIVE_HEADERS + slot * MMSGHDR_SIZE;
    this.#memory.setPointer(receive + NAME, base + this.nameAt(slot));
    this.#memory.setPointer(receive + IOV, base + RECEIVE_IOVECS + slot * IOVEC_SIZE);
    this.#memory.setPointer(receive + IOV_COUNT, 1);
    this.#memory.setPointer(receive + CONTROL, base + this.controlAt(slot));
    this.#memory.setPointer(receive + CONTROL_LENGTH, 0);
    this.#memory.setPointer(RECEIVE_IOVECS + slot * IOVEC_SIZE, base + this.bufferAt(slot));
    this.#memory.setPointer(RECEIVE_IOVECS + slot * IOVEC_SIZE + 8, BUFFER_SIZE);
    this.words[(receive + NAME_SIZE) >> 2] = SOCKET_ADDRESS_SIZE;
    const send = SEND_HEADERS + slot * MMSGHDR_SIZE;
    this.#memory.setPointer(send + IOV, base + SEND_IOVECS + slot * IOVEC_SIZE);
    this.#memory.setPointer(send + IOV_COUNT, 1);
    this.#wire(slot, slot);
  }

  #wire(header: number, slot: number): void {
    const base = this.#memory.address;
    const at = SEND_HEADERS + header * MMSGHDR_SIZE;
    this.#memory.setPointer(at + NAME, base + this.nameAt(slot));
    this.#memory.setPointer(at + CONTROL, base + this.controlAt(slot) + TIMESTAMP_SIZE);
    this.#memory.setPointer(SEND_IOVECS + header * IOVEC_SIZE, base + this.bufferAt(slot));
    this.#wiredTo[header] = slot;
  }
}

/** Microseconds modulo 2^31 of the `struct timespec` at a word index: a small number, whatever the year. */
export function timespecUs(words: Int32Array, at: number): number {
  const seconds = words[at]!;
  const nanoseconds = words[at + 2]!;
  return ((seconds % 2147) * 1_000_000 + Math.trunc(nanoseconds / 1000)) | 0;
}
