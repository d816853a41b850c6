/**
 * The table of suffixes: shares the longest suffix known, stays right when it is full, and never points too far.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SuffixTable } from '../../src/wire/compression.ts';
import { expandName } from '../../src/wire/name.ts';
import { encodeName } from '../support/messages.ts';

/** Writes the names one behind the other from octet 12 on; where each starts, and where the last ends. */
function writeAll(names: readonly Uint8Array[], out: Uint8Array, from = 12) {
  const table = new SuffixTable(out);
  const places: number[] = [];
  let at = from;
  for (const [index, name] of names.entries()) {
    places.push(at);
    at =
      index % 5 === 4
        ? table.writePlain(name, name.length, at)
        : table.write(name, name.length, at);
  }
  return { places, end: at };
}

const label = fc.oneof(
  fc.constantFrom('a', 'b', 'A', 'example'),
  fc.uint8Array({ minLength: 1, maxLength: 3 }),
);
const name = fc.array(label, { maxLength: 40 }).map((labels) => new Uint8Array(encodeName(labels)));
const fitting = name.filter(({ length }) => length <= 255);

test('every name written is read back, however many there are', () => {
  fc.assert(
    fc.property(fc.array(fitting, { maxLength: 100 }), (names) => {
      const out = new Uint8Array(65_536);
      const { places, end } = writeAll(names, out);
      const back = new Uint8Array(255);
      for (const [index, at] of places.entries()) {
        const size = expandName(out, at, end, back, 0);
        assert.deepEqual(back.slice(0, Math.max(size, 0)), names[index]);
      }
    }),
    { numRuns: 200 },
  );
});

test('shares the longest suffix, also one that itself ends in a pointer', () => {
  const names = [
    'b.example.org',
    'a.b.example.org',
    'x.a.b.example.org',
    'example.org',
    'org',
    '.',
  ];
  const out = new Uint8Array(100);
  const { places, end } = writeAll(names.slice(0, 4).map(octets), out);
  assert.deepEqual(places, [12, 27, 31, 35]);
  assert.equal(end, 37);
});

test('a name that is noted as it stands is shared', () => {
  const out = new Uint8Array(100);
  const question = octets('www.example.org');
  out.set(question, 12);
  const table = new SuffixTable(out);
  table.add(12, question.length);
  const end = table.write(octets('mail.example.org'), 18, 40);
  assert.equal(end, 40 + 5 + 2);
  assert.deepEqual([...out.subarray(45, 47)], [0xc0, 16]);
});

test('what stands beyond 16,383 is not pointed to', () => {
  const out = new Uint8Array(20_000);
  const twice = [octets('example.org'), octets('example.org')];
  assert.equal(writeAll(twice, out, 0x3fff).end, 0x3fff + 13 + 2);
  assert.equal(writeAll(twice, out, 0x4000).end, 0x4000 + 13 + 13);
});

test('a suffix behind a pointer is followed wherever it stands', () => {
  const out = new Uint8Array(20_000);
  const names = ['example.org', 'a.example.org', 'b.a.example.org', 'c.b.a.example.org'];
  const { places, end } = writeAll(names.map(octets), out, 0x3000);
  assert.equal(end, 0x3000 + 13 + 3 * 4);
  const back = new Uint8Array(255);
  const size = expandName(out, places[3]!, end, back, 0);
  assert.deepEqual(back.slice(0, size), octets('c.b.a.example.org'));
});

function octets(text: string): Uint8Array {
  return new Uint8Array(encodeName(text));
}
