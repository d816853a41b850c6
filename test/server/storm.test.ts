import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Storm, type StormTurn } from '../../src/server/storm.ts';

/** A storm in front of sockets that bring what `next` says, and a clock of its own; a pause takes 0.2 ms. */
function scripted(next: () => StormTurn) {
  const seen = { pauses: 0, reads: 0, leaves: 0, answered: 0, nowMs: 1000 };
  const usleep = () => {
    seen.pauses += 1;
    seen.nowMs += 0.2;
    return 0;
  };
  const source = {
    answered: () => seen.answered,
    read: () => {
      seen.reads += 1;
      return next();
    },
    leave: () => {
      seen.leaves += 1;
    },
  };
  return { seen, storm: new Storm({ usleep }, { nowMs: () => seen.nowMs }, source) };
}

const NOTHING: StormTurn = { misses: 0, hits: 0, largest: 0 };
const TWO_MISSES: StormTurn = { misses: 2, hits: 0, largest: 2 };

/** Misses through the rings, one each `everyMs`. */
async function missSteadily(
  { seen, storm }: ReturnType<typeof scripted>,
  count: number,
  everyMs: number,
): Promise<void> {
  for (let miss = 0; miss < count; miss++) {
    seen.nowMs += everyMs;
    storm.missed(1);
    await turn();
  }
}

test('few misses make none', async () => {
  const scene = scripted(() => NOTHING);
  await missSteadily(scene, 500, 10);
  await missSteadily(scene, 500, 0.5);
  assert.deepEqual([scene.seen.pauses, scene.seen.reads], [0, 0]);
});

test('many do: the sockets are read once a turn, behind a pause, until few come', async () => {
  let left = 100;
  const scene = scripted(() => (left-- > 0 ? TWO_MISSES : NOTHING));
  await missSteadily(scene, 20, 0.125);
  for (let turns = 0; turns < 150; turns++) await turn();
  const { pauses, reads, leaves } = scene.seen;
  assert.equal(pauses, reads);
  // The turns of two milliseconds at most pass until it is noticed.
  assert(reads > 100 && reads < 115, String(reads));
  assert.equal(leaves, 1);
});

test('a pause of some milliseconds ends it', async () => {
  const scene = scripted(() => TWO_MISSES);
  await missSteadily(scene, 20, 0.125);
  const { reads } = scene.seen;
  assert(reads > 0);
  scene.seen.nowMs += 50;
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.equal(scene.seen.reads, reads + 1);
  assert.equal(scene.seen.leaves, 1);
});

test('hits that outnumber the misses end it', async () => {
  const scene = scripted(() => ({ misses: 2, hits: 3, largest: 5 }));
  await missSteadily(scene, 20, 0.125);
  for (let turns = 0; turns < 20; turns++) await turn();
  assert(scene.seen.reads < 12, String(scene.seen.reads));
  assert.equal(scene.seen.leaves, 1);
});

test('a socket that has more than a batch ends it: the turn does not keep up', async () => {
  const scene = scripted(() => ({ misses: 64, hits: 0, largest: 64 }));
  await missSteadily(scene, 12, 0.125);
  const { reads, leaves } = scene.seen;
  assert.equal(reads, leaves);
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.equal(scene.seen.reads, reads);
});

test('a thread that seldom gets to run sees one by its rate', async () => {
  const scene = scripted(() => NOTHING);
  for (let turns = 0; turns < 3; turns++) {
    scene.seen.nowMs += 5;
    scene.storm.missed(turns === 0 ? 1 : 40);
    await turn();
  }
  assert(scene.seen.pauses > 0);
});

test('many misses among more hits make none: hits are not to wait', async () => {
  const scene = scripted(() => NOTHING);
  for (let turns = 0; turns < 200; turns++) {
    scene.seen.nowMs += 0.25;
    scene.seen.answered += 4;
    scene.storm.missed(1);
    await turn();
  }
  assert.deepEqual([scene.seen.pauses, scene.seen.reads], [0, 0]);
});
