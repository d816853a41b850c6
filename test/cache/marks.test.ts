/**
 * Marks: when an entry counts as popular, who asks for a refresh and how often, what the index sees of hits; also where the
 * clock's milliseconds wrap.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENTRY } from '../../src/cache/entry.ts';
import {
  isPopular,
  lastHitAfter,
  markHit,
  marksOf,
  REFRESH_PAUSE_MS,
  takeRefreshTurn,
} from '../../src/cache/marks.ts';
import { sharedMemory } from './fixtures.ts';

const SLOT = 5;
/** Just after the start, across the change of sign, across the wrap of 32 bits. */
const STARTS_MS = [1000, 2 ** 31 - 50, 2 ** 32 - 50];

/** A memory with an entry in SLOT that wants three hits no more than 100 ms apart. */
function entry(bornAtMs: number) {
  const memory = sharedMemory({ readerCount: 2 });
  const at = memory.slabAt;
  memory.words[at + ENTRY.SLOT] = SLOT;
  memory.words[at + ENTRY.BORN] = bornAtMs;
  memory.words[at + ENTRY.PREFETCH_HITS] = 3;
  memory.words[at + ENTRY.PREFETCH_PAUSE] = 100;
  const marksAt = marksOf(memory, 1);
  return {
    memory,
    at,
    hit: (nowMs: number) => {
      markHit(memory.words, marksAt, at, nowMs);
      return isPopular(memory.words, marksAt, at);
    },
    turn: (nowMs: number) => takeRefreshTurn(memory.words, marksAt, at, nowMs),
  };
}

for (const startMs of STARTS_MS) {
  test(`an entry is popular after so many hits without a pause, from ${startMs} ms on`, () => {
    const { hit } = entry(startMs);
    assert.deepEqual([hit(startMs), hit(startMs + 100), hit(startMs + 200)], [false, false, true]);
    assert.equal(hit(startMs + 301), false, 'the pause was longer');
    assert.deepEqual([hit(startMs + 302), hit(startMs + 303)], [false, true]);
  });

  test(`a refresh is asked for once a second, from ${startMs} ms on`, () => {
    const { turn } = entry(startMs);
    assert.equal(turn(startMs), true);
    assert.equal(turn(startMs), false);
    assert.equal(turn(startMs + REFRESH_PAUSE_MS - 1), false);
    assert.equal(turn(startMs + REFRESH_PAUSE_MS), true);
  });

  test(`the index sees the last hit of any reader, from ${startMs} ms on`, () => {
    const { memory, at, hit } = entry(startMs);
    const last = (sinceMs: number) => lastHitAfter(memory, SLOT, sinceMs);
    assert.equal(last(startMs), startMs | 0, 'none yet');
    hit(startMs + 10);
    assert.equal(last(startMs), (startMs + 10) | 0);
    assert.equal(last(startMs + 10), (startMs + 10) | 0);
    assert.equal(last(startMs + 20), (startMs + 20) | 0, 'the hit was before');
    markHit(memory.words, marksOf(memory, 0), at, startMs + 30);
    assert.equal(last(startMs), (startMs + 30) | 0);
  });
}

test('marks that are older than the entry are another entry’s', () => {
  const { memory, at, hit } = entry(1000);
  for (const nowMs of [1000, 1001, 1002]) hit(nowMs);
  memory.words[at + ENTRY.BORN] = 1003;
  assert.deepEqual([hit(1003), hit(1004), hit(1005)], [false, false, true]);
});

test('an entry that wants no hits is always worth a refresh, and counts none', () => {
  const { memory, at, hit } = entry(1000);
  memory.words[at + ENTRY.PREFETCH_HITS] = 0;
  assert.equal(hit(1000), true);
  assert.equal(memory.words[marksOf(memory, 1) + 4 * SLOT + 1], 0);
});
