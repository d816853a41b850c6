/**
 * Name compression when a message is written (RFC 1035 §4.1.4): the suffixes written so far and where they stand. Letter case
 * counts, so that every name keeps its own. The table is small and bounded: the names of one answer share few suffixes, and a
 * message made to fill it only loses compression.
 */
import { type Octets, setU16, u8 } from './octets.ts';

const SUFFIXES_MAX = 48;
/** The farthest place a pointer can name. */
const POINTER_MAX = 0x3fff;
/** Deeper names do not occur in answers; their upper labels are written out. */
const LABELS_MAX = 24;

export class SuffixTable {
  readonly #out: Octets;
  readonly #at = new Uint16Array(SUFFIXES_MAX);
  readonly #size = new Uint8Array(SUFFIXES_MAX);
  #count = 0;
  readonly #labelAt = new Uint8Array(LABELS_MAX + 1);

  /** `out`: the message under construction, where the suffixes stand. */
  constructor(out: Octets) {
    this.#out = out;
  }

  /** Notes the suffixes of an uncompressed name that stands in the message. */
  add(at: number, size: number): void {
    for (let offset = 0; offset < size - 1; offset += u8(this.#out, at + offset) + 1) {
      this.#note(at + offset, size - offset);
    }
  }

  /** Writes an uncompressed name of `size` octets at `at`, its longest known suffix as a pointer; returns the end. */
  write(name: Octets, size: number, at: number): number {
    const labelCount = this.#findLabels(name, size);
    for (let label = 0; label < labelCount; label++) {
      const offset = this.#labelAt[label]!;
      const target = this.#find(name, offset, size - offset);
      if (target < 0) continue;
      this.#copy(name, offset, at);
      setU16(this.#out, at + offset, 0xc000 | target);
      this.#noteLabels(label, at, size);
      return at + offset + 2;
    }
    return this.writePlain(name, size, at, labelCount);
  }

  /** Writes the name without a pointer; later names may point into it. */
  writePlain(name: Octets, size: number, at: number, labels = -1): number {
    this.#copy(name, size, at);
    this.#noteLabels(labels < 0 ? this.#findLabels(name, size) : labels, at, size);
    return at + size;
  }

  #findLabels(name: Octets, size: number): number {
    let count = 0;
    for (let at = 0; at < size - 1 && count < LABELS_MAX; at += u8(name, at) + 1) {
      this.#labelAt[count++] = at;
    }
    return count;
  }

  #noteLabels(count: number, at: number, size: number): void {
    for (let label = 0; label < count; label++) {
      const offset = this.#labelAt[label]!;
      this.#note(at + offset, size - offset);
    }
  }

  #copy(name: Octets, size: number, at: number): void {
    for (let index = 0; index < size; index++) this.#out[at + index] = u8(name, index);
  }

  #note(at: number, size: number): void {
    if (this.#count === SUFFIXES_MAX || at > POINTER_MAX) return;
    this.#at[this.#count] = at;
    this.#size[this.#count] = size;
    this.#count += 1;
  }

  /** Where the suffix stands, or -1. */
  #find(name: Octets, offset: number, size: number): number {
    for (let index = 0; index < this.#count; index++) {
      if (this.#size[index] === size && this.#isAt(this.#at[index]!, name, offset, size)) {
        return this.#at[index]!;
      }
    }
    return -1;
  }

  /** Whether the noted name at `at` spells the suffix; a pointer in it is followed (it leads backwards). */
  #isAt(at: number, name: Octets, offset: number, size: number): boolean {
    let place = at;
    for (let index = 0; index < size; ) {
      const label = u8(this.#out, place);
      if (label >= 0xc0) {
        place = ((label & 0x3f) << 8) | u8(this.#out, place + 1);
        continue;
      }
      for (let octet = 0; octet <= label; octet++) {
        if (u8(this.#out, place + octet) !== u8(name, offset + index + octet)) return false;
      }
      index += label + 1;
      place += label + 1;
    }
    return true;
  }
}
