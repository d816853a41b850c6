import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowedCores } from '../../bench/cores.ts';

test('cores of a list of ranges', () => {
  assert.deepEqual(allowedCores('Name:\tnode\nCpus_allowed_list:\t0-1\n'), [0, 1]);
  assert.deepEqual(allowedCores('Cpus_allowed_list:\t3\n'), [3]);
  assert.deepEqual(allowedCores('Cpus_allowed_list:\t2,5-7\n'), [2, 5, 6, 7]);
  assert.deepEqual(allowedCores(''), []);
});
