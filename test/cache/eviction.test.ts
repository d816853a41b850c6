/**
 * The order of eviction: new entries on probation, the main part for what was asked again, a bound on looks.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenInvariant } from '../../src/base/invariant.ts';
import { EvictionOrder } from '../../src/cache/eviction.ts';
import { MARK_WORDS } from '../../src/cache/memory.ts';
import { SlotLinks } from '../../src/cache/slot-links.ts';
import { sharedMemory } from './fixtures.ts';

const BYTES = 64;

function order(capacity: number, slotCount = 256) {
  const memory = sharedMemory({ slotCount });
  const links = new SlotLinks(slotCount);
  const order = new EvictionOrder(memory, capacity, links);
  const hit = (slot: number, nowMs: number) => {
    memory.words[memory.marksAt + slot * MARK_WORDS] = nowMs;
  };
  return { order, hit, frontedAtMs: links.frontedAtMs };
}

/** Slots from `first` on, all new at `nowMs`. */
function addAll(order: EvictionOrder, first: number, count: number, nowMs: number): void {
  for (let slot = first; slot < first + count; slot++) order.add(slot, BYTES, nowMs);
}

function slotsOf(order: EvictionOrder): number[] {
  return [...order.slots()].toSorted((first, second) => first - second);
}

test('counts entries and bytes of both parts', () => {
  const { order: parts } = order(2);
  parts.add(3, 128, 0);
  parts.readmit(4, 64, 0);
  assert.deepEqual([parts.count, parts.bytes, parts.isFull], [2, 192, true]);
  assert.deepEqual(slotsOf(parts), [3, 4]);
  assert.equal(parts.remove(3), 128);
  assert.equal(parts.remove(3), 0);
  assert.deepEqual([parts.count, parts.bytes, parts.isFull], [1, 64, false]);
  assert.equal(parts.remove(4), 64);
  assert.deepEqual([parts.count, parts.bytes], [0, 0]);
});

test('refuses to grow beyond its capacity', () => {
  const { order: parts } = order(1);
  parts.add(1, BYTES, 0);
  assert.throws(() => parts.add(2, BYTES, 0), BrokenInvariant);
  assert.throws(() => parts.readmit(2, BYTES, 0), BrokenInvariant);
});

test('takes no memory for a capacity beyond the slots', () => {
  const { order: parts } = order(Number.MAX_SAFE_INTEGER, 2);
  addAll(parts, 0, 2, 0);
  assert.ok(parts.isFull);
});

test('the one that was put in first leaves first; an empty order has none', () => {
  const { order: parts } = order(3);
  for (const slot of [7, 5, 6]) parts.add(slot, BYTES, 10);
  const victims = [1, 2, 3, 4].map(() => parts.takeVictim(20));
  assert.deepEqual(victims, [7, 5, 6, undefined]);
  assert.equal(parts.bytes, 0);
});

test('one that was hit on probation moves to the main part when its turn comes', () => {
  const { order: parts, hit } = order(20);
  addAll(parts, 0, 20, 10);
  hit(0, 15);
  assert.equal(parts.takeVictim(20), 1);
  for (let slot = 20; slot < 200; slot++) {
    parts.add(slot, BYTES, slot);
    assert.notEqual(parts.takeVictim(slot), 0, `at ${slot}`);
  }
  assert.ok(slotsOf(parts).includes(0));
});

test('what is new leaves before what was asked again, while it is a tenth or more', () => {
  const { order: parts } = order(20);
  for (let slot = 0; slot < 18; slot++) parts.readmit(slot, BYTES, 10);
  addAll(parts, 18, 2, 10);
  assert.deepEqual([parts.takeVictim(20), parts.takeVictim(20)], [18, 0], 'two of 20, one of 19');
});

test('few large answers on probation do not push out many small ones', () => {
  const { order: parts } = order(100);
  for (let slot = 0; slot < 50; slot++) parts.readmit(slot, BYTES, 10);
  parts.add(50, 6 * BYTES, 10);
  assert.equal(parts.takeVictim(20), 50, 'one entry of 51, but six of 56 units');
  parts.add(51, 5 * BYTES, 30);
  assert.equal(parts.takeVictim(40), 0);
});

test('in the main part the one that was hit since stays, once for each hit', () => {
  const { order: parts, hit } = order(3);
  for (const slot of [1, 2, 3]) parts.readmit(slot, BYTES, 10);
  hit(1, 15);
  assert.equal(parts.takeVictim(20), 2);
  assert.equal(parts.takeVictim(21), 3);
  assert.equal(parts.takeVictim(22), 1, 'the hit was before its second look');
});

test('a hit in the millisecond of the fronting is none since', () => {
  const { order: parts, hit } = order(2);
  addAll(parts, 1, 2, 10);
  hit(1, 10);
  assert.equal(parts.takeVictim(20), 1);
});

test('after eight looks the newest on probation leaves, and those that were hit wait for theirs', () => {
  const { order: parts, hit } = order(40);
  addAll(parts, 0, 30, 10);
  for (let slot = 0; slot < 30; slot++) hit(slot, 15);
  for (const newest of [30, 31, 32]) {
    parts.add(newest, BYTES, 20);
    assert.equal(parts.takeVictim(30), newest);
  }
  assert.equal(parts.count, 30);
});

test('after eight looks the next of the main part leaves, hit or not', () => {
  const { order: parts, hit } = order(20);
  for (let slot = 0; slot < 20; slot++) {
    parts.readmit(slot, BYTES, 10);
    hit(slot, 15);
  }
  assert.equal(parts.takeVictim(20), 8);
});

test('an eviction moves eight at most, however many were hit', () => {
  const { order: parts, hit, frontedAtMs } = order(256);
  addAll(parts, 0, 128, 10);
  for (let slot = 128; slot < 256; slot++) parts.readmit(slot, BYTES, 10);
  for (let slot = 0; slot < 256; slot++) hit(slot, 15);
  for (let nowMs = 20; nowMs < 40; nowMs++) {
    parts.takeVictim(nowMs);
    assert.ok(frontedAtMs.filter((fronted) => fronted === nowMs).length <= 8);
  }
  assert.equal(parts.count, 236);
});
