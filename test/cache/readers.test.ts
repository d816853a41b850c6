/**
 * The writer and readers on threads of their own, in memory so small that everything is used again all the time: no reader
 * may see an entry that is torn or another key's. In both kinds of memory.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { CacheMemory } from '../../src/cache/memory.ts';
import { CacheStore } from '../../src/cache/store.ts';
import { loadLibc } from '../../src/os/libc.ts';
import type { ReaderData, ReaderResult } from './checking-reader.ts';
import { derivedBody, isBodyOfKey, KEY_COUNT, keyNumber } from './derived-bodies.ts';
import { planOf, policyOf, sharedMemory, timesOf } from './fixtures.ts';

const READERS = 3;
/** At least so many, and more while a reader has not had its hits: a loaded machine may let it wait. */
const ADMITS = 200_000;
const ADMITS_MAX = 20 * ADMITS;
const HITS_MIN = 1000;
const REST_MS = 0.02;
/** Room for about 40 of the 128 keys' entries. */
const PLAN = planOf({ slotCount: 64, unitCount: 200, readerCount: READERS });
const FILE = new URL('./checking-reader.ts', import.meta.url);

async function startReaders(memory: CacheMemory, control: Int32Array) {
  const workers = Array.from({ length: READERS }, (_, reader) => {
    const workerData: ReaderData = { handle: memory.handle, reader, control };
    return new Worker(FILE, { workerData });
  });
  const results = workers.map((worker) => once(worker, 'message'));
  for (let started = 0; started < READERS; started = Atomics.load(control, 1)) {
    await Atomics.waitAsync(control, 1, started).value;
  }
  return async () => {
    Atomics.store(control, 0, 1);
    const messages = await Promise.all(results);
    await Promise.all(workers.map((worker) => worker.terminate()));
    return messages.map(([message]) => message as ReaderResult);
  };
}

/** Admits, replaces and removes without a pause, but for a moment of rest where a reader is in the way. */
function write(store: CacheStore, control: Int32Array): { admitted: number; refused: number } {
  const keys = Array.from({ length: KEY_COUNT }, (_, index) => keyNumber(index));
  const hasHits = () => control.subarray(2).every((hits) => hits >= HITS_MIN);
  const counts = { admitted: 0, refused: 0 };
  let next = 1;
  for (let generation = 0; generation < ADMITS || !hasHits(); generation++) {
    assert.ok(generation < ADMITS_MAX, 'a reader has no hits');
    next = (next * 5 + 3 + (generation >> 7)) % KEY_COUNT;
    const key = keys[next]!;
    const at = generation % 16 === 0 ? store.find(key) : 0;
    if (at !== 0) store.remove(at);
    if (store.admit(key, derivedBody(next, generation), generation & 1, timesOf(), generation)) {
      counts.admitted += 1;
    } else {
      counts.refused += 1;
      // A reader that was put to sleep in its batch lets nothing be used again.
      Atomics.wait(control, 0, 0, REST_MS);
    }
  }
  return counts;
}

async function exercise(t: TestContext, memory: CacheMemory): Promise<void> {
  const store = new CacheStore(memory);
  store.openBlock(1, policyOf({ success: { capacity: 32 }, denial: { capacity: 32 } }));
  const control = new Int32Array(new SharedArrayBuffer(4 * (2 + READERS)));
  const stop = await startReaders(memory, control);
  const { admitted, refused } = write(store, control);
  const results = await stop();
  t.diagnostic(`${admitted} admitted, ${refused} refused, ${results.map(({ hits }) => hits)} hits`);
  for (const { wrong, hits, lookups } of results) {
    assert.deepEqual(wrong, []);
    assert.ok(hits >= HITS_MIN && hits < lookups, `${hits} hits of ${lookups} look-ups`);
  }
  assert.ok(admitted > refused);
  assert.equal(store.refusedCount, refused);
  store.closeBlock(1);
  store.sweep(0, 0);
  assert.equal(store.usedBytes, 0);
}

test('derived bodies are recognised, and others are not', () => {
  assert.ok(isBodyOfKey(derivedBody(7, 500), 7));
  assert.ok(!isBodyOfKey(derivedBody(7, 500), 8));
  const torn = derivedBody(7, 500);
  torn.octets[20]! ^= 1;
  assert.ok(!isBodyOfKey(torn, 7));
});

test('readers see whole entries only, in a SharedArrayBuffer', async (t) => {
  await exercise(t, sharedMemory(PLAN));
});

const withoutLibc = loadLibc() instanceof Error && 'the C library cannot be called here';
test('readers see whole entries only, in mapped memory', { skip: withoutLibc }, async (t) => {
  const memory = CacheMemory.create(PLAN);
  assert.equal(memory.handle.kind, 'mapped');
  await exercise(t, memory);
});
