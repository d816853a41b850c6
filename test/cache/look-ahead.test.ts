/**
 * Looking ahead reads what look-ups and marks of a batch will read, and neither writes nor leaves the memory.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENTRY, entryBytes } from '../../src/cache/entry.ts';
import { LookAhead } from '../../src/cache/look-ahead.ts';
import { marksOf } from '../../src/cache/marks.ts';
import { type CacheMemory, LINE, MARK_WORDS, UNIT } from '../../src/cache/memory.ts';
import { CacheStore } from '../../src/cache/store.ts';
import { bodyOf, keyOf, policyOf, sharedMemory, timesOf } from './fixtures.ts';

const READER = 1;
const LINE_WORDS = LINE / 4;

/** The memory, its word indexes that are read from now on, and whether any was written. */
function watched(memory: CacheMemory) {
  const read = new Set<number>();
  const words = new Proxy(memory.words, {
    get: (target, name) => {
      read.add(Number(name));
      return target[Number(name)];
    },
    set: () => assert.fail('nothing is written'),
  });
  const { plan, bucketsAt, slabAt } = memory;
  return { read, memory: { words, plan, bucketsAt, slabAt } as CacheMemory };
}

function filled(names: readonly string[]) {
  const memory = sharedMemory({ bucketCount: 1024 });
  const store = new CacheStore(memory);
  store.openBlock(1, policyOf());
  const keys = names.map((name) => keyOf({ name }));
  for (const key of keys) assert.ok(store.admit(key, bodyOf(1, 64), 0, timesOf(), 1));
  return { memory, store, keys };
}

test('what the hits of a batch read is read: bucket, three lines of the entry, mark', () => {
  const { memory, store, keys } = filled(['a.example', 'b.example', 'c.example']);
  const { read, memory: seen } = watched(memory);
  const marksAt = marksOf(memory, READER);
  const lookAhead = new LookAhead(seen, marksAt, 3);
  for (const [place, key] of keys.entries()) lookAhead.set(place, key.hash);
  lookAhead.run(2);
  for (const [place, key] of keys.entries()) {
    const at = store.find(key);
    const mark = marksAt + memory.words[at + ENTRY.SLOT]! * MARK_WORDS;
    const places = [memory.bucketsAt + (key.hash & 1023), at, at + LINE_WORDS, at + 2 * LINE_WORDS];
    for (const index of [...places, mark]) assert.equal(read.has(index), place < 2, `${place}`);
  }
});

test('it stays in the memory: where nothing is cached, and at the last entry that the slab holds', () => {
  const key = keyOf({ name: '.' });
  const body = bodyOf(1, 0);
  const units = Math.ceil(entryBytes(key.size, body) / UNIT);
  const memory = sharedMemory({ unitCount: units + 2 });
  const store = new CacheStore(memory);
  store.openBlock(1, policyOf());
  const { read, memory: seen } = watched(memory);
  const lookAhead = new LookAhead(seen, marksOf(memory, READER), 1);
  lookAhead.set(0, key.hash);
  lookAhead.run(1);
  assert.ok(store.admit(key, body, 0, timesOf(), 1));
  lookAhead.run(1);
  assert.ok(read.has(store.find(key)));
  for (const index of read) assert.ok(index >= 0 && index < memory.words.length, `${index}`);
});
