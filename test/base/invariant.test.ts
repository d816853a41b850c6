import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenInvariant, assert as hold } from '../../src/base/invariant.ts';

test('what does not hold is an error that says what', () => {
  hold(1, 'one is something');
  const expected = { name: 'BrokenInvariant', message: 'nothing is something' };
  assert.throws(() => hold(undefined, 'nothing is something'), expected);
  assert.throws(() => hold(0), BrokenInvariant);
});
