/**
 * A daemon that does not run for 200 ms at 20,000 queries a second loses none: they wait in a receive buffer that it made
 * large enough. Beyond the system's limit the kernel gives it only to those with CAP_NET_ADMIN.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { LoadReport } from '../../bench/load/generator.ts';
import { startUpstream } from '../../bench/load/upstream.ts';
import { startDaemon } from '../support/daemon.ts';
import { corefile } from './corefiles.ts';

const GENERATOR = join(import.meta.dirname, '../../bench/load/cli.ts');
const RATE = 20_000;
const PAUSE_MS = 200;

const CAP_NET_ADMIN = 1n << 12n;
const [, capabilities] = /^CapEff:\s+(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
const isAllowed = (BigInt(`0x${capabilities}`) & CAP_NET_ADMIN) !== 0n;

test('a pause of 200 ms at 20,000 queries a second loses nothing', {
  skip: isAllowed ? false : 'no CAP_NET_ADMIN',
}, async (t) => {
  const upstream = await startUpstream();
  t.after(() => upstream.close());
  const daemon = await startDaemon(t, { corefile: corefile({ upstream: upstream.port }) });
  const line = await daemon.waitForLog(/receive buffer \d+ bytes/);
  assert(Number(/(\d+) bytes/.exec(line)![1]) >= 8 * 1024 * 1024, line);
  const server = `--server=127.0.0.1:${daemon.ports.dns}`;
  // With many sockets it has room for all answers that come at once behind the pause, should it be stopped then itself.
  const channels = ['--channels=64'];
  const load = [`--rate=${RATE}`, '--seconds=1.5', '--prime', '--exact-address', '--names=100'];
  const run = promisify(execFile)(process.execPath, [GENERATOR, server, ...load, ...channels]);
  await daemonIsBusy(daemon);
  daemon.signal('SIGSTOP');
  await setTimeout(PAUSE_MS);
  daemon.signal('SIGCONT');
  const report = JSON.parse((await run).stdout) as LoadReport;
  const { lost, wrong, notSent } = report;
  assert.deepEqual({ lost, wrong, notSent }, { lost: 0, wrong: 0, notSent: 0 });
  assert(report.sent > RATE, `sent ${report.sent}`);
  assert(report.latencyUs.max > (PAUSE_MS * 1000) / 2, `paused: ${report.latencyUs.max} us`);
});

/** Resolves when the load has arrived. */
async function daemonIsBusy(daemon: Awaited<ReturnType<typeof startDaemon>>): Promise<void> {
  while ((await daemon.scrape()).sum('coredns_cache_hits_total') < RATE / 10) await setTimeout(20);
}
