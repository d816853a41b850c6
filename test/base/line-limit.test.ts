import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LINES_PER_SECOND, LineLimit } from '../../src/base/line-limit.ts';

/** A limit whose clock and timers are turned by hand. */
function limitAt(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 5000;
  const summaries: number[] = [];
  const limit = new LineLimit({ nowMs: () => nowMs }, (count) => summaries.push(count));
  const pass = (ms: number) => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  const admitted = (count: number) =>
    Array.from({ length: count }, () => limit.admits()).filter(Boolean).length;
  return { summaries, pass, admitted };
}

test('so many lines a second, then none', (t) => {
  const { summaries, pass, admitted } = limitAt(t);
  assert.equal(admitted(LINES_PER_SECOND - 1), LINES_PER_SECOND - 1);
  assert.equal(admitted(500), 1);
  pass(1000);
  assert.deepEqual(summaries, [499]);
  assert.equal(admitted(500), LINES_PER_SECOND);
});

test('the summary comes by itself a second later, once', (t) => {
  const { summaries, pass, admitted } = limitAt(t);
  admitted(LINES_PER_SECOND + 3);
  pass(999);
  assert.deepEqual(summaries, []);
  pass(1);
  assert.deepEqual(summaries, [3]);
  pass(10_000);
  assert.deepEqual(summaries, [3]);
});

test('no summary where nothing was suppressed', (t) => {
  const { summaries, pass, admitted } = limitAt(t);
  for (let second = 0; second < 3; second++) {
    assert.equal(admitted(LINES_PER_SECOND), LINES_PER_SECOND);
    pass(1000);
  }
  assert.deepEqual(summaries, []);
});
