import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Percentile } from '../../src/upstream/percentile.ts';

function after(answersMs: readonly number[], count: number): number {
  const time = new Percentile(0.1, 0.1);
  for (let read = 0; read < count; read++) time.add(answersMs[(read * 37) % answersMs.length]!);
  return time.ms;
}

test('the estimate settles near the 10th percentile', () => {
  const oneToHundred = Array.from({ length: 100 }, (_, index) => index + 1);
  const floorMs = after(oneToHundred, 4000);
  assert(floorMs > 4 && floorMs < 25, String(floorMs));
});

test('it follows an upstream that becomes slow, and one that is quick again', () => {
  const time = new Percentile(0.1, 0.1);
  for (let read = 0; read < 100; read++) time.add(0.2);
  for (let read = 0; read < 400; read++) time.add(5);
  assert(time.ms > 1, String(time.ms));
  for (let read = 0; read < 30; read++) time.add(0.2);
  assert(time.ms < 1, String(time.ms));
});

test('a first answer that took long is soon forgotten', () => {
  const time = new Percentile(0.1, 0.1);
  time.add(50);
  for (let read = 0; read < 40; read++) time.add(0.3);
  assert(time.ms < 1, String(time.ms));
});

test('a few reads that come late change little', () => {
  const time = new Percentile(0.1, 0.1);
  for (let read = 0; read < 100; read++) time.add(0.2);
  for (let read = 0; read < 20; read++) time.add(30);
  assert(time.ms < 0.5, String(time.ms));
});
