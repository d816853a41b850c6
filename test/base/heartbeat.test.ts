/** One timer for all that is done every few seconds, no faster than they need it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Heartbeat } from '../../src/base/heartbeat.ts';

function create(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const heart = new Heartbeat();
  const calls: string[] = [];
  const start = (name: string, seconds: number) => heart.every(seconds, () => calls.push(name));
  const pass = (ms: number) => {
    calls.length = 0;
    t.mock.timers.tick(ms);
    return calls.join(' ');
  };
  return { start, pass };
}

test('each is called at its own pace, until it is stopped', (t) => {
  const { start, pass } = create(t);
  const stop = start('one', 1);
  assert.equal(pass(999), '');
  assert.equal(pass(1), 'one');
  assert.equal(pass(2000), 'one one');
  stop();
  assert.equal(pass(5000), '');
});

test('whoever comes between two beats waits at least its own time', (t) => {
  const { start, pass } = create(t);
  start('one', 1);
  pass(900);
  start('two', 2);
  assert.equal(pass(100), 'one');
  assert.equal(pass(1000), 'one');
  assert.equal(pass(1000), 'one two');
  assert.equal(pass(2000), 'one one two');
});

test('a heart that had stopped beats again', (t) => {
  const { start, pass } = create(t);
  start('one', 1)();
  assert.equal(pass(3000), '');
  start('two', 2);
  assert.equal(pass(1999), '');
  assert.equal(pass(1), 'two');
});

test('it beats no faster than its tasks need', (t) => {
  const { start, pass } = create(t);
  const { mock } = t.mock.method(globalThis, 'setInterval');
  const tempo = () => mock.calls.at(-1)?.arguments[1];
  start('two', 2);
  start('ten', 10);
  assert.equal(tempo(), 2000);
  const stop = start('one', 1);
  assert.equal(tempo(), 1000);
  assert.equal(pass(2000), 'one two one');
  stop();
  assert.equal(tempo(), 1000);
  pass(1000);
  assert.equal(tempo(), 2000);
  assert.equal(pass(2000), 'two');
});

test('whoever comes and goes all the time keeps nobody else waiting', (t) => {
  const { start, pass } = create(t);
  start('two', 2);
  const calls: string[] = [];
  let stop = start('one', 1);
  for (let round = 0; round < 20; round++) {
    calls.push(pass(900));
    stop();
    stop = start('one', 1);
  }
  const count = calls.filter((call) => call.includes('two')).length;
  assert(count >= 5 && count <= 9, `${count} in 18 s`);
});
