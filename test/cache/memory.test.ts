/**
 * The memory in both kinds: zeroed, seen alike by all who attach, its regions apart.
 */
import assert from 'node:assert/strict';
import { fstatSync } from 'node:fs';
import { test } from 'node:test';
import { BrokenInvariant } from '../../src/base/invariant.ts';
import {
  CacheMemory,
  LINE,
  MARK_WORDS,
  memoryBytes,
  REFRESH_RING_SIZE,
  UNIT_WORDS,
} from '../../src/cache/memory.ts';
import { loadLibc, requireLibc } from '../../src/os/libc.ts';
import { planOf, sharedMemory } from './fixtures.ts';

const withoutLibc = loadLibc() instanceof Error && 'the C library cannot be called here';
const PLAN = planOf({ slotCount: 100, bucketCount: 64, unitCount: 500, counterBytes: 1000 });

test('is a memfd of the planned size where libc can be called', { skip: withoutLibc }, () => {
  const memory = CacheMemory.create(PLAN);
  const { handle } = memory;
  assert.ok(handle.kind === 'mapped');
  assert.equal(fstatSync(handle.fd).size, memoryBytes(PLAN));
  assert.equal(memory.octets.length, memoryBytes(PLAN));
  const other = CacheMemory.attach(handle);
  memory.words[memory.slabAt] = 0x01020304;
  assert.equal(other.octets[4 * other.slabAt], 4);
  const libc = requireLibc();
  assert.equal(libc.munmap(handle.address, memoryBytes(PLAN)), 0);
  libc.close(handle.fd);
});

test('all views of a shared one are of the same octets', () => {
  const memory = sharedMemory(PLAN);
  const other = CacheMemory.attach(memory.handle);
  memory.doubles[memory.slabAt >> 1] = 1.5;
  assert.deepEqual(
    [...other.octets.subarray(4 * memory.slabAt + 6, 4 * memory.slabAt + 8)],
    [0xf8, 0x3f],
  );
  assert.equal(other.halves[2 * memory.slabAt + 3], 0x3ff8);
});

test('regions follow one another without overlap, each on a page of its own', () => {
  const memory = sharedMemory(PLAN);
  const { readerCount, slotCount, bucketCount, unitCount, counterBytes } = PLAN;
  const regions = [
    [memory.epochAt, ((1 + readerCount) * LINE) / 4],
    [memory.countersAt, counterBytes / 4],
    [memory.ringsAt, readerCount * (REFRESH_RING_SIZE + (2 * LINE) / 4)],
    [memory.marksAt, readerCount * slotCount * MARK_WORDS],
    [memory.bucketsAt, bucketCount],
    [memory.slabAt, unitCount * UNIT_WORDS],
  ] as const;
  let end = 1;
  for (const [at, size] of regions) {
    assert.ok(at >= end && (at * 4) % 4096 === 0);
    end = at + size;
  }
  assert.ok(end * 4 <= memoryBytes(PLAN));
});

test('a plan whose buckets are no power of two is refused', () => {
  assert.throws(() => CacheMemory.create(planOf({ bucketCount: 48 })), BrokenInvariant);
});
