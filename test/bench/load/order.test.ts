import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawOrder } from '../../../bench/load/order.ts';

function frequencies(order: Int32Array, count: number): Float64Array {
  const counts = new Float64Array(count);
  for (const index of order) counts[index]! += 1;
  return counts;
}

test('cycle and once ask each question in its place', () => {
  assert.deepEqual([...drawOrder('cycle', 3, 1)], [0, 1, 2]);
  assert.deepEqual([...drawOrder('once', 3, 1)], [0, 1, 2]);
});

test('uniform asks all equally often', () => {
  const order = drawOrder('uniform', 200, 1);
  for (const count of frequencies(order, 200)) {
    const share = (count * 200) / order.length;
    assert(share > 0.8 && share < 1.2, `share ${share}`);
  }
});

test('zipf asks the n-th question 1/n as often as the first', () => {
  const counts = frequencies(drawOrder('zipf', 1000, 1), 1000);
  for (const rank of [2, 5, 10]) {
    const ratio = (counts[rank - 1]! * rank) / counts[0]!;
    assert(ratio > 0.9 && ratio < 1.1, `rank ${rank}: ${ratio}`);
  }
  assert(counts.every((count) => count >= 0));
});

test('the same seed draws the same order, another seed another one', () => {
  assert.deepEqual(drawOrder('uniform', 50, 7), drawOrder('uniform', 50, 7));
  assert.notDeepEqual(drawOrder('uniform', 50, 7), drawOrder('uniform', 50, 8));
});
