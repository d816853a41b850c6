/**
 * Load over UDP: one blocking loop over a set of connected sockets, in a process of its own. It sends what is due, waits
 * until something arrives or is due, and takes up to 64 replies a call. Per query it allocates nothing and calls nothing
 * but the batch calls' share.
 *
 * The sockets have a source port each, so that a server's SO_REUSEPORT group spreads them. A query's time counts from when
 * it should have left (no coordinated omission): a generator that falls behind makes the latency look worse, never better,
 * and its lateness is reported.
 */
import assert from 'node:assert/strict';
import { type Libc, OS, Pinned } from '../../src/os/libc.ts';
import { TICKS_PER_MS, TICKS_PER_SECOND, TickClock, type Ticks, ticksBetween } from './clock.ts';
import type { Flight } from './flight.ts';
import { BATCH_MESSAGES, MESSAGE_OCTETS, MessageBatch } from './mmsg.ts';
import type { Load, Phase } from './phase.ts';
import type { QuestionSet } from './questions.ts';
import { Schedule } from './schedule.ts';
import type { Tally } from './tally.ts';
import { ReadWait } from './wait.ts';

/** How often lost queries are looked for; also the longest wait. */
const EXPIRE_INTERVAL = 10 * TICKS_PER_MS;
/** A batch that fails this often in a row is given up; its queries count as lost. */
const SEND_ATTEMPTS_MAX = 3;
/** Replies of 40 ms at 100,000 a second; the kernel caps it at net.core.rmem_max. */
const RECEIVE_BUFFER_OCTETS = 4 << 20;

export class UdpLoad implements Load {
  readonly #libc: Libc;
  readonly #set: QuestionSet;
  readonly #flight: Flight;
  readonly #clock: TickClock;
  readonly #sockets: readonly number[];
  readonly #wait: ReadWait;
  readonly #incoming: MessageBatch;
  readonly #outgoing: MessageBatch;
  #nextSocket = 0;
  #expireAt: Ticks = 0;

