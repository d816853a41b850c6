/** Ready is who serves, is leased, has heard from an upstream lately, and stays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Readiness } from '../../src/control/readiness.ts';
import { HandClock } from './fake-interception.ts';

function create() {
  const clock = new HandClock();
  const state = {
    isLeased: true as boolean | undefined,
    answeredAtMs: 0 as number | undefined,
    asked: 0,
  };
  const readiness = new Readiness({
    clock,
    upstreamAgeMaxMs: 30_000,
    upstreamAnsweredAtMs: () => state.answeredAtMs,
    askUpstream: () => {
      state.asked += 1;
    },
    isLeased: () => state.isLeased,
  });
  return { readiness, clock, state };
}

test('from the start to the end, each reason by its name', () => {
  const { readiness, clock, state } = create();
  assert.deepEqual(readiness.reasons(), ['starting']);
  readiness.serve();
  assert.deepEqual(readiness.page(), { text: 'OK' });
  state.isLeased = false;
  assert.deepEqual(readiness.page(), { status: 503, text: 'no lease of interception\n' });
  state.isLeased = undefined;
  assert.deepEqual(readiness.reasons(), []);
  clock.ms = 30_000;
  assert.deepEqual(readiness.reasons(), []);
  clock.ms = 30_001;
  assert.deepEqual(readiness.reasons(), ['no upstream has answered for 30s']);
  readiness.end();
  assert.deepEqual(readiness.page().text, 'draining\nno upstream has answered for 30s\n');
});

test('an upstream that nobody asks is asked before its answer is too old', () => {
  const { readiness, clock, state } = create();
  readiness.serve();
  clock.ms = 10_000;
  assert.deepEqual(readiness.reasons(), []);
  assert.equal(state.asked, 0);
  clock.ms = 10_001;
  assert.deepEqual(readiness.reasons(), []);
  assert.equal(state.asked, 1);
});

test('one that has never answered is no upstream yet; without any there is nothing to miss', () => {
  const { readiness, state } = create();
  readiness.serve();
  state.answeredAtMs = Number.NEGATIVE_INFINITY;
  assert.equal(readiness.reasons().length, 1);
  assert.equal(state.asked, 1);
  state.answeredAtMs = undefined;
  assert.deepEqual(readiness.reasons(), []);
});

test('an age of 0 turns the question off', () => {
  const readiness = new Readiness({
    clock: new HandClock(),
    upstreamAgeMaxMs: 0,
    upstreamAnsweredAtMs: () => Number.NEGATIVE_INFINITY,
    askUpstream: () => assert.fail('nobody is asked'),
    isLeased: () => undefined,
  });
  readiness.serve();
  assert.deepEqual(readiness.reasons(), []);
});
