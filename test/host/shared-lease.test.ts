import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedLease } from '../../src/host/shared-lease.ts';

const at = (time: number) => ({ earliest: time, latest: time });

test('a stamp that the own renewal did not leave is another’s, for three seconds', () => {
  const lease = new SharedLease(0);
  lease.look('a', undefined, 0);
  lease.renewed('a', at(100));
  lease.look('a', at(100), 1000);
  assert.equal(lease.isShared(1000), false);
  lease.look('a', at(107), 2000);
  assert.equal(lease.isShared(2000), true);
  assert.equal(lease.isShared(5000), true);
  assert.equal(lease.isShared(5001), false);
});

test('a lease that stands before the first renewal is another’s', () => {
  const lease = new SharedLease(0);
  lease.look('a', at(50), 0);
  assert.equal(lease.isShared(0), true);
});

test('readings of one stamp may differ by the tolerance', () => {
  const lease = new SharedLease(25);
  lease.renewed('a', at(3000));
  lease.look('a', at(3025), 10);
  assert.equal(lease.isShared(10), false);
  lease.look('a', at(2974), 20);
  assert.equal(lease.isShared(20), true);
});

test('a lease that ran out, or whose own stamp could not be read, is nobody’s', () => {
  const lease = new SharedLease(0);
  lease.renewed('a', at(100));
  lease.look('a', undefined, 10);
  lease.renewed('b', undefined);
  assert.equal(lease.isShared(10), false);
});

test('a renewal or a reading during which the thread stood still is not taken for another’s', () => {
  const lease = new SharedLease(25);
  lease.renewed('a', { earliest: 3000, latest: 3400 });
  lease.look('a', at(3000), 10);
  lease.look('a', { earliest: 2900, latest: 3100 }, 10);
  assert.equal(lease.isShared(10), false);
  lease.look('a', at(3426), 20);
  assert.equal(lease.isShared(20), true);
});
