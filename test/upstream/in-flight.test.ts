import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InFlightTable } from '../../src/upstream/in-flight.ts';

const LIMITS = { questions: 2, waiters: 3 };

test('the first starts, the others join, all are handed back', () => {
  const table = new InFlightTable<string>(LIMITS);
  assert.equal(table.join('a', 'first'), 'started');
  assert.equal(table.join('a', 'second'), 'joined');
  assert.equal(table.coalescedCount, 1);
  assert.equal(table.questionCount, 1);
  assert.equal(table.waiterCount, 2);
  assert.deepEqual(table.finish('a'), ['first', 'second']);
  assert.equal(table.questionCount, 0);
  assert.equal(table.waiterCount, 0);
  assert.equal(table.join('a', 'third'), 'started');
});

test('a refresh has no waiter, and a waiter may join it', () => {
  const table = new InFlightTable<string>(LIMITS);
  assert.equal(table.join('a', undefined), 'started');
  assert.equal(table.join('a', undefined), 'joined');
  assert.equal(table.join('a', 'one'), 'joined');
  assert.deepEqual(table.finish('a'), ['one']);
});

test('questions beyond the limit are refused and counted; waiters of present ones are not', () => {
  const table = new InFlightTable<string>(LIMITS);
  table.join('a', 'one');
  table.join('b', 'two');
  assert.equal(table.join('c', 'three'), 'full');
  assert.equal(table.join('b', 'three'), 'joined');
  assert.equal(table.refusedCount, 1);
});

test('waiters beyond the limit are refused and counted; a refresh is not', () => {
  const table = new InFlightTable<string>(LIMITS);
  for (const waiter of ['one', 'two', 'three']) table.join('a', waiter);
  assert.equal(table.join('a', 'four'), 'full');
  assert.equal(table.join('b', 'four'), 'full');
  assert.equal(table.join('b', undefined), 'started');
  assert.equal(table.refusedCount, 2);
});

test('those who wait can be taken while the question goes on', () => {
  const table = new InFlightTable<string>(LIMITS);
  table.join('a', 'one');
  assert.deepEqual(table.takeWaiters('a'), ['one']);
  assert.equal(table.waiterCount, 0);
  assert.equal(table.join('a', 'two'), 'joined');
  assert.deepEqual(table.finish('a'), ['two']);
  assert.deepEqual(table.takeWaiters('b'), []);
});
