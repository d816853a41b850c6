import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireLibc } from '../../src/os/libc.ts';
import { requestSlice } from '../../src/os/scheduling.ts';
import { noSlices, schedField, sliceNs } from '../support/slices.ts';

const SELF = '/proc/thread-self';

test('a thread gets the slice that it asks for, and keeps its priority', {
  skip: noSlices(),
}, () => {
  const libc = requireLibc();
  const [slice, priority] = [sliceNs(SELF), schedField(SELF, 'prio')];
  assert.equal(requestSlice(libc, 300), true);
  assert.equal(sliceNs(SELF), 300_000);
  assert.equal(schedField(SELF, 'prio'), priority);
  assert.equal(requestSlice(libc, slice / 1000), true);
  assert.equal(sliceNs(SELF), slice);
});
