import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createPolicy } from '../../src/upstream/policy.ts';
import { RandomPool } from '../../src/upstream/random.ts';

const random = new RandomPool();
const list = ['a', 'b', 'c'];

test('sequential: as written', () => {
  const order = createPolicy('sequential', random);
  assert.deepEqual([order(list), order(list)], [list, list]);
});

test('round_robin: the first query starts at index 1, the rest follow in order of the list', () => {
  const order = createPolicy('round_robin', random);
  const orders = Array.from({ length: 4 }, () => order(list).join(''));
  assert.deepEqual(orders, ['bac', 'cab', 'abc', 'bac']);
});

test('random: every permutation, about as often as any other', async () => {
  const order = createPolicy('random', random);
  const counts = new Map<string, number>();
  for (let draw = 0; draw < 6000; draw++) {
    const drawn = order(list).join('');
    await turn();
    counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
  }
  assert.deepEqual([...counts.keys()].sort(), ['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
  // 1000 each; a deviation by 200 is more than six standard deviations.
  for (const count of counts.values()) assert(count > 800 && count < 1200, String(count));
  assert.deepEqual(list, ['a', 'b', 'c']);
});

test('random: one order for all of a turn of the event loop, unless the upstreams change', async () => {
  const order = createPolicy('random', random);
  const orders = new Set<string>();
  for (let turns = 0; turns < 50; turns++) {
    const drawn = order(list);
    assert.equal(order(list), drawn);
    assert.deepEqual([...order(['d', 'e'])].sort(), ['d', 'e']);
    orders.add(drawn.join(''));
    await turn();
  }
  assert(orders.size > 1, [...orders].join(' '));
});
