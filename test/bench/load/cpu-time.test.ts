import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { cpuTimeNs } from '../../../bench/load/cpu-time.ts';

test('work takes time, and the kernel agrees about how much', () => {
  const before = readings();
  const block = Buffer.alloc(1 << 20);
  while (usageNs() - before.toNs < 100e6) createHash('sha256').update(block).digest();
  const after = readings();
  const ns = after.ns - before.ns;
  const [least, most] = [after.fromNs - before.toNs, after.toNs - before.fromNs];
  // A running thread's figure is up to one scheduler tick (4 ms at 250 Hz, 10 ms at 100 Hz) behind.
  assert(ns > least - 25e6 && ns < most + 25e6, `${ns} ns, ${least} to ${most}`);
});

/** Our figure, and the kernel's before and after it: what is stolen from us between two calls may count as ours. */
function readings() {
  return { fromNs: usageNs(), ns: cpuTimeNs(process.pid)!, toNs: usageNs() };
}

function usageNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

test('a process that is not there has none', () => {
  assert.equal(cpuTimeNs(2 ** 22 + 1), undefined);
});
