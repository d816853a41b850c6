/**
 * Copies the names of one message into another with compression (RFC 1035 §4.1.4), at a cost that is linear in the sizes of the
 * two, whatever pointers they hold. Letter case counts, so that every name keeps its own.
 *
 *   from   ... 3 www 7 example 3 org 0 ... 4 mail, pointer ...    place of a label -> place of the same name in `out`
 *   out    ... 3 www 7 example 3 org 0 ... 4 mail, pointer ...    label and place of what follows -> its place
 *
 * A name is its first label and the place where the rest stands, so that comparing two names compares one label. Both tables
 * are bounded: the names of one answer share few suffixes, and a message made to fill them only loses compression.
 */
import { POINTERS_MAX } from './name.ts';
import { type Octets, setU8, setU16, u8, u16 } from './octets.ts';
import { LABEL_SIZE_MAX, LABELS_MAX, MESSAGE_SIZE_MAX, NAME_SIZE_MAX } from './registry.ts';

/** The farthest place that a pointer can name. */
const POINTER_MAX = 0x3fff;
/** Labels in `out` that later names can point to: those of some hundred names in a few zones. A power of two. */
const SLOT_COUNT = 512;
/** Slots tried for one label, so that labels chosen to fall on one slot cost little. */
const PROBES_MAX = 4;
/** As a place: the root. The header stands at 0, so no name does. */
const ROOT = 0;
/**
 * Octets of names read at most, per message. An honest one is read where it stands, once more where a pointer first leads to it,
 * and again each time it has to be written out because it stands too far behind in `out`: three times a message's size.
 */
const OCTETS_READ_MAX = 3 * MESSAGE_SIZE_MAX;

export class NameCopier {
  readonly #out: Octets;
  #from: Octets = new Uint8Array(0);
  readonly #placeOf = new Uint16Array(POINTER_MAX + 1);
  /** The sizes of names, by their noted places in `out`. */
  readonly #sizeAt = new Uint8Array(POINTER_MAX + 1);
  /** A label's place in `out` (0: the slot is free), and the place of what follows it. */
  readonly #slotPlace = new Uint16Array(SLOT_COUNT);
  readonly #slotRest = new Uint16Array(SLOT_COUNT);
  /** Where the labels of the name at hand stand in `from`, and where in `out` the rest behind them. */
  readonly #labelAt = new Uint16Array(LABELS_MAX);
  #labelCount = 0;
  #rest = ROOT;
  #octetsRead = 0;

  /** `out`: the message under construction, with room for a name behind the largest. */
  constructor(out: Octets) {
    this.#out = out;
    this.#sizeAt[ROOT] = 1;
  }

  /** Starts over with another message. */
  begin(from: Octets): void {
    this.#from = from;
    this.#placeOf.fill(0, 0, from.length);
    this.#slotPlace.fill(0);
    this.#octetsRead = 0;
  }

