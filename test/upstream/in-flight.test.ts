import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InFlightTable } from '../../src/upstream/in-flight.ts';

/** A waiter is `source/name`. */
function createTable(limits = { questions: 2, waiters: 3 }): InFlightTable<string> {
  return new InFlightTable(limits, (waiter) => waiter.split('/')[0]!);
}

test('the first starts, the others join, all are handed back', () => {
  const table = createTable();
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
  const table = createTable();
  assert.equal(table.join('a', undefined), 'started');
  assert.equal(table.join('a', undefined), 'joined');
  assert.equal(table.join('a', 'one'), 'joined');
  assert.deepEqual(table.finish('a'), ['one']);
});

test('questions beyond the limit are refused and counted; waiters of present ones are not', () => {
  const table = createTable();
  table.join('a', 'one');
  table.join('b', 'two');
  assert.equal(table.join('c', 'three'), 'full');
  assert.equal(table.join('b', 'three'), 'joined');
  assert.equal(table.fullCount, 1);
});

test('waiters beyond the limit are refused and counted; a refresh is not', () => {
  const table = createTable();
  for (const waiter of ['one', 'two', 'three']) table.join('a', waiter);
  assert.equal(table.join('a', 'four'), 'full');
  assert.equal(table.join('b', 'four'), 'full');
  assert.equal(table.join('b', undefined), 'started');
  assert.equal(table.fullCount, 2);
});

test('those who wait can be taken while the question goes on', () => {
  const table = createTable();
  table.join('a', 'one');
  assert.deepEqual(table.takeWaiters('a'), ['one']);
  assert.equal(table.waiterCount, 0);
  assert.equal(table.join('a', 'two'), 'joined');
  assert.deepEqual(table.finish('a'), ['two']);
  assert.deepEqual(table.takeWaiters('b'), []);
});

test('above half of a limit a source gets no more than its part, the others do', () => {
  const table = createTable({ questions: 100, waiters: 100 });
  table.join('modest', 'modest/1');
  let started = 0;
  while (table.join(`greedy ${started}`, `greedy/${started}`) === 'started') started += 1;
  assert.equal(started, 50);
  assert.equal(table.unfairCount, 1);
  for (let count = 2; count <= 50; count++) {
    assert.equal(table.join(`modest ${count}`, `modest/${count}`), 'started');
  }
  for (let count = 0; count < started; count++) table.finish(`greedy ${count}`);
  assert.equal(table.waiterCount, 50);
  assert.equal(table.join('again', 'greedy/again'), 'started');
});
