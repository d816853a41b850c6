import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Silence, TRIAL_PAUSE_MAX_MS, TRIAL_PAUSE_MIN_MS } from '../../src/upstream/silence.ts';

test('an upstream that answers others is not silent, however late one question is', () => {
  const silence = new Silence();
  silence.heard(1000);
  silence.unanswered(900);
  assert.equal(silence.isSuspected, false);
  assert(silence.takeTurn(1000) && silence.takeTurn(1000));
});

test('one that has answered nothing since a question is suspected', () => {
  const silence = new Silence();
  silence.heard(500);
  silence.unanswered(1000);
  assert.equal(silence.isSuspected, true);
});

test('while suspected it takes one question a pause, and pauses grow', () => {
  const silence = new Silence();
  silence.unanswered(1000);
  let atMs = 1250;
  for (const pauseMs of [TRIAL_PAUSE_MIN_MS, 2 * TRIAL_PAUSE_MIN_MS, 4 * TRIAL_PAUSE_MIN_MS]) {
    assert.equal(silence.takeTurn(atMs), true);
    assert.equal(silence.takeTurn(atMs + pauseMs - 1), false);
    atMs += pauseMs;
  }
  assert.equal(silence.takeTurn(atMs), true);
  assert.equal(silence.takeTurn(atMs + TRIAL_PAUSE_MAX_MS - 1), false);
  assert.equal(silence.takeTurn(atMs + TRIAL_PAUSE_MAX_MS), true);
});

test('however many ask, a silent upstream gets less than seven questions in a second', () => {
  const silence = new Silence();
  silence.unanswered(0);
  for (const second of [0, 1, 2]) {
    let taken = 0;
    for (let ms = 0; ms < 1000; ms++) if (silence.takeTurn(1000 * second + ms)) taken += 1;
    assert(taken < 7, `${taken} in second ${second}`);
  }
});

test('any answer ends it, and the next trials come soon again', () => {
  const silence = new Silence();
  silence.unanswered(1000);
  for (const atMs of [2000, 3000, 4000]) assert(silence.takeTurn(atMs));
  silence.heard(5000);
  assert.equal(silence.isSuspected, false);
  silence.unanswered(4999);
  assert.equal(silence.isSuspected, false);
  silence.unanswered(5001);
  assert.equal(silence.takeTurn(6000), true);
  assert.equal(silence.takeTurn(6000 + TRIAL_PAUSE_MIN_MS), true);
});
