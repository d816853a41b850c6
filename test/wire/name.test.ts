/**
 * Names: text and octets, comparison, and the walk through compressed names with everything that can be wrong with them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  expandName,
  isBelow,
  labelOffsets,
  lowerName,
  nameFromText,
  nameSpan,
  nameToText,
  ROOT,
  sameName,
} from '../../src/wire/name.ts';
import { encodeName } from '../support/messages.ts';

const CANARY = 0xa5;

/** Names of any octets, at most 255 of them. */
const names = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 8 })
  .map((labels) => Uint8Array.from(encodeName(labels)))
  .filter((name) => name.length <= 255);

const name = (text: string) => Uint8Array.from(encodeName(text));

test('text of any labels is read back to the same octets', () => {
  fc.assert(
    fc.property(names, (octets) => {
      const text = nameToText(octets);
      assert.match(text, /^[\x21-\x7e]*\.$/);
      assert.deepEqual(nameFromText(text), octets);
    }),
  );
});

test('reads presentation text (RFC 1035 §5.1)', () => {
  const octets = (text: string) => {
    const read = nameFromText(text);
    return read && [...read];
  };
  assert.deepEqual(octets('Ab.c'), [2, 65, 98, 1, 99, 0]);
  assert.deepEqual(octets('Ab.c.'), [2, 65, 98, 1, 99, 0]);
  assert.deepEqual(octets('.'), [0]);
  assert.deepEqual(octets(''), [0]);
  assert.deepEqual(octets('a\\.b'), [3, 97, 46, 98, 0]);
  assert.deepEqual(octets('\\000\\255\\\\'), [3, 0, 255, 92, 0]);
  assert.deepEqual(octets('é'), [2, 0xc3, 0xa9, 0]);
});

test('refuses text that is no name', () => {
  const long = 'a'.repeat(63);
  const refused = ['.a', 'a..b', '..', `${long}a`, 'a\\', 'a\\25', 'a\\256', 'a\\2x5', 'a\\1'];
  for (const text of refused) assert.equal(nameFromText(text), undefined, text);
});

test('takes names of 255 octets and labels of 63, not one more', () => {
  const label = 'a'.repeat(63);
  const longest = [label, label, label, 'a'.repeat(61)].join('.');
  for (const text of [longest, `${longest}.`]) {
    assert.equal(nameFromText(text)?.length, 255);
  }
  assert.equal(nameFromText(`${longest}a`), undefined);
  assert.equal(nameFromText(`${longest}.a`), undefined);
});

test('writes text with everything escaped that has a meaning', () => {
  assert.equal(nameToText(Uint8Array.of(4, 46, 92, 32, 127, 0)), '\\.\\\\\\032\\127.');
  assert.equal(nameToText(Uint8Array.of(9, 9, 1, 65, 0), 2), 'A.');
  assert.equal(nameToText(ROOT), '.');
});

test('compares names and zones without regard to case (RFC 4343)', () => {
  assert.ok(sameName(name('WWW.example.org'), name('www.EXAMPLE.org')));
  assert.ok(!sameName(name('www.example.org'), name('wwx.example.org')));
  assert.ok(!sameName(name('a'), name('a.b')));
  assert.ok(isBelow(name('a.b.example.org'), name('EXAMPLE.org')));
  assert.ok(isBelow(name('example.org'), name('example.org')));
  assert.ok(isBelow(name('example.org'), ROOT));
  assert.ok(!isBelow(name('notexample.org'), name('example.org')));
  assert.ok(!isBelow(name('org'), name('example.org')));
  assert.deepEqual(labelOffsets(name('ab.c')), [0, 3, 5]);
  assert.deepEqual(lowerName(name('A.b')), name('a.b'));
});

/** The pieces of a message with compressed names: labels, pointers, ends, and garbage. */
const pieces = fc.array(
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 9 }).map((label) => [label.length, ...label]),
    fc.nat(80).map((target) => [0xc0, target]),
    fc.constant([0]),
    fc.constant([0x40]),
    fc.constant([63]),
  ),
  { maxLength: 20 },
);
const messages = fc.oneof(
  pieces.map((list) => Uint8Array.from(list.flat())),
  fc.uint8Array({ maxLength: 80 }),
);

