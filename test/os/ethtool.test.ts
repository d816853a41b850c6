/** Driver statistics of the interfaces that are here; what they say is the driver's. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { driverStatistics } from '../../src/os/ethtool.ts';
import { requireLibc } from '../../src/os/libc.ts';

test('every interface is read; loopback has none', () => {
  for (const name of readdirSync('/sys/class/net')) {
    const statistics = driverStatistics(requireLibc(), name);
    if (name === 'lo') assert.equal(statistics.size, 0);
    for (const [key, value] of statistics) {
      assert.match(key, /^[\x20-\x7e]{1,31}$/);
      assert.equal(typeof value, 'bigint');
    }
  }
});

test('no such interface, and a name that cannot be one', () => {
  assert.throws(() => driverStatistics(requireLibc(), 'nosuch0'), /ethtool nosuch0: ENODEV/);
  assert.throws(() => driverStatistics(requireLibc(), 'x'.repeat(16)), /EINVAL/);
});
