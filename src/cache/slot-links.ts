/**
 * Lists of slots in the order in which they were put in, for all orders of eviction together. A slot is in one list at most, so the
 * links of all lists lie in arrays by slot, shared by them, and a list itself is two ends and two sums: a server block costs nothing
 * until it has entries, and nothing is allocated when one comes.
 *
 *   oldest -> newer -> newer -> newest          0: none, else slot + 1, so that memory nobody needs stays untouched
 */
import { assert } from '../base/invariant.ts';
import { word } from '../wire/octets.ts';

export class SlotLinks {
  readonly newer: Int32Array;
  readonly older: Int32Array;
  /** The number of the list that has the slot; 0: none. */
  readonly listOf: Int32Array;
  /** Octets of slab that the slot's entry holds. */
  readonly bytesOf: Int32Array;
  /** When the slot was last put into a list, ms (wrapping). */
  readonly frontedAtMs: Int32Array;
  #lastList = 0;

  constructor(slotCount: number) {
    this.newer = new Int32Array(slotCount);
    this.older = new Int32Array(slotCount);
    this.listOf = new Int32Array(slotCount);
    this.bytesOf = new Int32Array(slotCount);
    this.frontedAtMs = new Int32Array(slotCount);
  }

  /** A number that no list has had. */
  nextList(): number {
    this.#lastList += 1;
    assert(this.#lastList < 2 ** 31, 'as many lists as reloads and blocks');
    return this.#lastList;
  }
}

export class SlotList {
  readonly #links: SlotLinks;
  readonly #number: number;
  #oldest = 0;
  #newest = 0;
  count = 0;
  bytes = 0;

  constructor(links: SlotLinks) {
    this.#links = links;
    this.#number = links.nextList();
  }

  get oldest(): number | undefined {
    return this.#oldest === 0 ? undefined : this.#oldest - 1;
  }

  get newest(): number | undefined {
    return this.#newest === 0 ? undefined : this.#newest - 1;
  }

  /** Puts a slot in that is in no list. */
  add(slot: number, bytes: number): void {
    const { newer, older, listOf, bytesOf } = this.#links;
    assert(listOf[slot] === 0, 'a slot is in one list');
    listOf[slot] = this.#number;
    bytesOf[slot] = bytes;
    older[slot] = this.#newest;
    newer[slot] = 0;
    if (this.#newest === 0) this.#oldest = slot + 1;
    else newer[this.#newest - 1] = slot + 1;
    this.#newest = slot + 1;
    this.count += 1;
    this.bytes += bytes;
  }

  /** The octets it held; 0 where it is not here. */
  delete(slot: number): number {
    const { newer, older, listOf, bytesOf } = this.#links;
    if (listOf[slot] !== this.#number) return 0;
    const [before, after] = [word(older, slot), word(newer, slot)];
    if (before === 0) this.#oldest = after;
    else newer[before - 1] = after;
    if (after === 0) this.#newest = before;
    else older[after - 1] = before;
    listOf[slot] = 0;
    const bytes = word(bytesOf, slot);
    this.count -= 1;
    this.bytes -= bytes;
    return bytes;
  }

  /** From the oldest on; the list must not change meanwhile. */
  *slots(): Iterable<number> {
    for (let at = this.#oldest; at !== 0; at = word(this.#links.newer, at - 1)) yield at - 1;
  }
}
