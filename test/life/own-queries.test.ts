/** What `zerohop top` shows of a daemon that nobody asks: its own signs of life are not a client's queries. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Top } from '../../src/control/top-report.ts';
import { zerohop } from '../cli/zerohop-command.ts';
import { startDaemon } from '../support/daemon.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

test('a daemon that nobody asks has no queries', async (t) => {
  const socket = join(temporaryDirectory(t), 'zerohop', 'control.sock');
  const daemon = await startDaemon(t, {
    corefile: ({ dns, prometheus }) =>
      `.:${dns} {\n  bind 127.0.0.1\n  whoami\n  prometheus 127.0.0.1:${prometheus}\n}\n`,
    args: ['-localip', '127.0.0.1', '-control-socket', socket],
  });
  await until('a sign of life is counted', async () => {
    return (await daemon.scrape()).sum('coredns_dns_requests_total') > 0;
  });
  const { stdout } = await zerohop(['top', '--once', '--json', '--control-socket', socket]);
  const top = JSON.parse(stdout) as Top;
  assert.deepEqual([top.queries, top.rcodes, top.types], [0, [], []]);
});
