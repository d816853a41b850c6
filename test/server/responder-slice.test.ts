import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { noSlices, sliceNs } from '../support/slices.ts';

test('each responder, and no other thread, has short slices', { skip: noSlices() }, async (t) => {
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) => `.:${dns} {\n  bind 127.0.0.1\n  whoami\n}\n`,
    args: ['-responders', '2'],
  });
  const folder = `/proc/${daemon.pid}/task`;
  const slices = readdirSync(folder).map((thread) => sliceNs(`${folder}/${thread}`));
  assert.equal(slices.filter((ns) => ns === 100_000).length, 2);
});