/** A second reading of RFC 1035 §4.1.4, by recursion; undefined: malformed. */
function expandNaively(message: number[], at: number, lowest: number): number[] | undefined {
  const label = message[at];
  if (label === undefined) return undefined;
  if (label === 0) return [0];
  if (label >= 0xc0) {
    const low = message[at + 1];
    if (low === undefined) return undefined;
    const target = (label & 0x3f) * 256 + low;
    return target < lowest ? expandNaively(message, target, target) : undefined;
  }
  if (label > 63 || at + label >= message.length) return undefined;
  const rest = expandNaively(message, at + label + 1, lowest);
  return rest && [...message.slice(at, at + label + 1), ...rest];
}

test('expandName equals a naive reading, and sees nothing beyond the end', () => {
  fc.assert(
    fc.property(messages, fc.nat(80), (message, start) => {
      const at = message.length === 0 ? 0 : start % message.length;
      const naive = expandNaively([...message], at, at);
      const wanted = naive === undefined || naive.length > 255 ? undefined : naive;
      for (const outside of [0x00, 0x01, CANARY, 0xff]) {
        const larger = new Uint8Array(message.length + 300).fill(outside);
        larger.set(message);
        const out = new Uint8Array(300).fill(CANARY);
        const size = expandName(larger, at, message.length, out, 7);
        assert.deepEqual(size < 0 ? undefined : [...out.subarray(7, 7 + size)], wanted);
        // Even a refused name leaves only its own place written.
        assert.ok(out.subarray(0, 7).every((octet) => octet === CANARY));
        assert.ok(out.subarray(7 + 255).every((octet) => octet === CANARY));
      }
    }),
    { numRuns: 1000 },
  );
});

test('nameSpan is the place that a name takes, and sees nothing beyond the end', () => {
  fc.assert(
    fc.property(messages, (message) => {
      const spans = [0x00, 0x01, 0xc0, 0xff].map((outside) => {
        const larger = new Uint8Array(message.length + 300).fill(outside);
        larger.set(message);
        return nameSpan(larger, 0, message.length);
      });
      assert.equal(new Set(spans).size, 1);
      assert.ok(spans[0]! <= message.length);
    }),
    { numRuns: 1000 },
  );
});

test('refuses more than 126 pointers in a row', () => {
  const pointers = Array.from({ length: 127 }, (_, index) => [0xc0, Math.max(0, 2 * index - 1)]);
  const octets = Uint8Array.from([0, ...pointers.flat()]);
  const out = new Uint8Array(255);
  assert.equal(expandName(octets, 1 + 2 * 125, octets.length, out, 0), 1);
  assert.equal(expandName(octets, 1 + 2 * 126, octets.length, out, 0), -1);
});

test('refuses pointers that do not lead backwards', () => {
  const out = new Uint8Array(255);
  const expand = (octets: number[], at: number) =>
    expandName(Uint8Array.from(octets), at, octets.length, out, 0);
  assert.equal(expand([1, 97, 0, 0xc0, 0], 3), 3, 'backwards');
  assert.equal(expand([0xc0, 0], 0), -1, 'to itself');
  assert.equal(expand([0xc0, 2, 0xc0, 0], 0), -1, 'forwards');
  assert.equal(expand([0xc0, 2, 0xc0, 0], 2), -1, 'in a circle');
  assert.equal(expand([1, 97, 0xc0, 0], 0), -1, 'to its own start');
  assert.equal(expand([1, 97, 0xc0, 2], 0), -1, 'to its own pointer');
  assert.equal(expand([0, 0xc0], 1), -1, 'cut in the pointer');
  assert.equal(expand([1, 97], 0), -1, 'cut behind a label');
  assert.equal(expand([2, 97], 0), -1, 'cut in a label');
  assert.equal(expand([0x80, 0], 0), -1, 'a label type that does not exist');
});

test('refuses an expanded name of more than 255 octets', () => {
  const label = [63, ...new Array(63).fill(97)];
  const suffix = [...label, ...label, ...label, 0];
  const withLabel = (size: number) => [size, ...new Array(size).fill(98), 0xc0, 0];
  const expand = (size: number) => {
    const message = Uint8Array.from([...suffix, ...withLabel(size)]);
    return expandName(message, suffix.length, message.length, new Uint8Array(256), 0);
  };
  assert.equal(expand(61), 255);
  assert.equal(expand(62), -1);
});
