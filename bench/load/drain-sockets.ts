/**
 * The clients of a drain: connected sockets, a like number for each receive queue of a server. They fill its queues while it is
 * stopped, and the replies lie in their own buffers, with the kernel's time of arrival, until somebody has time to read them.
 *
 *   stopped server    queue 0 <-- sockets of queue 0, in turn, a batch each        which queue a socket's port goes to is
 *                     queue 1 <-- sockets of queue 1, ...                          the kernel's choice: it is tried out
 */
import assert from 'node:assert/strict';
import { CONTROL_MODE, DatagramBatch } from '../../src/os/datagram-batch.ts';
import { type Libc, OS, Pinned } from '../../src/os/libc.ts';
import { writeSocketAddress } from '../../src/os/socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from '../../src/os/socket-octets.ts';
import { receiveTimestamps, setReceiveBuffer } from '../../src/os/udp-socket.ts';
import { type ReceiveQueue, receiveQueues } from '../receive-queues.ts';
import { BATCH_MESSAGES, MESSAGE_OCTETS, MessageBatch } from './mmsg.ts';
import type { QuestionSet } from './questions.ts';
import { judgeReply, VERDICT } from './reply.ts';

/** A thousand replies, as the kernel counts them; it grants some five hundred to those without privileges. */
const RECEIVE_BUFFER_OCTETS = 512 * 1024;
/** Ports tried for each that is wanted: the kernel's hash deals them out like coins. */
const TRIES_PER_SOCKET = 16;

/** What the replies of one queue tell. */
export interface QueueReplies {
  readonly count: number;
  readonly wrong: number;
  /** Of the first and of the last reply, since an origin that all queues share. */
  readonly firstNs: number;
  readonly lastNs: number;
}

export class DrainSockets {
  readonly #libc: Libc;
  readonly #set: QuestionSet;
  readonly #port: number;
  readonly #outgoing: MessageBatch;
  readonly #incoming: DatagramBatch;
  readonly #inodes: readonly number[];
  /** By queue. */
  readonly #sockets: readonly number[][];
  #nextQuestion = 0;
  #originS: number | undefined;

  /** The server on the port of 127.0.0.1 is stopped; to each of its queues `count` sockets are found, which have asked once then. */
  constructor(libc: Libc, port: number, count: number, set: QuestionSet) {
    this.#libc = libc;
    this.#set = set;
    this.#port = port;
    this.#outgoing = new MessageBatch(libc);
    this.#incoming = new DatagramBatch(libc);
    this.#inodes = receiveQueues(port).map(({ inode }) => inode);
    this.#sockets = this.#inodes.map(() => []);
    this.#find(count);
  }

  get queueCount(): number {
    return this.#inodes.length;
  }

  /** What still lies in the server's queues, in octets. */
  waitingOctets(): number {
    return receiveQueues(this.#port).reduce((sum, { octets }) => sum + octets, 0);
  }

  /** Sends a batch from each socket of a queue, so many times. */
  fill(queue: number, passes: number): void {
    for (let pass = 0; pass < passes; pass++) {
      for (const fd of this.#sockets[queue]!) this.#send(fd, BATCH_MESSAGES);
    }
  }

  /** One query for each question, from a socket of the first queue. */
  askEach(): void {
    const fd = this.#sockets[0]![0]!;
    for (let left = this.#set.count; left > 0; left -= BATCH_MESSAGES) {
      this.#send(fd, Math.min(left, BATCH_MESSAGES));
    }
  }

  /** Takes all replies that have come, by queue. */
  collect(): QueueReplies[] {
    return this.#sockets.map((sockets) => {
      const replies = { count: 0, wrong: 0, firstNs: Infinity, lastNs: -Infinity };
      for (const fd of sockets) this.#collectFrom(fd, replies);
      return replies;
    });
  }