  constructor(
    libc: Libc,
    server: { readonly address: string; readonly port: number },
    socketCount: number,
    set: QuestionSet,
    flight: Flight,
  ) {
    this.#libc = libc;
    this.#set = set;
    this.#flight = flight;
    this.#clock = new TickClock(libc);
    this.#sockets = Array.from({ length: socketCount }, () =>
      openSocket(libc, server.address, server.port),
    );
    this.#wait = new ReadWait(libc, this.#sockets);
    this.#incoming = new MessageBatch(libc);
    this.#outgoing = new MessageBatch(libc);
  }

  /** Runs one phase to its end, its last replies included; says how many seconds passed until the last answer. */
  async run(phase: Phase, tally: Tally): Promise<number> {
    const startedAt = this.#clock.now();
    this.#expireAt = startedAt;
    if (phase.pace !== undefined) {
      const schedule = new Schedule(phase.pace, phase.seconds, phase.queriesMax);
      this.#runOpenLoop(phase, schedule, startedAt, tally);
    } else {
      this.#runClosedWindow(phase, startedAt, tally);
    }
    return ticksBetween(startedAt, tally.lastAnswerAt) / TICKS_PER_SECOND;
  }

  close(): void {
    for (const fd of this.#sockets) this.#libc.close(fd);
  }

  /** One socket a batch; while the loop keeps up, and but for bursts, a batch is one query. */
  #runOpenLoop(phase: Phase, schedule: Schedule, startedAt: Ticks, tally: Tally): void {
    const planned = schedule.count;
    let taken = 0;
    while (taken < planned || this.#flight.outstanding > 0) {
      const now = this.#clock.now();
      const elapsed = ticksBetween(startedAt, now);
      while (taken < planned && schedule.dueAfter(taken) <= elapsed) {
        const end = Math.min(planned, taken + BATCH_MESSAGES);
        const channel = this.#nextSocket;
        let count = 0;
        for (; taken < end; taken++) {
          const dueAfter = schedule.dueAfter(taken);
          if (dueAfter > elapsed) break;
          const dueAt = (startedAt + dueAfter) | 0;
          tally.lateness.record(ticksBetween(dueAt, now));
          count += this.#put(channel, count, phase.next(), dueAt, tally);
        }
        this.#send(channel, count, tally);
        this.#nextSocket = (channel + 1) % this.#sockets.length;
      }
      this.#expire(now, phase, tally);
      const untilNext = taken < planned ? schedule.dueAfter(taken) - elapsed : EXPIRE_INTERVAL;
      this.#receive(phase.spins ? 0 : Math.max(0, Math.min(EXPIRE_INTERVAL, untilNext)), tally);
    }
  }

  /** Keeps each socket's share of the window outstanding: what is answered or given up is asked anew. */
  #runClosedWindow(phase: Phase, startedAt: Ticks, tally: Tally): void {
    const sockets = this.#sockets.length;
    const duration = Math.floor(phase.seconds * TICKS_PER_SECOND);
    let left = phase.queriesMax;
    for (;;) {
      const now = this.#clock.now();
      const isSending = left > 0 && ticksBetween(startedAt, now) < duration;
      if (!isSending && this.#flight.outstanding === 0) return;
      for (let channel = 0; isSending && channel < sockets; channel++) {
        const share = Math.ceil((phase.window - channel) / sockets);
        const room = Math.min(share - this.#flight.outstandingOn(channel), BATCH_MESSAGES, left);
        let count = 0;
        for (let index = 0; index < room; index++) {
          count += this.#put(channel, count, phase.next(), now, tally);
        }
        if (room > 0) left -= room;
        this.#send(channel, count, tally);
      }
      this.#expire(now, phase, tally);
      this.#receive(phase.spins ? 0 : EXPIRE_INTERVAL, tally);
    }
  }

  /** Makes a query message number `index` of the outgoing batch; 1, or 0 when the socket has no id left. */
  #put(channel: number, index: number, question: number, dueAt: Ticks, tally: Tally): number {
    const id = this.#flight.open(channel, question, dueAt);
    if (id < 0) {
      tally.notSent += 1;
      return 0;
    }
    const from = this.#set.octets;
    const start = this.#set.start[question]!;
    const size = this.#set.start[question + 1]! - start;
    const to = this.#outgoing.octets;
    const base = index * MESSAGE_OCTETS;
    to[base] = id >> 8;
    to[base + 1] = id;
    for (let at = 2; at < size; at++) to[base + at] = from[start + at]!;
    this.#outgoing.setSize(index, size);
    return 1;
  }

  /** A server that is away shows as ECONNREFUSED of an earlier query: counted, and the rest is sent all the same. */
  #send(channel: number, count: number, tally: Tally): void {
    let first = 0;
    let attempts = 0;
    while (first < count && attempts < SEND_ATTEMPTS_MAX) {
      const sent = this.#outgoing.send(this.#sockets[channel]!, first, count);
      if (sent > 0) {
        first += sent;
        attempts = 0;
      } else {
        tally.countError(`send errno ${this.#libc.errno()}`);
        attempts += 1;
      }
    }
    tally.sent += first;
  }

  #receive(timeout: Ticks, tally: Tally): void {
    this.#wait.wait(timeout);
    const octets = this.#incoming.octets;
    for (let channel = 0; channel < this.#sockets.length; channel++) {
      if (!this.#wait.isReady(channel)) continue;
      const received = this.#incoming.receive(this.#sockets[channel]!);
      if (received < 0) tally.countError(`receive errno ${this.#libc.errno()}`);
      const now = this.#clock.now();
      for (let index = 0; index < received; index++) {
        const start = index * MESSAGE_OCTETS;
        const end = start + this.#incoming.sizeOf(index);
        tally.countReply(octets, start, end, channel, now, this.#flight, this.#set);
      }
    }
  }

  #expire(now: Ticks, phase: Phase, tally: Tally): void {
    if (ticksBetween(this.#expireAt, now) < 0) return;
    this.#expireAt = (now + EXPIRE_INTERVAL) | 0;
    for (let channel = 0; channel < this.#sockets.length; channel++) {
      tally.lost += this.#flight.expire(channel, now, phase.replyTimeout);
    }
  }
}

/** A socket connected to an IPv4 address; sockaddr_in is family in host order, port and address in network order. */
function openSocket(libc: Libc, address: string, port: number): number {
  const fd = libc.socket(OS.AF_INET, OS.SOCK_DGRAM | OS.SOCK_CLOEXEC, 0);
  assert(fd >= 0, 'a UDP socket');
  const memory = new Pinned(libc, 16);
  memory.words[0] = RECEIVE_BUFFER_OCTETS;
  libc.setsockopt(fd, OS.SOL_SOCKET, OS.SO_RCVBUF, memory.address, 4);
  memory.octets.set([OS.AF_INET, 0, port >> 8, port & 0xff, ...address.split('.').map(Number)]);
  assert(libc.connect(fd, memory.address, 16) === 0, `connect to ${address}`);
  return fd;
}
