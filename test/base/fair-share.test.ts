import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FairShare } from '../../src/base/fair-share.ts';

test('up to half of the limit one source may take all', () => {
  const shares = new FairShare(200);
  for (let count = 0; count < 100; count++) assert.ok(shares.take('greedy'));
  // Alone it may go on: its equal part is the whole.
  for (let count = 100; count < 200; count++) assert.ok(shares.take('greedy'));
  assert.equal(shares.take('greedy'), false);
  assert.equal(shares.fullCount, 1);
});

test('above half, a source that holds its equal part gets no more, and the others do', () => {
  const shares = new FairShare(200);
  assert.ok(shares.take('modest'));
  let taken = 0;
  while (shares.take('greedy')) taken += 1;
  assert.equal(taken, 100);
  assert.equal(shares.unfairCount, 1);
  for (let count = 1; count < 100; count++) assert.ok(shares.take('modest'));
});

test('sixteen are everybody’s while there is room', () => {
  const shares = new FairShare(200);
  for (let source = 0; source < 50; source++) shares.take(`pod ${source}`);
  for (let count = 0; count < 60; count++) shares.take('greedy');
  assert.ok(shares.held >= 100);
  for (let count = 0; count < 16; count++) assert.ok(shares.take('late'));
  assert.equal(shares.take('late'), false);
});

test('any sequence: the sum is right, never above the limit, and sources are forgotten', () => {
  const step = fc.record({ source: fc.integer({ min: 0, max: 9 }), takes: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 400 }),
      fc.integer({ min: 1, max: 80 }),
      (steps, limit) => {
        const shares = new FairShare(limit);
        const held = new Map<string, number>();
        for (const { source, takes } of steps) {
          const name = String(source);
          const own = held.get(name) ?? 0;
          if (!takes) {
            shares.giveBack(name);
            if (own > 0) held.set(name, own - 1);
          } else if (shares.take(name)) {
            held.set(name, own + 1);
          }
        }
        const sum = [...held.values()].reduce((total, own) => total + own, 0);
        assert.equal(shares.held, sum);
        assert.ok(sum <= limit);
        assert.equal(shares.sourceCount, [...held.values()].filter((own) => own > 0).length);
      },
    ),
  );
});

test('sources that hold nothing are forgotten in time', () => {
  const shares = new FairShare(10);
  for (let source = 0; source < 1000; source++) {
    assert.ok(shares.take(`pod ${source}`));
    shares.giveBack(`pod ${source}`);
    assert.ok(shares.knownCount <= 20);
  }
  assert.equal(shares.sourceCount, 0);
});
