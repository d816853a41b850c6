import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { releaseExecutable, returnMemory } from '../../src/control/memory-return.ts';
import { type Libc, loadLibc } from '../../src/os/libc.ts';
import { until } from '../support/until.ts';

test('asks malloc again and again', async () => {
  const pads: number[] = [];
  const libc = { malloc_trim: (pad: number) => pads.push(pad) } as unknown as Libc;
  const timer = returnMemory(libc, { everyMs: 1, executable: '/nowhere' });
  await until('it was asked three times', () => pads.length >= 3);
  clearInterval(timer);
  assert.deepEqual(pads.slice(0, 3), [0, 0, 0]);
});

/**
 * A megabyte of garbage a line, which nobody has collected; it ends when the heap is smaller than it was. It looks seldom: every 10 ms
 * would take half of the time that an idle process may be at work.
 */
const GARBAGE = `
  import { getHeapStatistics } from 'node:v8';
  import { returnMemory } from '${import.meta.resolve('../../src/control/memory-return.ts')}';
  let garbage = Array.from({ length: 20 }, () => new Array(131_072).fill({}).map(() => ({})));
  const before = getHeapStatistics().total_heap_size;
  garbage = undefined;
  returnMemory(new Error('no koffi'), { everyMs: 100 });
  const looking = setInterval(() => {
    if (getHeapStatistics().total_heap_size < before / 2) process.exit(0);
  }, 100);
  setTimeout(() => process.exit(1), 20_000);
`;

test('an idle process collects its garbage', () => {
  const flags = ['--expose-gc', '--input-type=module', '--eval', GARBAGE];
  const { status, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

const libc = loadLibc();
const isGlibc = !(libc instanceof Error) && libc.malloc_trim !== undefined;

test('glibc has it', { skip: !isGlibc }, () => {
  // 1: some memory was given back, 0: there was none (malloc_trim(3)).
  assert.ok([0, 1].includes((libc as Libc).malloc_trim!(0)));
});

test('releases the executable, and no page that is ours', { skip: libc instanceof Error }, () => {
  const advised: [at: number, size: number][] = [];
  const noting = { madvise: (at: number, size: number) => advised.push([at, size]) && 0 };
  const octets = releaseExecutable(noting, process.execPath);
  const mappings = readFileSync('/proc/self/maps', 'utf8');
  for (const [at, size] of advised) {
    const range = [at, at + size].map((address) => address.toString(16).padStart(8, '0')).join('-');
    const line = mappings.split('\n').find((text) => text.startsWith(range))!;
    assert.match(line, / r-[x-]p /);
    assert.ok(line.endsWith(process.execPath));
  }
  assert.ok(octets > 10e6, `${octets} octets of a program of 150 MB`);
  const released = releaseExecutable(libc as Libc, process.execPath);
  assert.equal(released, octets);
  // All that runs from here on has come back.
  assert.equal(new Intl.NumberFormat('de').format(1e6), '1.000.000');
  assert.equal(releaseExecutable(noting, '/nowhere'), 0);
});
