import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Newest } from '../../src/base/newest.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('the newest outlives a collection, and no other', async () => {
  const newest = new Newest<object>();
  assert.equal(newest.held, undefined);
  const made = [1, 2].map((value) => new WeakRef(newest.hold({ value })));
  // A reference that was looked at in this turn is alive until its end.
  await turn();
  collect();
  assert.deepEqual(
    made.map((reference) => reference.deref()),
    [undefined, newest.held],
  );
  assert.deepEqual(newest.held, { value: 2 });
});
