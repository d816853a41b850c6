/**
 * What stays when there is no more room: an order per server block and class, in two parts. Only the resolver calls it.
 *
 *   new ----> probation, about a tenth ----> out         at the tail, where nobody asked since it was put there
 *                 | asked again
 *                 v
 *        +-> main, the rest ---------------> out         the same
 *        +------- | asked again
 *
 * A flood of random names asks each of them once. It passes through probation and leaves the main part alone, whatever its
 * length. The idea is 2Q's (Johnson and Shasha, VLDB 1994), in the form of S3-FIFO (Yang and others, SOSP 2023), without
 * their queue of names that have left.
 *
 * Responders do not move entries; they leave a mark (marks.ts), which is read when the entry has come to the tail. An
 * eviction reads at most eight, so an insert's work is bounded.
 *
 * The parts are lists linked through arrays that all orders share: `lru-cache` takes its memory at once, 0.9 MB a server block, which
 * adds up where each stub domain is one.
 */
import { assert } from '../base/invariant.ts';
import { word } from '../wire/octets.ts';
import { lastHitAfter } from './marks.ts';
import type { CacheMemory } from './memory.ts';
import { type SlotLinks, SlotList } from './slot-links.ts';

const LOOKS_MAX = 8;
/** Probation gives way while it has one in ten of the order's entries, or of its octets: S3-FIFO's small queue. */
const PROBATION_ONE_IN = 10;

export class EvictionOrder {
  readonly #memory: CacheMemory;
  readonly #capacity: number;
  readonly #probation: SlotList;
  readonly #main: SlotList;
  readonly #frontedAtMs: Int32Array;

  /** `links`: shared by all orders of the cache. */
  constructor(memory: CacheMemory, capacity: number, links: SlotLinks) {
    this.#memory = memory;
    // A Corefile may ask for more than there are slots.
    this.#capacity = Math.min(capacity, memory.plan.slotCount);
    this.#probation = new SlotList(links);
    this.#main = new SlotList(links);
    this.#frontedAtMs = links.frontedAtMs;
  }

  get count(): number {
    return this.#probation.count + this.#main.count;
  }

  /** Octets of slab that the entries in this order hold. */
  get bytes(): number {
    return this.#probation.bytes + this.#main.bytes;
  }

  get isFull(): boolean {
    return this.count >= this.#capacity;
  }

  /** Puts the slot of a new entry on probation; the order must not be full. */
  add(slot: number, bytes: number, nowMs: number): void {
    this.#put(this.#probation, slot, bytes, nowMs);
  }

  /** Puts the slot of an entry that took another one's place into the main part: its question was asked again. */
  readmit(slot: number, bytes: number, nowMs: number): void {
    this.#put(this.#main, slot, bytes, nowMs);
  }

  /** Takes a slot out, wherever it is; the octets it held, 0 where it is not in this order. */
  remove(slot: number): number {
    return this.#probation.delete(slot) || this.#main.delete(slot);
  }

  /** Takes out the slot to be evicted; undefined where the order is empty. */
  takeVictim(nowMs: number): number | undefined {
    for (let look = 0; look < LOOKS_MAX; look++) {
      const slot = this.#givingPart().oldest;
      if (slot === undefined) return undefined;
      const bytes = this.remove(slot);
      if (!this.#wasHit(slot)) return slot;
      this.readmit(slot, bytes, nowMs);
    }
    // Of those on probation the newest has shown least. The next at the tail may well be one more of a set of names in use
    // that a flood found on probation, side by side: with it as victim test/cache/flood.test.ts has 89 % hits, not 100.
    const part = this.#givingPart();
    const slot = part === this.#probation ? part.newest : part.oldest;
    if (slot !== undefined) this.remove(slot);
    return slot;
  }

  /** The slots, in no order that means anything. */
  *slots(): Iterable<number> {
    yield* this.#probation.slots();
    yield* this.#main.slots();
  }

  /**
   * Counted in what the order holds, not in its capacity: where octets are short, that is never reached. In octets as well,
   * or few large answers would push out many small ones.
   */
  #givingPart(): SlotList {
    const { count, bytes } = this.#probation;
    const isLarge =
      count * PROBATION_ONE_IN >= this.count || bytes * PROBATION_ONE_IN >= this.bytes;
    return isLarge ? this.#probation : this.#main;
  }

  #put(part: SlotList, slot: number, bytes: number, nowMs: number): void {
    assert(!this.isFull, 'room was made first');
    part.add(slot, bytes);
    this.#frontedAtMs[slot] = nowMs | 0;
  }

  #wasHit(slot: number): boolean {
    const frontedAtMs = word(this.#frontedAtMs, slot);
    return lastHitAfter(this.#memory, slot, frontedAtMs) !== frontedAtMs;
  }
}
