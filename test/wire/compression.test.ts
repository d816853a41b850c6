/**
 * Names copied from message to message: each is read back as it was, the longest known suffix is shared, no pointer leads too
 * far, and what is malformed is refused.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NameCopier } from '../../src/wire/compression.ts';
import { expandName } from '../../src/wire/name.ts';
import { encodeName } from '../support/messages.ts';

/** A message of uncompressed names, and where each starts. */
function messageOf(names: readonly Uint8Array[]): { from: Buffer; places: number[] } {
  const places: number[] = [];
  let end = 12;
  for (const { length } of names) {
    places.push(end);
    end += length;
  }
  return { from: Buffer.concat([new Uint8Array(12), ...names]), places };
}

/** Copies the names at `places` one behind the other to `outAt`; where each starts, and where the last ends. */
function copyAll(from: Uint8Array, places: readonly number[], out: Uint8Array, outAt = 12) {
  const copier = new NameCopier(out);
  copier.begin(from);
  const copies: number[] = [];
  let end = outAt;
  for (const [index, at] of places.entries()) {
    copies.push(end);
    end = copier.copy(at, end, index % 5 !== 4);
    assert.ok(end > 0);
  }
  return { copies, end };
}

function expanded(message: Uint8Array, at: number): Uint8Array {
  const out = new Uint8Array(255);
  return out.subarray(0, Math.max(0, expandName(message, at, message.length, out, 0)));
}

const label = fc.oneof(
  fc.constantFrom('a', 'b', 'A', 'example'),
  fc.uint8Array({ minLength: 1, maxLength: 3 }),
);
const name = fc
  .array(label, { maxLength: 40 })
  .map((labels) => new Uint8Array(encodeName(labels)))
  .filter(({ length }) => length <= 255);

test('every name is read back, however many there are, also when copied from what was compressed', () => {
  fc.assert(
    fc.property(fc.array(name, { maxLength: 100 }), (names) => {
      const { from, places } = messageOf(names);
      const once = new Uint8Array(65_536);
      const first = copyAll(from, places, once);
      const twice = new Uint8Array(65_536);
      const second = copyAll(once.subarray(0, first.end), first.copies, twice);
      for (const [index, octets] of names.entries()) {
        assert.deepEqual(expanded(once, first.copies[index]!), octets);
        assert.deepEqual(expanded(twice, second.copies[index]!), octets);
      }
    }),
    { numRuns: 200 },
  );
});

test('one copier serves message after message', () => {
  const out = new Uint8Array(1000);
  const copier = new NameCopier(out);
  for (const text of ['www.example.org', 'mail.example.net', 'www.example.org']) {
    const octets = encodeName(text);
    copier.begin(Buffer.concat([new Uint8Array(12), octets]));
    const end = copier.copy(12, 12, true);
    assert.deepEqual(Buffer.from(out.subarray(12, end)), octets);
  }
});

test('shares the longest suffix, also one that itself ends in a pointer', () => {
  const names = ['b.example.org', 'a.b.example.org', 'x.a.b.example.org', 'example.org', '.'];
  const { from, places } = messageOf(names.map(encodeName));
  const { copies, end } = copyAll(from, places, new Uint8Array(100));
  assert.deepEqual(copies, [12, 27, 31, 35, 37]);
  assert.equal(end, 38);
});

test('a name without compression stands in full, and others point into it', () => {
  const { from, places } = messageOf(
    ['www.example.org', 'www.example.org', 'a.org'].map(encodeName),
  );
  const out = new Uint8Array(100);
  const copier = new NameCopier(out);
  copier.begin(from);
  assert.equal(copier.copy(places[0]!, 12, true), 29);
  assert.equal(copier.copy(places[1]!, 29, false), 46);
  assert.equal(copier.copy(places[2]!, 46, true), 50);
  assert.deepEqual([...out.subarray(48, 50)], [0xc0, 24]);
});

test('what stands beyond 16,383 is not pointed to', () => {
  const { from, places } = messageOf(['example.org', 'example.org'].map(encodeName));
  const out = new Uint8Array(20_000);
  assert.equal(copyAll(from, places, out, 0x3fff - 8).end, 0x3fff - 8 + 13 + 2);
  assert.equal(copyAll(from, places, out, 0x4000).end, 0x4000 + 13 + 13);
});

test('names that a pointer makes too long are refused, whether its target is known or not', () => {
  const long = encodeName(['a', 'a', 'a', 'b'].map((letter) => letter.repeat(62)));
  const behind = (letters: string) =>
    Buffer.concat([encodeName(letters).subarray(0, -1), Uint8Array.of(0xc0, 12)]);
  for (const knows of [false, true]) {
    for (const [letters, isTaken] of [
      ['c', true],
      ['cc', false],
    ] as const) {
      const copier = new NameCopier(new Uint8Array(1000));
      copier.begin(Buffer.concat([new Uint8Array(12), long, behind(letters)]));
      if (knows) copier.copy(12, 12, true);
      assert.equal(copier.copy(12 + long.length, 300, true) > 0, isTaken, `${letters} ${knows}`);
    }
  }
});

test('pointers forwards, to themselves, in a row of more than 126, and cut ones are refused', () => {
  const copies = (octets: readonly number[], at: number) => {
    const copier = new NameCopier(new Uint8Array(1000));
    copier.begin(Buffer.concat([new Uint8Array(12), Uint8Array.from(octets)]));
    return copier.copy(at, 12, true) > 0;
  };
  assert.equal(copies([0xc0, 14, 0], 12), false);
  assert.equal(copies([0xc0, 12], 12), false);
  assert.equal(copies([0xc0], 12), false);
  const row = Array.from({ length: 200 }, (_, index) => {
    const target = index === 0 ? 12 : 11 + 2 * index;
    return [0xc0 | (target >> 8), target & 0xff];
  });
  assert.equal(copies([0, ...row.flat()], 13 + 2 * 125), true);
  assert.equal(copies([0, ...row.flat()], 13 + 2 * 126), false);
});
