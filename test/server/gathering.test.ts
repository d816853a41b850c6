import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Libc } from '../../src/os/libc.ts';
import { Gathering } from '../../src/server/gathering.ts';

/** Misses at a steady rate, one a turn of the event loop; how often they were waited for. */
async function waitsAt(missesPerSecond: number, misses: number): Promise<number> {
  let nowMs = 1000;
  let waits = 0;
  const libc: Pick<Libc, 'usleep'> = {
    usleep: () => {
      waits += 1;
      return 0;
    },
  };
  const gathering = new Gathering(libc, { nowMs: () => nowMs });
  for (let miss = 0; miss < misses; miss++) {
    nowMs += 1000 / missesPerSecond;
    gathering.wait();
    gathering.took();
    await turn();
  }
  return waits;
}

test('few misses are never waited for', async () => {
  assert.equal(await waitsAt(100, 500), 0);
  assert.equal(await waitsAt(2000, 500), 0);
});

test('many are, all but the first', async () => {
  const waits = await waitsAt(8000, 500);
  assert(waits >= 480 && waits < 500, String(waits));
});

test('several rings of one turn wait once', async () => {
  let nowMs = 1000;
  let waits = 0;
  const gathering = new Gathering({ usleep: () => ++waits }, { nowMs: () => nowMs });
  for (let count = 0; count < 10; count++) gathering.took();
  nowMs += 1;
  gathering.wait();
  for (let count = 0; count < 10; count++) gathering.took();
  nowMs += 1;
  for (let ring = 0; ring < 4; ring++) gathering.wait();
  assert.equal(waits, 1);
  await turn();
  gathering.wait();
  assert.equal(waits, 2);
});

test('a pause ends it', async () => {
  let nowMs = 1000;
  let waits = 0;
  const gathering = new Gathering({ usleep: () => ++waits }, { nowMs: () => nowMs });
  for (let count = 0; count < 10; count++) gathering.took();
  nowMs += 50;
  gathering.wait();
  assert.equal(waits, 0);
});
