/**
 * The measurement of scaling as a program, with tiny values, and its parts. Its figures say nothing here.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { isInstalled } from '../../bench/processes.ts';
import { parseReceiveQueues } from '../../bench/receive-queues.ts';
import { busiest, isStopped, threadTimes, timesSince } from '../../bench/threads.ts';
import { loadLibc } from '../../src/os/libc.ts';

const SCALING = join(import.meta.dirname, '../../bench/scaling.ts');
const FAKE_DAEMON = join(import.meta.dirname, 'support/fake-daemon.ts');
const skip = loadLibc() instanceof Error ? 'no system calls here' : false;

function run(...flags: string[]) {
  const args = [SCALING, '--smoke', ...flags];
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 180_000 });
}

test('a smoke run drains the echo and the daemon with one responder and with two', { skip }, () => {
  const { status, stdout, stderr } = run();
  assert.equal(status, 0, stdout + stderr);
  const rows = [...stdout.matchAll(/^\| (echo|daemon) .*\|$/gm)].map(([line]) => cellsOf(line));
  const servers = isInstalled('cc') ? ['echo', 'daemon'] : ['daemon'];
  assert.deepEqual(
    rows.map(([name, responders]) => `${name} ${responders}`),
    servers.flatMap((name) => [`${name} 1`, `${name} 2`]),
  );
  for (const row of rows) {
    const [perSecond, growth, own] = row.slice(2).map(Number);
    assert(perSecond! > 0 && growth! > 0 && own! > 0, row.join());
    assert.equal(row.at(-1), '0', row.join());
  }
});

/** Without thousands' commas. */
function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll(',', ''));
}

test('the gate, and a server that has fewer sockets than it was asked for', { skip }, () => {
  const command = `--command=${process.execPath} ${FAKE_DAEMON}`;
  const missed = run(command, '--responders=1', '--gate=100');
  assert.equal(missed.status, 1, missed.stderr);
  assert.match(missed.stdout, /^GATE: 1\.00 times, at least 100 wanted$/m);
  const { status, stderr } = run(command, '--responders=2');
  assert.equal(status, 1);
  assert.match(stderr, /1 sockets for 2 threads/);
});

test('what is answered a while after the queue is empty is not lost', { skip }, () => {
  const { status, stdout, stderr } = run(
    `--command=${process.execPath} ${FAKE_DAEMON} --late`,
    '--responders=1',
  );
  assert.equal(status, 0, stdout + stderr);
  const [row] = [...stdout.matchAll(/^\| daemon .*\|$/gm)].map(([line]) => cellsOf(line));
  assert.equal(row?.at(-1), '0', stdout);
});

test('queues of /proc/net/udp are those of the port, told apart by their inodes', () => {
  const text = [
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            ',
    '  634: 0100007F:14EB 00000000:0000 07 00000000:00000340 00:00000000 00000000     0        0 71 2 00000000292d6ae0 3      ',
    '  634: 0100007F:14EB 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 70 2 00000000afd9f3e1 0      ',
    '  635: 0100007F:14EC 00000000:0000 07 00000000:00000340 00:00000000 00000000     0        0 72 2 00000000afd9f3e2 0      ',
    '',
  ].join('\n');
  assert.deepEqual(parseReceiveQueues(text, 5355), [
    { inode: 70, octets: 0, drops: 0 },
    { inode: 71, octets: 832, drops: 3 },
  ]);
  assert.deepEqual(parseReceiveQueues(text, 53), []);
});

test('a stopped process is seen to be stopped, and to run again', async (context) => {
  const child = sleeper(context);
  assert(!isStopped(child.pid!));
  child.kill('SIGSTOP');
  while (!isStopped(child.pid!)) await pause(1);
  child.kill('SIGCONT');
  while (isStopped(child.pid!)) await pause(1);
});

function sleeper(context: TestContext) {
  const child = spawn('sleep', ['600']);
  context.after(() => child.kill('SIGKILL'));
  return child;
}

test('the thread that works is the one that has taken time', () => {
  const before = threadTimes(process.pid);
  const until = process.cpuUsage().user + 50_000;
  while (process.cpuUsage().user < until);
  const times = timesSince(process.pid, before);
  assert.equal(busiest(times), process.pid);
  const { cpuNs, delayNs } = times.get(process.pid)!;
  assert(cpuNs > 0 && delayNs >= 0);
});
