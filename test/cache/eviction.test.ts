/**
 * The order of eviction: least recently fronted first, a second look for those that were hit, a bound on looks.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EvictionOrder } from '../../src/cache/eviction.ts';
import { MARK_WORDS } from '../../src/cache/memory.ts';
import { sharedMemory } from './fixtures.ts';

function order(capacity: number) {
  const memory = sharedMemory();
  const order = new EvictionOrder(memory, capacity, new Int32Array(memory.plan.slotCount));
  const hit = (slot: number, nowMs: number) => {
    memory.words[memory.marksAt + slot * MARK_WORDS] = nowMs;
  };
  return { order, hit };
}

test('counts entries and bytes', () => {
  const { order: lru } = order(2);
  lru.add(3, 128, 0);
  lru.add(4, 64, 0);
  assert.deepEqual([lru.count, lru.bytes, lru.isFull], [2, 192, true]);
  lru.remove(3);
  lru.remove(3);
  assert.deepEqual([lru.count, lru.bytes, lru.isFull], [1, 64, false]);
  assert.deepEqual([...lru.slots()], [4]);
});

test('refuses to grow beyond its capacity', () => {
  const { order: lru } = order(1);
  lru.add(1, 64, 0);
  assert.throws(() => lru.add(2, 64, 0), assert.AssertionError);
});

test('the one that was put in first leaves first; an empty order has none', () => {
  const { order: lru } = order(3);
  for (const slot of [7, 5, 6]) lru.add(slot, 64, 10);
  const victims = [1, 2, 3, 4].map(() => lru.takeVictim(20));
  assert.deepEqual(victims, [7, 5, 6, undefined]);
  assert.equal(lru.bytes, 0);
});

test('one that was hit since gets a second look, once for each hit', () => {
  const { order: lru, hit } = order(3);
  for (const slot of [1, 2, 3]) lru.add(slot, 64, 10);
  hit(1, 15);
  assert.equal(lru.takeVictim(20), 2);
  assert.deepEqual([...lru.slots()], [1, 3]);
  assert.equal(lru.takeVictim(21), 3);
  assert.equal(lru.takeVictim(22), 1, 'the hit was before its second look');
});

test('a hit in the millisecond of the fronting is none since', () => {
  const { order: lru, hit } = order(2);
  lru.add(1, 64, 10);
  hit(1, 10);
  assert.equal(lru.takeVictim(20), 1);
});

test('after eight second looks the next one leaves, hit or not', () => {
  const { order: lru, hit } = order(20);
  for (let slot = 0; slot < 20; slot++) {
    lru.add(slot, 64, 10);
    hit(slot, 15);
  }
  assert.equal(lru.takeVictim(20), 8);
  assert.deepEqual([...lru.slots()].slice(0, 9), [7, 6, 5, 4, 3, 2, 1, 0, 19]);
});
