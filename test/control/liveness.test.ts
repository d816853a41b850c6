/** Alive is who makes progress: not who is idle, busy, or without upstreams. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Liveness } from '../../src/control/liveness.ts';

function create(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const rounds = [0, 0];
  const state = { answered: 0, asked: 0, answers: true, hasAddress: true };
  const liveness = new Liveness({
    rounds: () => [...rounds],
    answered: () => state.answered,
    ask: () => {
      state.asked += 1;
      if (state.answers) state.answered += 1;
      return state.hasAddress;
    },
  });
  t.after(() => liveness.close());
  /** So many looks, two seconds apart, while these responders go round. */
  const look = (times: number, moving = [0, 1]) => {
    for (let time = 0; time < times; time++) {
      for (const index of moving) rounds[index]! += 4;
      t.mock.timers.tick(2000);
    }
  };
  return { liveness, state, look };
}

test('idle, it asks itself, and is alive while it is answered', (t) => {
  const { liveness, state, look } = create(t);
  look(10);
  assert.equal(liveness.problem, undefined);
  // What it was answered itself is an answer, too.
  assert.equal(state.asked, 5);
});

test('a responder that stands still for ten seconds is the end of it, until it moves', (t) => {
  const { liveness, look } = create(t);
  look(4, [0]);
  assert.equal(liveness.problem, undefined);
  look(1, [0]);
  assert.equal(liveness.problem, 'responder 1 has made no progress for 10 s');
  look(1);
  assert.equal(liveness.problem, undefined);
});

test('so is a socket that answers nobody for ten seconds', (t) => {
  const { liveness, state, look } = create(t);
  state.answers = false;
  look(4);
  assert.equal(liveness.problem, undefined);
  look(1);
  assert.equal(liveness.problem, 'the DNS socket has not answered for 10 s');
  state.answers = true;
  look(2);
  assert.equal(liveness.problem, undefined);
});

test('under load, when questions of our own get lost, the answers to others are the proof', (t) => {
  const { liveness, state, look } = create(t);
  state.answers = false;
  for (let round = 0; round < 20; round++) {
    state.answered += 1000;
    look(1);
  }
  assert.equal(liveness.problem, undefined);
  assert.equal(state.asked, 0);
});

test('with no address of our own there is nothing to ask', (t) => {
  const { liveness, state, look } = create(t);
  state.answers = false;
  state.hasAddress = false;
  look(10);
  assert.equal(liveness.problem, undefined);
});
