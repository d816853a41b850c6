/**
 * Domain names: between presentation text (RFC 1035 §5.1, with `\DDD` and `\X` escapes) and uncompressed octets
 * (RFC 1035 §3.1), and walking the compressed form (RFC 1035 §4.1.4). Labels are binary: every octet survives.
 */

import { lowerOctet, type Octets, u8 } from './octets.ts';
import { LABEL_SIZE_MAX, NAME_SIZE_MAX } from './registry.ts';

export const ROOT: Octets = new Uint8Array(1);

/** Pointers followed in one name, as in miekg/dns: one before each label but the root's. More lead from pointer to pointer. */
export const POINTERS_MAX = 126;

/**
 * Octets of a name in presentation form; a missing final dot is added. Undefined where the text is no name
 * (an empty label, a label over 63 octets, a name over 255, a bad escape).
 */
export function nameFromText(text: string): Octets | undefined {
  if (text === '.' || text === '') return ROOT;
  const source = new TextEncoder().encode(text);
  const out = new Uint8Array(NAME_SIZE_MAX);
  let labelAt = 0;
  let end = 1;
  for (let at = 0; at < source.length; ) {
    let octet = u8(source, at);
    if (octet === 0x2e) {
      if (end === labelAt + 1) return undefined;
      out[labelAt] = end - labelAt - 1;
      labelAt = end++;
      at += 1;
      continue;
    }
    let size = 1;
    if (octet === 0x5c) {
      const escaped = readEscape(source, at);
      if (escaped === undefined) return undefined;
      ({ octet, size } = escaped);
    }
    // One octet stays free for the root label.
    if (end - labelAt > LABEL_SIZE_MAX || end >= NAME_SIZE_MAX - 1) return undefined;
    out[end++] = octet;
    at += size;
  }
  if (end > labelAt + 1) {
    out[labelAt] = end - labelAt - 1;
    labelAt = end++;
  }
  out[labelAt] = 0;
  return out.slice(0, end);
}

function readEscape(source: Octets, at: number): { octet: number; size: number } | undefined {
  const next = source[at + 1];
  if (next === undefined) return undefined;
  if (next < 0x30 || next > 0x39) return { octet: next, size: 2 };
  const digits = String.fromCharCode(...source.subarray(at + 1, at + 4));
  if (!/^\d{3}$/.test(digits) || Number(digits) > 255) return undefined;
  return { octet: Number(digits), size: 4 };
}

/** Presentation text of an uncompressed name, absolute (final dot), every octet outside of printable ASCII escaped. */
export function nameToText(octets: Octets, at = 0): string {
  let text = '';
  for (let label = u8(octets, at); label !== 0 && at < octets.length; label = u8(octets, at)) {
    const end = Math.min(at + 1 + label, octets.length);
    for (let index = at + 1; index < end; index++) text += octetToText(u8(octets, index));
    text += '.';
    at = end;
  }
  return text === '' ? '.' : text;
}

function octetToText(octet: number): string {
  if (octet <= 0x20 || octet >= 0x7f) return `\\${String(octet).padStart(3, '0')}`;
  const character = String.fromCharCode(octet);
  return '."\\();@$'.includes(character) ? `\\${character}` : character;
}

/** A lower-case copy. */
export function lowerName(name: Octets): Octets {
  return name.map(lowerOctet);
}

/** Where each label of an uncompressed name starts, the root label included. */
export function labelOffsets(name: Octets): number[] {
  const offsets = [];
  let at = 0;
  for (; u8(name, at) !== 0; at += u8(name, at) + 1) offsets.push(at);
  offsets.push(at);
  return offsets;
}

/** Whether `name` is `zone` or below it; both uncompressed, compared without regard to case (RFC 4343). */
export function isBelow(name: Octets, zone: Octets): boolean {
  const start = name.length - zone.length;
  if (start < 0) return false;
  let at = 0;
  while (at < start) at += u8(name, at) + 1;
  return at === start && sameOctets(name, start, zone);
}

export function sameName(left: Octets, right: Octets): boolean {
  return left.length === right.length && sameOctets(left, 0, right);
}

/** Whether `name` from `start` on is `other`, as long as this is. */
function sameOctets(name: Octets, start: number, other: Octets): boolean {
  for (let at = 0; at < other.length; at++) {
    if (lowerOctet(u8(name, start + at)) !== lowerOctet(u8(other, at))) return false;
  }
  return true;
}

/**
 * Octets that the name at `at` takes up in place, up to its root label or first pointer; -1 where it runs past `end` or
 * uses a label type that does not exist. Pointers are not followed.
 */
export function nameSpan(message: Octets, at: number, end: number): number {
  const start = at;
  while (at < end) {
    const label = u8(message, at);
    if (label === 0) return at + 1 - start;
    if (label >= 0xc0) return at + 2 <= end ? at + 2 - start : -1;
    if (label > LABEL_SIZE_MAX) return -1;
    at += label + 1;
    if (at - start >= NAME_SIZE_MAX) return -1;
  }
  return -1;
}

/**
 * Copies the name at `at`, pointers resolved, to `out[outAt...]`; returns its size, or -1 where it is malformed. Each pointer
 * must lead strictly backwards, and there are at most POINTERS_MAX of them.
 */
export function expandName(
  message: Octets,
  at: number,
  end: number,
  out: Octets,
  outAt: number,
): number {
  let size = 0;
  let lowest = at;
  let pointers = 0;
  while (at < end) {
    const label = u8(message, at);
    if (label === 0) {
      out[outAt + size] = 0;
      return size + 1;
    }
    if (label >= 0xc0) {
      if (at + 2 > end) return -1;
      const target = ((label & 0x3f) << 8) | u8(message, at + 1);
      if (target >= lowest || ++pointers > POINTERS_MAX) return -1;
      at = lowest = target;
      continue;
    }
    if (label > LABEL_SIZE_MAX || at + 1 + label >= end || size + label + 2 > NAME_SIZE_MAX)
      return -1;
    for (let index = 0; index <= label; index++)
      out[outAt + size + index] = u8(message, at + index);
    size += label + 1;
    at += label + 1;
  }
  return -1;
}
