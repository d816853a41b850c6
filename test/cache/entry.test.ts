/**
 * Entries: what is written is read back, at any size of key, TTL list and body.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ENTRY,
  ENTRY_FLAG,
  entryAt,
  entryBytes,
  flagsOf,
  readBody,
  readKey,
  ttlCountOf,
  writeEntry,
} from '../../src/cache/entry.ts';
import { CacheKey, keyText } from '../../src/cache/key.ts';
import { encodeName } from '../support/messages.ts';
import { keyOf, sharedMemory, timesOf } from './fixtures.ts';

const half = fc.nat(0xffff);
const fields = {
  octets: fc.uint8Array({ maxLength: 300 }),
  ttlOffsets: fc.uint16Array({ maxLength: 20 }),
  flags: half,
  rcode: fc.nat(0xfff),
  answerCount: half,
  authorityCount: half,
  additionalCount: half,
};
const bodies = fc.record(fields, { noNullPrototype: true });
const names = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 5 })
  .filter((labels) => encodeName(labels).length <= 255);

test('an entry is read back as it was written, and takes no more room than it said', () => {
  fc.assert(
    fc.property(names, bodies, half, fc.nat(1000), fc.nat(15), (name, body, block, slot, flags) => {
      const memory = sharedMemory();
      const key = keyOf({ name, block, hash: -5 });
      const at = entryAt(memory, 7);
      const end = at * 4 + entryBytes(key.size, body);
      memory.octets.fill(0xa5, at * 4);
      const times = timesOf({ expiresAtMs: 1e6 + 0.5, staleUntilMs: 2e6, prefetchAtMs: Infinity });
      writeEntry(memory, at, key, slot, flags, body, times, 2 ** 32 + 3);
      const { words, doubles, octets } = memory;
      assert.deepEqual(readBody(memory, at), body);
      const back = new CacheKey();
      readKey(words, at, back);
      assert.deepEqual([keyText(back), back.hash], [keyText(key), -5]);
      assert.deepEqual(
        [flagsOf(words, at), ttlCountOf(words, at)],
        [flags, body.ttlOffsets.length],
      );
      assert.deepEqual(
        [...doubles.subarray((at + ENTRY.EXPIRES) >> 1).slice(0, 3)],
        [1e6 + 0.5, 2e6, Infinity],
      );
      assert.deepEqual(
        [words[at + ENTRY.SLOT], words[at + ENTRY.BLOCK], words[at + ENTRY.BORN]],
        [slot, block, 3],
      );
      assert.ok(octets.subarray(end, end + 64).every((octet) => octet === 0xa5));
      // The slab's word and the link belong to others.
      assert.equal(words[at], 0xa5a5a5a5 | 0);
      assert.equal(words[at + ENTRY.NEXT], 0xa5a5a5a5 | 0);
    }),
  );
});

test('flags are bits of their own', () => {
  const bits = Object.values(ENTRY_FLAG);
  assert.equal(
    bits.reduce((sum, bit) => sum | bit, 0),
    2 ** bits.length - 1,
  );
});
