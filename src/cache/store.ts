/**
 * The resolver's side of the cache: the only writer of entries. Admits responses, finds them again for what does not go
 * through a responder, and forgets server blocks. Bounds: the slab's octets for all blocks, and each block's capacities.
 */
import { assert } from '../base/invariant.ts';
import { word } from '../wire/octets.ts';
import type { ResponseBody } from '../wire/response.ts';
import { type BlockOrders, orderGivingOctets, orderGivingSlot } from './block-orders.ts';
import {
  ENTRY,
  ENTRY_FLAG,
  type EntryTimes,
  entryAt,
  entryBytes,
  flagsOf,
  readKey,
  writeEntry,
} from './entry.ts';
import { RetiredUnits } from './epochs.ts';
import { EvictionOrder } from './eviction.ts';
import { CacheKey } from './key.ts';
import type { CacheMemory } from './memory.ts';
import type { CachePolicy } from './policy.ts';
import { Slab } from './slab.ts';
import { SlotLinks } from './slot-links.ts';
import {
  CHAIN_MAX,
  chainLength,
  findEntry,
  linkEntry,
  replaceEntry,
  unlinkEntry,
} from './table.ts';

/** Evictions tried for one insert before it is given up; a large answer may need the room of many small ones. */
const EVICTIONS_MAX = 64;
/** Half the span in which wrapping milliseconds can be compared: 12 days. Marks older than that mean nothing any more. */
const MARK_AGE_MAX_MS = 2 ** 30;

export interface BlockUsage {
  readonly successCount: number;
  readonly denialCount: number;
  readonly successEvictions: number;
  readonly denialEvictions: number;
}

export class CacheStore {
  readonly memory: CacheMemory;
  readonly #slab: Slab;
  readonly #retired: RetiredUnits;
  readonly #blocks = new Map<number, BlockOrders>();
  /** Slots given back; those from `#freshSlot` on were never used, so that memory nobody needs stays untouched. */
  readonly #freeSlots: Int32Array;
  #freeSlotCount = 0;
  #freshSlot = 0;
  /** Unit of each slot's entry; 0: none. */
  readonly #unitOf: Int32Array;
  readonly #links: SlotLinks;
  readonly #free = (unit: number) => this.#slab.free(unit);
  #sweptTo = 0;
  /** Responses not admitted since no room could be made: a reader stands still, or the chain is at its bound. */
  refusedCount = 0;

  constructor(memory: CacheMemory) {
    const { slotCount } = memory.plan;
    this.memory = memory;
    this.#slab = new Slab(memory);
    // Twice, so that whatever is still linked can be dropped even when as much again waits for a reader.
    this.#retired = new RetiredUnits(memory, 2 * slotCount);
    this.#freeSlots = new Int32Array(slotCount);
    this.#unitOf = new Int32Array(slotCount);
    this.#links = new SlotLinks(slotCount);
  }

  get usedBytes(): number {
    return this.#slab.usedBytes;
  }

  get capacityBytes(): number {
    return this.#slab.capacityBytes;
  }

  /** A reader stands still and holds as much retired memory as there may be entries; nothing is admitted then. */
  get isStuck(): boolean {
    return this.#retired.count >= this.memory.plan.slotCount;
  }

  get entryCount(): number {
    return this.#freshSlot - this.#freeSlotCount;
  }

  /** Slots that have ever had an entry: what there is to sweep. */
  get touchedSlotCount(): number {
    return this.#freshSlot;
  }

  /** Makes room for a block's entries; a block that is known keeps them. */
  openBlock(block: number, policy: CachePolicy): void {
    if (this.#blocks.has(block)) return;
    const order = (capacity: number) => new EvictionOrder(this.memory, capacity, this.#links);
    this.#blocks.set(block, {
      success: order(policy.success.capacity),
      denial: order(policy.denial.capacity),
      successEvictions: 0,
      denialEvictions: 0,
    });
  }

  /** Forgets a block and all its entries. */
  closeBlock(block: number): void {
    const orders = this.#blocks.get(block);
    if (orders === undefined) return;
    for (const order of [orders.success, orders.denial]) {
      for (const slot of [...order.slots()]) {
        order.remove(slot);
        this.#dropSlot(slot);
      }
    }
    this.#blocks.delete(block);
  }

  usage(block: number): BlockUsage {
    const orders = this.#orders(block);
    return {
      successCount: orders.success.count,
      denialCount: orders.denial.count,
      successEvictions: orders.successEvictions,
      denialEvictions: orders.denialEvictions,
    };
  }

  /** The word index of the entry for `key`, or 0. Valid until the next call that changes the cache. */
  find(key: CacheKey): number {
    return findEntry(this.memory, key);
  }

