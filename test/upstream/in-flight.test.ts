import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FlightKey, InFlightTable } from '../../src/upstream/in-flight.ts';

/** Few hashes, some of them in the same chain: keys are told apart by their text. */
function key(text: string): FlightKey {
  return { text, hash: 4096 * (text.length % 3) + (text.charCodeAt(0) % 2) };
}

/** A waiter is `source/name`. */
function createTable(limits = { questions: 2, waiters: 3 }): InFlightTable<string> {
  return new InFlightTable(limits, (waiter) => waiter.split('/')[0]!);
}

test('the first starts, the others join, all are handed back', () => {
  const table = createTable();
  assert.equal(table.join(key('a'), 'first'), 'started');
  assert.equal(table.join(key('a'), 'second'), 'joined');
  assert.equal(table.coalescedCount, 1);
  assert.equal(table.questionCount, 1);
  assert.equal(table.waiterCount, 2);
  assert.deepEqual(table.finish(key('a')), ['first', 'second']);
  assert.equal(table.questionCount, 0);
  assert.equal(table.waiterCount, 0);
  assert.equal(table.join(key('a'), 'third'), 'started');
});

test('a refresh has no waiter, and a waiter may join it', () => {
  const table = createTable();
  assert.equal(table.join(key('a'), undefined), 'started');
  assert.equal(table.join(key('a'), undefined), 'joined');
  assert.equal(table.join(key('a'), 'one'), 'joined');
  assert.deepEqual(table.finish(key('a')), ['one']);
});

test('questions beyond the limit are refused and counted; waiters of present ones are not', () => {
  const table = createTable();
  table.join(key('a'), 'one');
  table.join(key('b'), 'two');
  assert.equal(table.join(key('c'), 'three'), 'full');
  assert.equal(table.join(key('b'), 'three'), 'joined');
  assert.equal(table.fullCount, 1);
});

test('waiters beyond the limit are refused and counted; a refresh is not', () => {
  const table = createTable();
  for (const waiter of ['one', 'two', 'three']) table.join(key('a'), waiter);
  assert.equal(table.join(key('a'), 'four'), 'full');
  assert.equal(table.join(key('b'), 'four'), 'full');
  assert.equal(table.join(key('b'), undefined), 'started');
  assert.equal(table.fullCount, 2);
});

test('those who wait can be taken while the question goes on', () => {
  const table = createTable();
  table.join(key('a'), 'one');
  assert.deepEqual(table.takeWaiters(key('a')), ['one']);
  assert.equal(table.waiterCount, 0);
  assert.equal(table.join(key('a'), 'two'), 'joined');
  assert.deepEqual(table.finish(key('a')), ['two']);
  assert.deepEqual(table.takeWaiters(key('b')), []);
});

test('above half of a limit a source gets no more than its part, the others do', () => {
  const table = createTable({ questions: 100, waiters: 100 });
  table.join(key('modest'), 'modest/1');
  let started = 0;
  while (table.join(key(`greedy ${started}`), `greedy/${started}`) === 'started') started += 1;
  assert.equal(started, 50);
  assert.equal(table.unfairCount, 1);
  for (let count = 2; count <= 50; count++) {
    assert.equal(table.join(key(`modest ${count}`), `modest/${count}`), 'started');
  }
  for (let count = 0; count < started; count++) table.finish(key(`greedy ${count}`));
  assert.equal(table.waiterCount, 50);
  assert.equal(table.join(key('again'), 'greedy/again'), 'started');
});

test('any sequence is as with a Map, whatever hashes are alike', () => {
  const step = fc.record({
    text: fc.constantFrom('a', 'b', 'aa', 'bb', 'aaa', 'c', 'cc'),
    does: fc.constantFrom('join', 'finish', 'take'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const table = createTable({ questions: 100, waiters: 1000 });
      const model = new Map<string, string[]>();
      for (const [index, { text, does }] of steps.entries()) {
        const waiters = model.get(text);
        const waiter = `source/${index}`;
        if (does === 'join') {
          assert.equal(table.join(key(text), waiter), waiters ? 'joined' : 'started');
          model.set(text, [...(waiters ?? []), waiter]);
        } else if (does === 'finish') {
          assert.deepEqual(table.finish(key(text)), waiters ?? []);
          model.delete(text);
        } else {
          assert.deepEqual(table.takeWaiters(key(text)), waiters ?? []);
          if (waiters) model.set(text, []);
        }
        assert.equal(table.questionCount, model.size);
      }
    }),
  );
});
