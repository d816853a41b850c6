/**
 * The micro-benchmark as a program, with tiny values: all its figures are there. What a hit allocates is test/server's matter.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DRAW_COUNT, draw } from '../../bench/micro/draws.ts';
import { FilledCache } from '../../bench/micro/filled-cache.ts';
import type { MicroFigures } from '../../bench/micro/main.ts';
import { loadLibc } from '../../src/os/libc.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const MAIN = join(import.meta.dirname, '../../bench/micro/main.ts');
const skip = loadLibc() instanceof Error ? 'no system calls here' : false;

test('a smoke run measures every operation, and hits and inserts at every size', {
  skip,
}, (context) => {
  const json = join(temporaryDirectory(context), 'micro.json');
  const table = execFileSync(process.execPath, [MAIN, '--smoke', '--json', json], {
    encoding: 'utf8',
  });
  const { operations, hit, growth } = JSON.parse(readFileSync(json, 'utf8')) as MicroFigures;
  assert.deepEqual(
    operations.map(({ name }) => name),
    [
      ...['parse', 'key', 'look-up', 'patch', 'remove, insert', 'evict, insert'],
      ...['Corefile parse', 'scrape'],
    ],
  );
  assert(operations.every(({ ns }) => ns > 0));
  assert(hit.hits >= 50_000 && hit.nsPerHit > 0);
  assert.deepEqual(
    growth.hits.map(({ names, distribution }) => `${names} ${distribution}`),
    ['100 zipf', '100 uniform', '1000 zipf', '1000 uniform'],
  );
  assert.deepEqual(
    growth.inserts.map(({ names, inserts, evicts }) => [names, inserts, evicts]),
    [
      [100, 100, false],
      [1000, 900, false],
      [1000, 100, true],
    ],
  );
  assert.match(table, /^\| Corefile parse /m);
});

test('a filled cache has every name that was put in and no other', () => {
  const cache = new FilledCache(256);
  cache.fill(0, 256);
  assert.equal(cache.store.entryCount, 256);
  cache.hitBatch(
    Int32Array.from({ length: 64 }, (_, index) => 4 * index),
    0,
  );
  assert.throws(() => cache.hitBatch(new Int32Array(64).fill(256), 0), /not a hit/);
});

test('draws stay within the names; by Zipf the first name comes most often', () => {
  for (const distribution of ['zipf', 'uniform'] as const) {
    const drawn = draw(new Int32Array(DRAW_COUNT), distribution, 1000);
    const counts = new Int32Array(1001);
    for (const index of drawn) counts[index]! += 1;
    assert.equal(counts[1000], 0);
    assert(counts.subarray(0, 1000).every((count) => count > 0));
    const ratio = counts[0]! / counts[9]!;
    assert(distribution === 'uniform' ? ratio < 1.5 : ratio > 5, `${distribution} ${ratio}`);
  }
});
