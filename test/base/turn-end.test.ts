import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Newest } from '../../src/base/newest.ts';
import { atTurnEnd, pauseAfterTurn } from '../../src/base/turn-end.ts';

test('runs in the order in which they were given, what they add behind them, then one pause', async () => {
  const seen: string[] = [];
  pauseAfterTurn(() => seen.push('first pause'));
  pauseAfterTurn(() => seen.push('pause'));
  atTurnEnd(() => {
    seen.push('first');
    atTurnEnd(() => seen.push('added'));
  });
  atTurnEnd(() => seen.push('second'));
  assert.deepEqual(seen, []);
  await turn();
  assert.deepEqual(seen, ['first', 'second', 'added', 'pause']);
  await turn();
  assert.equal(seen.length, 4);
});

test('what a pause adds is the next turn’s', async () => {
  const seen: string[] = [];
  pauseAfterTurn(() => {
    seen.push('pause');
    atTurnEnd(() => seen.push('next'));
  });
  await turn();
  assert.deepEqual(seen, ['pause']);
  await turn();
  assert.deepEqual(seen, ['pause', 'next']);
});

test('what throws does not keep the others from running', async (t) => {
  const seen: string[] = [];
  const { promise: thrown, resolve } = Promise.withResolvers<unknown>();
  process.setUncaughtExceptionCaptureCallback(resolve);
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  atTurnEnd(() => {
    throw new Error('broken');
  });
  atTurnEnd(() => seen.push('second'));
  assert.match(String(await thrown), /broken/);
  await turn();
  assert.deepEqual(seen, ['second']);
  atTurnEnd(() => seen.push('later'));
  await turn();
  assert.deepEqual(seen, ['second', 'later']);
});

test('of what ends turns the newest is held, which nobody else does for long', async (t) => {
  const held = t.mock.method(Newest.prototype, 'hold').mock;
  await new Promise<void>((resolve) => atTurnEnd(resolve));
  assert.deepEqual(
    held.calls.map(({ arguments: [object] }) => object?.constructor.name),
    ['Immediate'],
  );
});
