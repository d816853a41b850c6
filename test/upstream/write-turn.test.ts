import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriteTurn } from '../../src/upstream/write-turn.ts';

test('all of a turn are flushed once, after it; what a flush adds is flushed behind them', async () => {
  const writes = new WriteTurn();
  const flushed: string[] = [];
  const last = { flush: () => void flushed.push('last') };
  const first = {
    flush() {
      flushed.push('first');
      writes.add(last);
    },
  };
  writes.add(first);
  await Promise.resolve().then(() => writes.add({ flush: () => void flushed.push('second') }));
  assert.deepEqual(flushed, []);
  await new Promise(setImmediate);
  assert.deepEqual(flushed, ['first', 'second', 'last']);
});
