/**
 * Responses of almost 64 KiB made to cost their reader as much as they can, and honest ones of the same size to compare them
 * with. Each answers `QNAME A IN`.
 */
import { MESSAGE_SIZE_MAX } from '../../src/wire/registry.ts';
import { encodeName } from '../support/messages.ts';

export const QNAME = 'www.example.org';

/** Octets of a message, built from the front; pointers are asked for by place. */
class Draft {
  readonly octets = new Uint8Array(MESSAGE_SIZE_MAX);
  end = 12;
  #counts = [0, 0, 0];

  constructor() {
    this.octets.set([0x12, 0x34, 0x81, 0x80, 0, 1]);
    this.add(encodeName(QNAME), words(1, 1));
  }

  add(...parts: readonly (Uint8Array | readonly number[])[]): number {
    const at = this.end;
    for (const part of parts) {
      this.octets.set(part, this.end);
      this.end += part.length;
    }
    return at;
  }

  /** Adds the record if it fits; returns where it starts. */
  record(
    owner: Uint8Array | readonly number[],
    type: number,
    data: Uint8Array | readonly number[],
    section = 0,
  ): number | undefined {
    if (this.end + owner.length + 10 + data.length > MESSAGE_SIZE_MAX) return undefined;
    const at = this.add(owner, words(type, 1, 0, 300, data.length), data);
    this.#counts[section]! += 1;
    return at;
  }

  /** Adds records as long as they fit. */
  fill(make: (index: number) => Parameters<Draft['record']>): Uint8Array {
    for (let index = 0; this.record(...make(index)) !== undefined; index++);
    for (const [section, count] of this.#counts.entries()) {
      this.octets.set(words(count), 6 + 2 * section);
    }
    return this.octets.slice(0, this.end);
  }
}

function words(...values: readonly number[]): number[] {
  return values.flatMap((value) => [value >> 8, value & 0xff]);
}

function pointer(at: number): number[] {
  return words(0xc000 | at);
}

const ADDRESS = [192, 0, 2, 1];
const A = 1;
const CNAME = 5;
const SOA = 6;
const SRV = 33;
const OPAQUE = 65280;

function deep(first = 'a', count = 127): string[] {
  return [first, ...new Array<string>(count - 1).fill('a')];
}

function addressesOf(owner: Uint8Array | readonly number[]): Uint8Array {
  return new Draft().fill(() => [owner, A, ADDRESS]);
}

function pointersToDeepName(): Uint8Array {
  const draft = new Draft();
  const at = draft.record(encodeName(deep()), OPAQUE, [])!;
  return draft.fill(() => [pointer(at), OPAQUE, []]);
}

/** Each owner is one label of its own in front of a pointer. */
function labelsBeforePointers(): Uint8Array {
  const draft = new Draft();
  const at = draft.record(encodeName(deep('a', 126)), OPAQUE, [])!;
  return draft.fill((index) => [[1, index & 0xff, ...pointer(at)], OPAQUE, []]);
}

/** RDATA of pointers, each to the one before it; owners point to its end. */
function chainsOfPointers(length: number): Uint8Array {
  const draft = new Draft();
  const at = draft.end + 11;
  const chain = [
    0,
    ...Array.from({ length }, (_, index) => pointer(index === 0 ? at : at - 1 + 2 * index)),
  ];
  draft.record([0], OPAQUE, chain.flat());
  return draft.fill(() => [pointer(at - 1 + 2 * length), OPAQUE, []]);
}

/** Names whose suffixes have the sizes of those before, and differ at the end only. */
function suffixesThatDifferLate(): Uint8Array {
  return new Draft().fill((index) => {
    const last = String.fromCharCode(index >> 8, index & 0xff);
    return [encodeName([...deep('a', 22), last]), OPAQUE, []];
  });
}

/** The same through pointers to names that are spelled out once. */
function pointersToManyNames(): Uint8Array {
  const draft = new Draft();
  const places = Array.from({ length: 60 }, (_, index) => {
    return draft.record(encodeName([...deep('a', 23), `${index}`]), OPAQUE, [])!;
  });
  return draft.fill((index) => [pointer(places[index % places.length]!), OPAQUE, []]);
}

/** Labels of 63 octets that overlap: every octet of the RDATA starts another name. */
function overlappingLabels(): Uint8Array {
  const draft = new Draft();
  const at = draft.end + 11;
  const period = [...new Array<number>(192).fill(63), ...new Array<number>(64).fill(0)];
  draft.record([0], OPAQUE, new Array(60).fill(period).flat());
  return draft.fill((index) => {
    return [pointer(at + 256 * ((index >> 6) % 60) + (index & 63)), OPAQUE, []];
  });
}

function startsInsideDeepName(): Uint8Array {
  const draft = new Draft();
  const at = draft.record(encodeName(deep()), OPAQUE, [])!;
  return draft.fill((index) => [pointer(at + 2 * (index % 126)), OPAQUE, []]);
}

/** The smallest records there are. */
function rootOwners(type: number, data: readonly number[]): Uint8Array {
  return new Draft().fill(() => [[0], type, data]);
}

function longTargets(): Uint8Array {
  const draft = new Draft();
  const at = draft.record(encodeName(deep()), OPAQUE, [])!;
  return draft.fill(() => [[0], SRV, [0, 0, 0, 0, 0, 0, ...pointer(at)]]);
}

function aliases(): Uint8Array {
  return new Draft().fill((index) => [
    pointer(12),
    CNAME,
    [2, index >> 8, index & 0xff, ...pointer(16)],
  ]);
}

export const HONEST: Readonly<Record<string, () => Uint8Array>> = {
  'addresses of the name asked for': () => addressesOf(pointer(12)),
  'addresses, names spelled out': () => addressesOf(encodeName(QNAME)),
  'aliases under one zone': aliases,
};

export const HOSTILE: Readonly<Record<string, () => Uint8Array>> = {
  'pointers to a name of 127 labels': pointersToDeepName,
  'a label, then a pointer to a name of 126 labels': labelsBeforePointers,
  'pointers into a name of 127 labels': startsInsideDeepName,
  'chains of 120 pointers': () => chainsOfPointers(120),
  'chains of 8,000 pointers': () => chainsOfPointers(8000),
  'names of 127 labels': () =>
    new Draft().fill((index) => [encodeName(deep(String.fromCharCode(index & 0xff))), OPAQUE, []]),
  'names that differ at their end': suffixesThatDifferLate,
  'pointers to 60 names that differ at their end': pointersToManyNames,
  'distinct suffixes': () =>
    new Draft().fill((index) => [
      encodeName(
        Array.from({ length: 8 }, (_, label) =>
          String.fromCharCode(97 + label, index >> 8, index & 0xff),
        ),
      ),
      OPAQUE,
      [],
    ]),
  'labels that overlap': overlappingLabels,
  'records of the root': () => rootOwners(OPAQUE, []),
  'SOA records of the root': () => rootOwners(SOA, new Array(22).fill(0)),
  'records like OPT, of another type': () => rootOwners(40, [0, 10, 0, 0]),
  'OPT records': () => rootOwners(41, []),
  'long targets': longTargets,
};
