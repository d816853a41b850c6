/**
 * One client's TCP connection as its responder knows it: what was read and not answered, what was answered and not taken, and how long
 * that may last. It makes no system call. Times are milliseconds of the monotonic clock as 32-bit words, compared by difference.
 */

import { messageSizeAt } from '../wire/frame.ts';
import type { Octets } from '../wire/octets.ts';
import {
  FIRST_QUERY_MAX_MS,
  HALF_OPEN_MAX_MS,
  QUERIES_MAX,
  type TcpLimits,
  UNREAD_REPLIES_MAX,
} from './tcp-limits.ts';

const NOTHING = new Uint8Array(0);
/** A connection that has no deadline; 12 days. */
export const NEVER_MS = 2 ** 30;

/** How far a connection is that we end. */
export const ENDING = { NO: 0, AWAITS_FIRST_QUERY: 1, BEGUN: 2 } as const;

/** Octets that the kernel has not taken yet, first in, first out. */
export class Backlog {
  #chunks: Octets[] = [];
  /** Of the first chunk, taken. */
  #taken = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The octets are kept, not copied. */
  push(octets: Octets): void {
    this.#chunks.push(octets);
    this.#size += octets.length;
  }

  /** Copies the first octets to `target[at]`, at most `max` of them; returns how many. */
  peek(target: Octets, at: number, max: number): number {
    let copied = 0;
    for (let index = 0; index < this.#chunks.length && copied < max; index++) {
      const chunk = this.#chunks[index]!;
      const from = index === 0 ? this.#taken : 0;
      const part = chunk.subarray(from, Math.min(chunk.length, from + max - copied));
      target.set(part, at + copied);
      copied += part.length;
    }
    return copied;
  }

  /** Forgets the first octets; so many there are. */
  take(count: number): void {
    this.#size -= count;
    let left = this.#taken + count;
    while (this.#chunks.length > 0 && left >= this.#chunks[0]!.length) {
      left -= this.#chunks.shift()!.length;
    }
    this.#taken = left;
  }
}

export class StreamConnection {
  readonly fd: number;
  readonly slot: number;
  readonly generation: number;
  /** Number of its listener in the plan. */
  readonly listener: number;
  readonly limits: TcpLimits;
  /** Its client's address, for the client's share of connections. */
  readonly source: string;
  readonly backlog = new Backlog();
  /** Octets read that are not a whole frame yet, or that wait for queries to be answered. */
  pending: Octets = NOTHING;
  /** When the first of them became the first. */
  pendingSinceMs: number;
  /** When octets last came or went. */
  activeAtMs: number;
  inFlight = 0;
  queryCount = 0;
  /** The client has sent its FIN. */
  isEof = false;
  /** No more queries are taken. */
  isClosing = false;
  /** We have sent our FIN. */
  isFinished = false;
  #finishedAtMs = 0;
  /** The kernel has given it up. */
  isBroken = false;
  ending: number = ENDING.NO;
  #endingAtMs = 0;
  /** Of epoll, that are asked for. */
  interest = 0;

  constructor(
    fd: number,
    slot: number,
    generation: number,
    listener: number,
    limits: TcpLimits,
    source: string,
    nowMs: number,
  ) {
    this.fd = fd;
    this.slot = slot;
    this.generation = generation;
    this.listener = listener;
    this.limits = limits;
    this.source = source;
    this.activeAtMs = nowMs;
    this.pendingSinceMs = nowMs;
  }

  /** Whether the next frame may be taken: not too much of it is under way. */
  get takesQueries(): boolean {
    return (
      !this.isClosing &&
      !this.isBroken &&
      this.inFlight < QUERIES_MAX &&
      this.backlog.size <= UNREAD_REPLIES_MAX
    );
  }

  /** Whether octets are to be read: queries, or at the end whatever still comes, so that the client's FIN is seen. */
  get wantsOctets(): boolean {
    return !this.isEof && (this.isClosing || this.takesQueries);
  }

  /** Whether a whole frame has been read that was not taken yet. */
  get hasFrame(): boolean {
    return this.pending.length > 0 && messageSizeAt(this.pending, 0, this.pending.length) >= 0;
  }

  /** Whether nothing will be answered any more: all that is left to say is FIN. */
  get isDone(): boolean {
    if (this.inFlight > 0 || this.backlog.size > 0) return false;
    return this.isClosing || (this.isEof && !this.hasFrame);
  }

  /** Keeps what of a read is left over; `isProgress`: a frame has been taken since what was kept before. */
  keep(octets: Octets, from: number, end: number, isProgress: boolean, nowMs: number): void {
    if (isProgress || this.pending.length === 0) this.pendingSinceMs = nowMs;
    this.pending = from === end || this.isClosing ? NOTHING : octets.slice(from, end);
  }

  /** Takes no more queries; what was taken is answered. */
  refuseQueries(): void {
    this.isClosing = true;
    this.pending = NOTHING;
  }

  finish(nowMs: number): void {
    this.isFinished = true;
    this.#finishedAtMs = nowMs;
  }

  /** We end it: at once, or after the first query where there was none yet. */
  end(nowMs: number): void {
    if (this.ending !== ENDING.NO) return;
    this.ending = ENDING.AWAITS_FIRST_QUERY;
    this.#endingAtMs = nowMs;
    this.goOnEnding(nowMs);
  }

  goOnEnding(nowMs: number): void {
    if (this.ending !== ENDING.AWAITS_FIRST_QUERY) return;
    const isLate = ((nowMs - this.#endingAtMs) | 0) >= FIRST_QUERY_MAX_MS;
    if (this.queryCount === 0 && !this.isEof && !isLate) return;
    this.ending = ENDING.BEGUN;
    this.refuseQueries();
  }

  /** Milliseconds until it is to be closed, or its end to go on; 0 or less: now. */
  remainingMs(nowMs: number): number {
    const { readMs, writeMs, idleMs } = this.limits;
    if (this.isFinished) {
      const limitMs = this.ending === ENDING.NO ? idleMs : HALF_OPEN_MAX_MS;
      return limitMs - ((nowMs - this.#finishedAtMs) | 0);
    }
    if (this.ending === ENDING.AWAITS_FIRST_QUERY) {
      return FIRST_QUERY_MAX_MS - ((nowMs - this.#endingAtMs) | 0);
    }
    if (this.backlog.size > 0) return writeMs - ((nowMs - this.activeAtMs) | 0);
    // Who waits for an answer is not idle: it gets one, or a failure, within the time that a question has.
    if (this.inFlight > 0) return NEVER_MS;
    // Each octet is activity, so a frame as a whole has a time too.
    const sinceMs = this.pending.length > 0 ? this.pendingSinceMs : this.activeAtMs;
    return (this.queryCount === 0 ? readMs : idleMs) - ((nowMs - sinceMs) | 0);
  }
}