  /**
   * Copies the name at `at` of `from` to `out[outAt...]`, where `compresses` its longest known suffix as a pointer; returns the
   * end. -1 where it is malformed, does not fit into a message, or more has been read than an honest message needs.
   */
  copy(at: number, outAt: number, compresses: boolean): number {
    if (!this.#readLabels(at, compresses)) return -1;
    const unknown = this.#findSuffix();
    const target = compresses ? this.#rest : ROOT;
    this.#note(unknown, outAt);
    const pointerAt = this.#copyLabels(compresses ? unknown : this.#labelCount, outAt);
    if (target === ROOT) setU8(this.#out, pointerAt, 0);
    else setU16(this.#out, pointerAt, 0xc000 | target);
    const end = pointerAt + (target === ROOT ? 1 : 2);
    return end > MESSAGE_SIZE_MAX ? -1 : end;
  }

  /** Finds the labels of the name at `at`, where `stopsAtKnown` only those in front of a name that stands in `out`. */
  #readLabels(start: number, stopsAtKnown: boolean): boolean {
    const from = this.#from;
    const placeOf = this.#placeOf;
    let at = start;
    let lowest = start;
    let count = 0;
    let size = 0;
    let pointers = 0;
    let rest = ROOT;
    while (at < from.length) {
      const label = u8(from, at);
      if (stopsAtKnown && at <= POINTER_MAX) rest = placeOf[at]!;
      if (label === 0 || rest !== ROOT) break;
      if (label >= 0xc0) {
        const target = at + 2 <= from.length ? u16(from, at) & POINTER_MAX : lowest;
        if (target >= lowest || ++pointers > POINTERS_MAX) return false;
        at = lowest = target;
        continue;
      }
      size += label + 1;
      if (label > LABEL_SIZE_MAX || size >= NAME_SIZE_MAX) return false;
      this.#labelAt[count++] = at;
      at += label + 1;
    }
    this.#labelCount = count;
    this.#rest = rest;
    this.#octetsRead += size + 2 * pointers;
    const isWhole = at < from.length && size + this.#sizeAt[rest]! <= NAME_SIZE_MAX;
    return isWhole && this.#octetsRead <= OCTETS_READ_MAX;
  }

  /** Takes labels from the name's right end for as long as they stand in `out`; how many remain. */
  #findSuffix(): number {
    let unknown = this.#labelCount;
    for (; unknown > 0; unknown--) {
      const labelAt = this.#labelAt[unknown - 1]!;
      const slot = this.#slotOf(labelAt);
      if (slot < 0 || this.#slotPlace[slot] === 0) break;
      this.#proceed(labelAt, this.#slotPlace[slot]!);
    }
    return unknown;
  }

  /** Notes the name's first `count` labels, which are about to be written at `outAt`, as far as pointers reach. */
  #note(count: number, outAt: number): void {
    let place = outAt;
    for (let index = 0; index < count; index++) place += this.#labelSize(index);
    for (let index = count - 1; index >= 0; index--) {
      place -= this.#labelSize(index);
      const labelAt = this.#labelAt[index]!;
      if (place > POINTER_MAX) return;
      const slot = this.#slotOf(labelAt);
      if (slot >= 0) {
        this.#slotPlace[slot] = place;
        this.#slotRest[slot] = this.#rest;
      }
      this.#sizeAt[place] = this.#labelSize(index) + this.#sizeAt[this.#rest]!;
      this.#proceed(labelAt, place);
    }
  }

  /** The label's place is the rest of the labels before it. */
  #proceed(labelAt: number, place: number): void {
    if (labelAt <= POINTER_MAX) this.#placeOf[labelAt] = place;
    this.#rest = place;
  }

  /** The slot of the label with the rest behind it, or the free one that it would take; -1: there is neither. */
  #slotOf(labelAt: number): number {
    const from = this.#from;
    const size = u8(from, labelAt) + 1;
    // FNV-1a's prime; the golden ratio spreads the places.
    let hash = Math.imul(this.#rest, 0x9e3779b1);
    for (let index = 0; index < size; index++) {
      hash = Math.imul(hash ^ u8(from, labelAt + index), 0x01000193);
    }
    hash ^= hash >>> 15;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const slot = (hash + probe) & (SLOT_COUNT - 1);
      const place = this.#slotPlace[slot]!;
      if (place === 0) return slot;
      if (this.#slotRest[slot] === this.#rest && this.#isLabelAt(place, labelAt, size)) return slot;
    }
    return -1;
  }

  #isLabelAt(place: number, labelAt: number, size: number): boolean {
    const from = this.#from;
    const out = this.#out;
    for (let index = 0; index < size; index++) {
      if (u8(out, place + index) !== u8(from, labelAt + index)) return false;
    }
    return true;
  }

  #copyLabels(count: number, outAt: number): number {
    const from = this.#from;
    const out = this.#out;
    let end = outAt;
    for (let index = 0; index < count; index++) {
      const labelAt = this.#labelAt[index]!;
      const next = end + u8(from, labelAt) + 1;
      for (let at = labelAt; end < next; at++, end++) setU8(out, end, u8(from, at));
    }
    return end;
  }

  #labelSize(index: number): number {
    return u8(this.#from, this.#labelAt[index]!) + 1;
  }
}
