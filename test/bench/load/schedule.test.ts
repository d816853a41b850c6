import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Schedule } from '../../../bench/load/schedule.ts';

const MS = 10_000;
const EVEN = { ratePerSecond: 1000, burst: 1, spikePerSecond: undefined };

function dueMs(schedule: Schedule, ...queries: number[]): number[] {
  return queries.map((query) => schedule.dueAfter(query) / MS);
}

test('evenly: one interval after the other, and no more than there are', () => {
  const schedule = new Schedule(EVEN, 2, Number.MAX_SAFE_INTEGER);
  assert.equal(schedule.count, 2000);
  assert.deepEqual(dueMs(schedule, 0, 1, 999, 1999), [0, 1, 999, 1999]);
  assert.equal(new Schedule(EVEN, 2, 10).count, 10);
});

test('bursts: as many at once, at the same mean rate', () => {
  const schedule = new Schedule({ ...EVEN, burst: 500 }, 2, Number.MAX_SAFE_INTEGER);
  assert.equal(schedule.count, 2000);
  assert.deepEqual(dueMs(schedule, 0, 499, 500, 999, 1999), [0, 0, 500, 500, 1500]);
});

test('a spike: the middle third at its own rate', () => {
  const schedule = new Schedule({ ...EVEN, spikePerSecond: 10_000 }, 3, Number.MAX_SAFE_INTEGER);
  assert.equal(schedule.count, 12_000);
  assert.deepEqual(dueMs(schedule, 0, 999, 1000), [0, 999, 1000]);
  assert.deepEqual(dueMs(schedule, 1001, 6000, 11_000), [1000.1, 1500, 2000]);
  assert.deepEqual(dueMs(schedule, 11_001, 11_999), [2001, 2999]);
});
