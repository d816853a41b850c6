import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { cpuTimeNs } from '../../../bench/load/cpu-time.ts';

test('work takes time, and the kernel agrees about how much', () => {
  const before = { ns: cpuTimeNs(process.pid)!, us: process.cpuUsage() };
  let digest = Buffer.alloc(1 << 20);
  for (let round = 0; round < 30; round++) digest = createHash('sha256').update(digest).digest();
  const usage = process.cpuUsage(before.us);
  const ns = cpuTimeNs(process.pid)! - before.ns;
  // A running thread's figure is up to one scheduler tick (4 ms at 250 Hz, 10 ms at 100 Hz) behind.
  assert(Math.abs(ns - (usage.user + usage.system) * 1000) < 25e6, `${ns} ns, ${usage.user} us`);
});

test('a process that is not there has none', () => {
  assert.equal(cpuTimeNs(2 ** 22 + 1), undefined);
});
