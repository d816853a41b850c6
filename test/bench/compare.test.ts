/**
 * The benchmark as a program, with tiny values: it runs, judges, cleans up. Its figures say nothing here.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { isInstalled } from '../../bench/processes.ts';
import { STAGES } from '../../bench/servers.ts';
import type { Row } from '../../bench/statistics.ts';
import { loadLibc } from '../../src/os/libc.ts';

const COMPARE = join(import.meta.dirname, '../../bench/compare.ts');
const FAKE_DAEMON = join(import.meta.dirname, 'support/fake-daemon.ts');
const skip = loadLibc() instanceof Error ? 'no system calls here' : false;

function isDaemon({ server }: Row): boolean {
  return server === 'daemon';
}

/** Some thirty processes start in these tests; what one has compiled the next ones need not. */
const compileCache = mkdtempSync(join(tmpdir(), 'zerohop-test-'));
after(() => rmSync(compileCache, { recursive: true, force: true }));

function run(...flags: string[]) {
  return spawnSync(process.execPath, [COMPARE, ...flags], {
    encoding: 'utf8',
    timeout: 180_000,
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  });
}

/** A smoke run, and the rows that it has written. */
function smoke(context: TestContext, ...flags: string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'zerohop-test-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const jsonPath = join(directory, 'bench.json');
  const ended = run('--smoke', '--json', jsonPath, ...flags);
  const { rows } = JSON.parse(readFileSync(jsonPath, 'utf8')) as { rows: Row[] };
  return { ...ended, rows };
}

/** One of each kind, one with two loads, one with latency by group, and the one that asks nothing. */
const SMOKE = ['few-names', 'scraped', 'same-name-burst', 'mixed-transports', 'rate-0'];

test('a smoke run measures hits, misses, mixes and rates', { skip }, (context) => {
  const { rows, status, stdout, stderr } = smoke(context, ...SMOKE.map((name) => `--only=${name}`));
  assert.equal(status, 0, stdout + stderr);
  const daemon = new Map(rows.filter(isDaemon).map((row) => [row.workload, row]));
  assert.deepEqual([...daemon.keys()], SMOKE);
  for (const [name, row] of daemon) {
    assert.equal(row.wrong, 0, name);
    assert(row.anonymousMb > 0 && row.residentMb > row.anonymousMb, name);
    if (name !== 'rate-0') assert(row.queriesPerSecond > 0 && row.cpuUs > 0, name);
  }
  assert.equal(daemon.get('same-name-burst')!.upstreamQueries, 1);
  assert.equal(daemon.get('same-name-burst')!.connections, 1);
  assert.deepEqual(Object.keys(daemon.get('mixed-transports')!.by).slice(0, 1), ['udp-hit']);
  if (!isInstalled('cc')) return assert.match(stdout, /no C compiler/);
  const echo = rows.filter(({ server }) => server === 'echo');
  assert.deepEqual(
    echo.map(({ workload, cpuRatio, wrong }) => [workload, cpuRatio, wrong]),
    [['few-names', 1, 0]],
  );
});

test('a smoke run measures the daemon with each stage before its cache', { skip }, (context) => {
  const stages = STAGES.map((stage) => `--peer=${stage}`);
  const { rows, status, stdout, stderr } = smoke(context, '--only=few-names', ...stages);
  assert.equal(status, 0, stdout + stderr);
  for (const stage of STAGES) {
    const row = rows.find(({ server }) => server === stage);
    assert(row && row.queriesPerSecond > 0 && row.wrong === 0, stage);
  }
});

test('a command that is no daemon fails the run and says how it ended', { skip }, () => {
  const { status, stderr } = run('--smoke', '--only=one-name', '--daemon=/bin/false');
  assert.equal(status, 1);
  assert.match(stderr, /the server ended/);
});

test('the gate: passed, and missed', { skip: skip || !isInstalled('cc') }, () => {
  const daemon = `--daemon=${process.execPath} ${FAKE_DAEMON}`;
  const passed = run('--smoke', '--only=one-name', daemon, '--gate=100');
  assert.equal(passed.status, 0, passed.stdout + passed.stderr);
  assert.match(passed.stdout, /^\| daemon /m);
  const missed = run('--smoke', '--only=one-name', daemon, '--gate=0.1');
  assert.equal(missed.status, 1);
  assert.match(missed.stdout, /^GATE: one-name: .* at most 0\.1 allowed$/m);
});

test('wrong answers of the daemon fail the run', { skip }, () => {
  const daemon = `--daemon=${process.execPath} ${FAKE_DAEMON} --wrong`;
  const { status, stdout } = run('--smoke', '--only=miss-storm-8k', daemon);
  assert.equal(status, 1);
  assert.match(stdout, /^WRONG: daemon, miss-storm-8k/m);
});

test('with a stage before the cache it is the same daemon', { skip }, (context) => {
  const daemon = `--daemon=${process.execPath} ${FAKE_DAEMON} --wrong`;
  const { rows } = smoke(context, '--only=few-names', '--peer=loadbalance', daemon);
  for (const name of ['daemon', 'loadbalance']) {
    assert(rows.find(({ server }) => server === name)!.wrong > 0, name);
  }
});

test('a bad flag is exit 2 and the usage', () => {
  const { status, stderr } = run('--only=everything');
  assert.equal(status, 2);
  assert.match(stderr, /--only: expected one of hits, misses, [\s\S]*--gate RATIO/);
});
