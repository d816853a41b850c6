import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { test } from 'node:test';
import { requireLibc } from '../../src/os/libc.ts';
import { requestSlice } from '../../src/os/scheduling.ts';

const SCHED = '/proc/thread-self/sched';

/** Of this thread. */
function scheduling() {
  const text = readFileSync(SCHED, 'latin1');
  const numberAt = (name: string) =>
    Number(new RegExp(`^${name} +: +(\\d+)$`, 'm').exec(text)?.[1]);
  return { sliceNs: numberAt('se\\.slice'), priority: numberAt('prio') };
}

test('a thread gets the slice that it asks for, and keeps its priority', (t) => {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (!existsSync(SCHED) || major < 6 || (major === 6 && minor < 12)) {
    t.skip('the kernel has no slices of a thread’s own, or does not show them');
    return;
  }
  const libc = requireLibc();
  const before = scheduling();
  assert.equal(requestSlice(libc, 300), true);
  assert.deepEqual(scheduling(), { ...before, sliceNs: 300_000 });
  assert.equal(requestSlice(libc, before.sliceNs / 1000), true);
  assert.deepEqual(scheduling(), before);
});
