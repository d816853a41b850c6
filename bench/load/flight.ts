/**
 * Which queries are in flight: one table for all channels (a UDP socket or a TCP connection), indexed by channel and id.
 *
 * Ids of a channel count up from a start of its own, so that a reply that arrives on another channel's socket is found
 * out. A slot keeps its last state until its id comes round again after 65,536 queries; that is how a duplicate and a late
 * reply are told from one that nobody asked for. Times are ticks of `clock.ts`.
 */
import type { Ticks } from './clock.ts';
import { ticksBetween } from './clock.ts';

export const SLOT = { UNUSED: 0, OUTSTANDING: 1, ANSWERED: 2, LOST: 3 } as const;
export type SlotState = (typeof SLOT)[keyof typeof SLOT];

const IDS = 0x1_0000;

export class Flight {
  /** Queries in flight on all channels. */
  outstanding = 0;
  readonly #state: Uint8Array;
  readonly #dueAt: Int32Array;
  readonly #question: Int32Array;
  readonly #idBase: Int32Array;
  readonly #outstandingBy: Int32Array;
  /** How many queries a channel opened, and how many of those, in that order, are settled; both modulo 2^32. */
  readonly #opened: Int32Array;
  readonly #settled: Int32Array;

  constructor(channelCount: number, random: () => number) {
    this.#state = new Uint8Array(channelCount * IDS);
    this.#dueAt = new Int32Array(channelCount * IDS);
    this.#question = new Int32Array(channelCount * IDS);
    this.#idBase = Int32Array.from({ length: channelCount }, () => Math.floor(random() * IDS));
    this.#outstandingBy = new Int32Array(channelCount);
    this.#opened = new Int32Array(channelCount);
    this.#settled = new Int32Array(channelCount);
  }

  outstandingOn(channel: number): number {
    return this.#outstandingBy[channel]!;
  }

  /** Takes an id for a query; -1 when all 65,536 of the channel wait for their time-out. */
  open(channel: number, question: number, dueAt: Ticks): number {
    const opened = this.#opened[channel]!;
    if (opened - this.#settled[channel]! >= IDS) return -1;
    const id = (this.#idBase[channel]! + opened) & 0xffff;
    const slot = channel * IDS + id;
    this.#state[slot] = SLOT.OUTSTANDING;
    this.#dueAt[slot] = dueAt;
    this.#question[slot] = question;
    this.#opened[channel] = opened + 1;
    this.#outstandingBy[channel]! += 1;
    this.outstanding += 1;
    return id;
  }

  /** The question of a slot, whatever its state. */
  questionOf(channel: number, id: number): number {
    return this.#question[channel * IDS + id]!;
  }

  dueAtOf(channel: number, id: number): Ticks {
    return this.#dueAt[channel * IDS + id]!;
  }

  /** Notes a reply and says in which state it met the slot: only `OUTSTANDING` makes it the answer. */
  settle(channel: number, id: number): SlotState {
    const slot = channel * IDS + id;
    const state = this.#state[slot]! as SlotState;
    if (state === SLOT.UNUSED) return state;
    this.#state[slot] = SLOT.ANSWERED;
    if (state === SLOT.OUTSTANDING) this.#close(channel);
    return state;
  }

  /** Gives up what is outstanding for `timeout` ticks or longer; says how many. Cheap when there is nothing to do. */
  expire(channel: number, now: Ticks, timeout: Ticks): number {
    const opened = this.#opened[channel]!;
    const base = channel * IDS;
    let settled = this.#settled[channel]!;
    let lost = 0;
    for (; settled !== opened; settled = (settled + 1) | 0) {
      const slot = base + ((this.#idBase[channel]! + settled) & 0xffff);
      if (this.#state[slot] !== SLOT.OUTSTANDING) continue;
      if (ticksBetween(this.#dueAt[slot]!, now) < timeout) break;
      this.#state[slot] = SLOT.LOST;
      this.#close(channel);
      lost += 1;
    }
    this.#settled[channel] = settled;
    return lost;
  }

  #close(channel: number): void {
    this.#outstandingBy[channel]! -= 1;
    this.outstanding -= 1;
  }
}