  close(): void {
    for (const fd of this.#sockets.flat()) this.#libc.close(fd);
  }

  #find(count: number): void {
    const isFull = (sockets: readonly number[]) => sockets.length === count;
    for (let left = TRIES_PER_SOCKET * count * this.queueCount; left > 0; left--) {
      if (this.#sockets.every(isFull)) return;
      const before = receiveQueues(this.#port);
      const fd = openSocket(this.#libc, this.#port);
      this.#send(fd, 1);
      const sockets = this.#sockets[grownQueue(before, receiveQueues(this.#port))];
      if (sockets === undefined || isFull(sockets)) this.#libc.close(fd);
      else sockets.push(fd);
    }
    throw new Error('the kernel does not deal datagrams out to all sockets of the server');
  }

  #send(fd: number, count: number): void {
    const { octets, start, count: questionCount } = this.#set;
    for (let index = 0; index < count; index++) {
      const question = this.#nextQuestion;
      this.#nextQuestion = (question + 1) % questionCount;
      const at = index * MESSAGE_OCTETS;
      const size = start[question + 1]! - start[question]!;
      this.#outgoing.octets.set(octets.subarray(start[question]!, start[question + 1]!), at);
      // The id says which question it is.
      this.#outgoing.octets[at] = question >> 8;
      this.#outgoing.octets[at + 1] = question;
      this.#outgoing.setSize(index, size);
    }
    for (let first = 0; first < count; ) {
      const sent = this.#outgoing.send(fd, first, count);
      assert(sent > 0, `sendmmsg: errno ${this.#libc.errno()}`);
      first += sent;
    }
  }

  #collectFrom(
    fd: number,
    replies: { count: number; wrong: number; firstNs: number; lastNs: number },
  ): void {
    const batch = this.#incoming;
    for (;;) {
      // Every datagram's control block is asked for so; what stands first in it is the time.
      const received = batch.receive(fd, CONTROL_MODE.PACKET_INFO);
      if (received === 0) return;
      for (let slot = 0; slot < received; slot++) {
        const ns = this.#arrivalNs(slot);
        replies.count += 1;
        replies.wrong += this.#isRight(slot) ? 0 : 1;
        replies.firstNs = Math.min(replies.firstNs, ns);
        replies.lastNs = Math.max(replies.lastNs, ns);
      }
    }
  }

  /** `struct cmsghdr` of 16 octets and a `struct timespec`. */
  #arrivalNs(slot: number): number {
    const { words } = this.#incoming;
    const at = this.#incoming.controlAt(slot) >> 2;
    const isStamp = words[at + 2] === OS.SOL_SOCKET && words[at + 3] === OS.SO_TIMESTAMPNS;
    assert(isStamp, 'a reply without the time of its arrival');
    this.#originS ??= words[at + 4]!;
    return (words[at + 4]! - this.#originS) * 1e9 + words[at + 6]!;
  }

  #isRight(slot: number): boolean {
    const { octets } = this.#incoming;
    const at = this.#incoming.bufferAt(slot);
    const question = (octets[at]! << 8) | octets[at + 1]!;
    if (question >= this.#set.count) return false;
    const end = at + this.#incoming.sizeOf(slot);
    return judgeReply(octets, at, end, this.#set, question) === VERDICT.RIGHT;
  }
}

function grownQueue(before: readonly ReceiveQueue[], after: readonly ReceiveQueue[]): number {
  return after.findIndex(({ octets }, index) => octets > before[index]!.octets);
}

function openSocket(libc: Libc, port: number): number {
  const fd = libc.socket(OS.AF_INET, OS.SOCK_DGRAM | OS.SOCK_CLOEXEC, 0);
  assert(fd >= 0, 'a UDP socket');
  setReceiveBuffer(libc, fd, RECEIVE_BUFFER_OCTETS);
  receiveTimestamps(libc, fd);
  const place = new Pinned(libc, SOCKET_ADDRESS_SIZE);
  const size = writeSocketAddress(place.octets, 0, { host: '127.0.0.1', port });
  assert(libc.connect(fd, place.address, size) === 0, `connect to 127.0.0.1:${port}`);
  return fd;
}
