/**
 * Failed system calls as errors.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRNO, SystemCallError } from '../../src/os/errno.ts';

test('names the call and the error as libc does', () => {
  const error = new SystemCallError('bind', ERRNO.EADDRINUSE);
  assert.deepEqual(
    [error.code, error.message, error.name],
    ['EADDRINUSE', 'bind: EADDRINUSE', 'SystemCallError'],
  );
  assert.equal(new SystemCallError('read', 4095).code, 'errno 4095');
});
