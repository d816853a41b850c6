import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { parseIpExt, parseLimit, readProcessStats } from '../../src/metrics/process-stats.ts';

const skip = existsSync('/proc/self/stat') ? false : 'there is no /proc';

test('every statistic is a number that can be', { skip }, () => {
  const stats = readProcessStats()!;
  assert.ok(stats.cpuS > 0);
  assert.ok(stats.residentBytes > 1e6 && stats.residentBytes < stats.virtualBytes);
  assert.ok(stats.virtualBytes <= stats.virtualMaxBytes);
  assert.ok(stats.openFdCount > 2 && stats.openFdCount <= stats.maxFdCount);
  // Boot time has whole seconds only.
  assert.ok(Math.abs(stats.startedAtS - performance.timeOrigin / 1000) < 3);
  assert.ok(stats.receivedBytes >= 0);
  assert.ok(stats.transmittedBytes >= 0);
});

test('open descriptors are counted', { skip }, () => {
  const before = readProcessStats()!.openFdCount;
  const fds = Array.from({ length: 5 }, () => openSync('/proc/self/stat', 'r'));
  const after = readProcessStats()!.openFdCount;
  for (const fd of fds) closeSync(fd);
  assert.equal(after, before + 5);
});

test('limits: the soft one, or none', () => {
  const limits = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max open files            1024                 524288               files     ',
    'Max address space         unlimited            unlimited            bytes     ',
  ].join('\n');
  assert.equal(parseLimit(limits, 'Max open files'), 1024);
  // As a float64: what Prometheus's Go client shows where there is no limit.
  assert.equal(parseLimit(limits, 'Max address space'), 1.8446744073709552e19);
});

test('IpExt counters by name', () => {
  const netstat = 'TcpExt: A B\nTcpExt: 1 2\nIpExt: InOctets OutOctets\nIpExt: 30 40\n';
  assert.deepEqual(
    [...parseIpExt(netstat)],
    [
      ['InOctets', 30],
      ['OutOctets', 40],
    ],
  );
  assert.deepEqual([...parseIpExt('')], []);
});
