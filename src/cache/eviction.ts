/**
 * What stays when there is no more room: `lru-cache` per server block and class, with slot numbers as keys (a million string
 * keys cost 242 MB and one insert of 132 ms). Only the resolver calls it.
 *
 * Responders do not move entries to the front; they leave a mark (marks.ts). So the one at the tail gets a second look: if it
 * was hit since it was last put to the front, it goes to the front again, else it leaves. At most eight get that second
 * look, so an insert's work is bounded.
 */
import assert from 'node:assert/strict';
import { LRUCache } from 'lru-cache';
import { word } from '../wire/octets.ts';
import { lastHitAfter } from './marks.ts';
import type { CacheMemory } from './memory.ts';

const SECOND_LOOKS_MAX = 8;

export class EvictionOrder {
  readonly #memory: CacheMemory;
  readonly #lru: LRUCache<number, number>;
  /** Per slot, shared by all orders of the cache: when it was last put to the front, ms (wrapping). */
  readonly #frontedAtMs: Int32Array;
  #bytes = 0;

  constructor(memory: CacheMemory, capacity: number, frontedAtMs: Int32Array) {
    this.#memory = memory;
    this.#lru = new LRUCache({ max: capacity });
    this.#frontedAtMs = frontedAtMs;
  }

  get count(): number {
    return this.#lru.size;
  }

  /** Octets of slab that the entries in this order hold. */
  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#lru.size >= this.#lru.max;
  }

  /** Puts a slot at the front; the order must not be full. */
  add(slot: number, bytes: number, nowMs: number): void {
    assert(!this.isFull, 'room was made first');
    this.#lru.set(slot, bytes);
    this.#bytes += bytes;
    this.#frontedAtMs[slot] = nowMs | 0;
  }

  remove(slot: number): void {
    this.#bytes -= this.#lru.peek(slot) ?? 0;
    this.#lru.delete(slot);
  }

  /** Takes out the slot to be evicted; undefined where the order is empty. */
  takeVictim(nowMs: number): number | undefined {
    for (let look = 0; ; look++) {
      const tail = this.#lru.rkeys().next();
      if (tail.done === true) return undefined;
      const slot = tail.value;
      const frontedAtMs = word(this.#frontedAtMs, slot);
      const wasHit = lastHitAfter(this.#memory, slot, frontedAtMs) !== frontedAtMs;
      if (!wasHit || look === SECOND_LOOKS_MAX) {
        this.remove(slot);
        return slot;
      }
      this.#lru.get(slot);
      this.#frontedAtMs[slot] = nowMs | 0;
    }
  }

  /** The slots, most recently fronted first. */
  slots(): Iterable<number> {
    return this.#lru.keys();
  }
}
