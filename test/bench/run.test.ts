/**
 * The benchmark as a program, with tiny values: it runs, judges, cleans up. Its figures say nothing here.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isInstalled } from '../../bench/processes.ts';
import type { Row } from '../../bench/statistics.ts';
import { loadLibc } from '../../src/os/libc.ts';

const RUN = join(import.meta.dirname, '../../bench/run.ts');
const FAKE_DAEMON = join(import.meta.dirname, 'support/fake-daemon.ts');
const skip = loadLibc() instanceof Error ? 'no system calls here' : false;

function run(...flags: string[]) {
  return spawnSync(process.execPath, [RUN, ...flags], { encoding: 'utf8', timeout: 60_000 });
}

test('a smoke run measures the echo in every scenario', { skip }, (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'zerohop-test-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const jsonPath = join(directory, 'bench.json');
  const { status, stdout, stderr } = run('--smoke', '--json', jsonPath);
  assert.equal(status, 0, stdout + stderr);
  const { rows } = JSON.parse(readFileSync(jsonPath, 'utf8')) as { rows: Row[] };
  if (!isInstalled('cc')) return assert.match(stdout, /no C compiler/);
  const echo = rows.filter(({ server }) => server === 'echo');
  assert.equal(echo.length, 3);
  for (const row of echo) {
    assert(row.queriesPerSecond > 0 && row.cpuUs > 0, row.scenario);
    assert.deepEqual([row.cpuRatio, row.wrong], [1, 0], row.scenario);
  }
});

test('a command that is no daemon fails the run and says how it ended', { skip }, () => {
  const { status, stderr } = run('--smoke', '--only=hits', '--daemon=/bin/false');
  assert.equal(status, 1);
  assert.match(stderr, /the server ended/);
});

test('the gate: passed, and missed', { skip: skip || !isInstalled('cc') }, () => {
  const daemon = `--daemon=${process.execPath} ${FAKE_DAEMON}`;
  const passed = run('--smoke', '--only=hits', daemon, '--gate=100');
  assert.equal(passed.status, 0, passed.stdout + passed.stderr);
  assert.match(passed.stdout, /^\| daemon /m);
  const missed = run('--smoke', '--only=hits', daemon, '--gate=0.1');
  assert.equal(missed.status, 1);
  assert.match(missed.stdout, /^GATE: hits, closed window.* at most 0\.1 allowed$/m);
});

test('wrong answers of the daemon fail the run', { skip }, () => {
  const daemon = `--daemon=${process.execPath} ${FAKE_DAEMON} --wrong`;
  const { status, stdout } = run('--smoke', '--only=misses', daemon);
  assert.equal(status, 1);
  assert.match(stdout, /^WRONG: daemon, misses/m);
});

test('a bad flag is exit 2 and the usage', () => {
  const { status, stderr } = run('--only=everything');
  assert.equal(status, 2);
  assert.match(stderr, /--only: expected one of hits, misses[\s\S]*--gate RATIO/);
});