  /** The word index of a slot's entry, or 0. */
  entryOfSlot(slot: number): number {
    const unit = word(this.#unitOf, slot);
    return unit === 0 ? 0 : entryAt(this.memory, unit);
  }

  /**
   * Keeps a response under `key`, in the place of what was there. False where no room could be made; counted.
   * `flags` are `ENTRY_FLAG`s; the entry's block is the key's and must be open.
   */
  admit(
    key: CacheKey,
    body: ResponseBody,
    flags: number,
    times: EntryTimes,
    nowMs: number,
  ): boolean {
    const orders = this.#orders(key.block);
    const order = (flags & ENTRY_FLAG.DENIAL) !== 0 ? orders.denial : orders.success;
    this.#retired.reclaim(this.#free);
    const present = this.find(key);
    const isChainFull = present === 0 && chainLength(this.memory, key.hash) >= CHAIN_MAX;
    const unit =
      this.isStuck || isChainFull
        ? 0
        : this.#makeRoom(entryBytes(key.size, body), order, present, nowMs);
    if (unit === 0) {
      this.refusedCount += 1;
      return false;
    }
    // Only now: making room may have evicted the very entry that is to be replaced.
    const { words } = this.memory;
    const replacedAt = this.find(key);
    const slot = replacedAt === 0 ? this.#takeSlot() : word(words, replacedAt + ENTRY.SLOT);
    const bornAtMs =
      replacedAt === 0 ? nowMs : keptBirthMs(word(words, replacedAt + ENTRY.BORN), nowMs);
    writeEntry(this.memory, entryAt(this.memory, unit), key, slot, flags, body, times, bornAtMs);
    if (replacedAt === 0) {
      linkEntry(this.memory, unit);
    } else {
      const replacedUnit = word(this.#unitOf, slot);
      this.#orderOf(replacedAt).remove(slot);
      replaceEntry(this.memory, unit, replacedUnit);
      this.#retired.retire(replacedUnit);
    }
    this.#unitOf[slot] = unit;
    if (replacedAt === 0) order.add(slot, this.#slab.bytesOf(unit), nowMs);
    else order.readmit(slot, this.#slab.bytesOf(unit), nowMs);
    return true;
  }

  /** Removes the entry at a word index that `find` has just returned. */
  remove(at: number): void {
    const slot = word(this.memory.words, at + ENTRY.SLOT);
    this.#orderOf(at).remove(slot);
    this.#dropSlot(slot);
  }

  /**
   * Drops entries that can be served no more, a few slots a call, so that the memory of names nobody asks for comes back
   * and the entry counts stay honest. `count`: slots looked at.
   */
  sweep(nowMs: number, count: number): void {
    const { doubles } = this.memory;
    const slotCount = this.touchedSlotCount;
    for (let step = Math.min(count, slotCount); step > 0 && !this.isStuck; step--) {
      const at = this.entryOfSlot(this.#sweptTo);
      this.#sweptTo = (this.#sweptTo + 1) % slotCount;
      if (at !== 0 && doubles[(at + ENTRY.STALE) >> 1]! <= nowMs) this.remove(at);
    }
    this.#retired.reclaim(this.#free);
  }

  /** Room for an entry in `order` and in the slab: a unit, or 0. `replacedAt`: the entry with the same key, or 0. */
  #makeRoom(bytes: number, order: EvictionOrder, replacedAt: number, nowMs: number): number {
    const keepsPlace = replacedAt !== 0 && this.#orderOf(replacedAt) === order;
    if (!keepsPlace && order.isFull) this.#evict(order, nowMs);
    for (let step = 0; step < EVICTIONS_MAX && !this.isStuck; step++) {
      const hasSlot = replacedAt !== 0 || this.#hasFreeSlot();
      if (hasSlot) {
        const unit = this.#slab.allocate(bytes);
        if (unit !== 0) return unit;
        // So much waits for a reader to pass: more evictions would not make its memory come sooner.
        if (this.#retired.count >= EVICTIONS_MAX) return 0;
      }
      const blocks = this.#blocks.values();
      const giver = hasSlot
        ? orderGivingOctets(blocks, this.#slab.capacityBytes)
        : orderGivingSlot(blocks);
      this.#evict(giver, nowMs);
      this.#retired.reclaim(this.#free);
    }
    return 0;
  }

  #evict(order: EvictionOrder, nowMs: number): void {
    const slot = order.takeVictim(nowMs);
    if (slot === undefined) return;
    const orders = this.#orders(word(this.memory.words, this.entryOfSlot(slot) + ENTRY.BLOCK));
    if (order === orders.denial) orders.denialEvictions += 1;
    else orders.successEvictions += 1;
    this.#dropSlot(slot);
  }

  #takeSlot(): number {
    assert(this.#hasFreeSlot(), 'a slot was made free first');
    if (this.#freeSlotCount === 0) return this.#freshSlot++;
    this.#freeSlotCount -= 1;
    return word(this.#freeSlots, this.#freeSlotCount);
  }

  #hasFreeSlot(): boolean {
    return this.#freeSlotCount > 0 || this.#freshSlot < this.memory.plan.slotCount;
  }

  /** Unlinks a slot's entry, which is in no order any more. */
  #dropSlot(slot: number): void {
    const unit = word(this.#unitOf, slot);
    unlinkEntry(this.memory, unit);
    this.#retired.retire(unit);
    this.#unitOf[slot] = 0;
    this.#freeSlots[this.#freeSlotCount++] = slot;
  }

  #orders(block: number): BlockOrders {
    const orders = this.#blocks.get(block);
    assert(orders !== undefined, 'the block is open');
    return orders;
  }

  #orderOf(at: number): EvictionOrder {
    const orders = this.#orders(word(this.memory.words, at + ENTRY.BLOCK));
    return (flagsOf(this.memory.words, at) & ENTRY_FLAG.DENIAL) !== 0
      ? orders.denial
      : orders.success;
  }
}

/** The birth of a refreshed entry: its first one, so that its marks still count, but never so long ago that it wraps. */
function keptBirthMs(bornAtMs: number, nowMs: number): number {
  const ageMs = (nowMs - bornAtMs) | 0;
  return ageMs >= 0 && ageMs < MARK_AGE_MAX_MS ? bornAtMs : nowMs - MARK_AGE_MAX_MS;
}

/** A key of its own for the entry at `at`, for asking its question again. */
export function keyOfEntry(memory: CacheMemory, at: number): CacheKey {
  const key = new CacheKey();
  readKey(memory.words, at, key);
  return key;
}
