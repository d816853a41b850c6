import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Silence, TRIAL_INTERVAL_MS } from '../../src/upstream/silence.ts';

test('an upstream that answers others is not silent, however late one question is', () => {
  const silence = new Silence();
  silence.heard(1000);
  silence.unanswered(900);
  assert.equal(silence.isSuspected, false);
  assert(silence.takeTurn(1000) && silence.takeTurn(1000));
});

test('one that has answered nothing since a question is suspected, and certainly silent a second after it', () => {
  const silence = new Silence();
  silence.heard(500);
  silence.unanswered(1000);
  silence.unanswered(1100);
  assert.equal(silence.isSuspected, true);
  assert.equal(silence.isCertain(1999), false);
  assert.equal(silence.isCertain(2000), true);
});

test('while suspected it takes one question an interval', () => {
  const silence = new Silence();
  silence.unanswered(1000);
  assert.equal(silence.takeTurn(1250), true);
  assert.equal(silence.takeTurn(1250 + TRIAL_INTERVAL_MS - 1), false);
  assert.equal(silence.takeTurn(1250 + TRIAL_INTERVAL_MS), true);
});

test('any answer ends it', () => {
  const silence = new Silence();
  silence.unanswered(1000);
  silence.heard(3000);
  assert.equal(silence.isSuspected, false);
  assert.equal(silence.isCertain(9000), false);
  silence.unanswered(2999);
  assert.equal(silence.isSuspected, false);
});
