import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';

test('each responder, and no other thread, asks for short slices', async (t) => {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (!existsSync('/proc/self/sched') || major < 6 || (major === 6 && minor < 12)) {
    t.skip('the kernel has no slices of a thread’s own, or does not show them');
    return;
  }
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) => `.:${dns} {\n  bind 127.0.0.1\n  whoami\n}\n`,
    args: ['-responders', '2'],
  });
  const folder = `/proc/${daemon.pid}/task`;
  const short = readdirSync(folder).filter((thread) =>
    /^se\.slice +: +100000$/m.test(readFileSync(`${folder}/${thread}/sched`, 'latin1')),
  );
  assert.equal(short.length, 2);
});
