/** The end in its order, once, within its budget, whatever fails or hangs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ending, type EndingSteps } from '../../src/control/ending.ts';
import { recordingLog } from './fake-interception.ts';

const HANGS = new Promise<void>(() => {});

function create(steps: Partial<EndingSteps> = {}, { budgetMs = 300, lameduckMs = 0 } = {}) {
  const calls: string[] = [];
  const { log, lines } = recordingLog();
  const called = (what: string) => async () => {
    calls.push(what);
  };
  const exited = Promise.withResolvers<number>();
  const ending = new Ending({
    log,
    budgetMs,
    lameduckMs: () => lameduckMs,
    exit: (code) => {
      calls.push(`exit ${code}`);
      exited.resolve(code);
    },
    steps: {
      announce: () => calls.push('announce'),
      withdraw: called('withdraw'),
      drain: called('drain'),
      remove: called('remove'),
      ...steps,
    },
  });
  return { ending, calls, lines, exited: exited.promise };
}

test('withdraw, drain, remove, exit', async () => {
  const { ending, calls } = create();
  assert.equal(ending.hasBegun, false);
  await ending.begin(0, { isLame: true });
  assert.deepEqual(calls, ['announce', 'withdraw', 'drain', 'remove', 'exit 0']);
  assert.equal(ending.hasBegun, true);
});

test('once, though a failure on the way shows in the exit code', async () => {
  const drained = Promise.withResolvers<void>();
  const { ending, calls, exited } = create({ drain: () => drained.promise });
  const first = ending.begin(0, { isLame: false });
  await ending.begin(1, { isLame: false });
  drained.resolve();
  await first;
  assert.equal(await exited, 1);
  assert.deepEqual(calls, ['announce', 'withdraw', 'remove', 'exit 1']);
});

test('lame duck comes behind the withdrawal and is not in the budget', async () => {
  const { ending, lines } = create({}, { budgetMs: 100, lameduckMs: 150 });
  // Told by a timer that counts from the same moment, the beginning of this turn, and not by a clock that was read later.
  let isTime = false;
  setTimeout(() => {
    isTime = true;
  }, 149);
  await ending.begin(0, { isLame: true });
  assert.ok(isTime);
  assert.deepEqual(lines, []);
});

test('a step that fails does not keep the next from its turn', async () => {
  const fails = async () => {
    throw new Error('provoked');
  };
  const { ending, calls, lines } = create({ withdraw: fails, drain: fails, remove: fails });
  await ending.begin(0, { isLame: false });
  assert.deepEqual(calls, ['announce', 'exit 0']);
  assert.equal(lines.filter((line) => line.includes('provoked')).length, 3);
});

for (const hanging of ['withdraw', 'drain', 'remove'] as const) {
  test(`${hanging} that hangs ends with the budget, and what comes behind it is done`, async () => {
    const { ending, calls, lines, exited } = create({ [hanging]: () => HANGS });
    void ending.begin(0, { isLame: false });
    assert.equal(await exited, 0);
    const expected = ['withdraw', 'drain', 'remove'].filter((step) => step !== hanging);
    assert.deepEqual(calls.slice(0, 4), ['announce', ...expected, 'exit 0']);
    assert.ok(lines.some((line) => /took more than/.test(line)));
  });
}

test('by force nothing is waited for, and what others would stumble over is taken away', async () => {
  const drained = Promise.withResolvers<void>();
  const { ending, calls, exited } = create({ drain: () => drained.promise }, { budgetMs: 60_000 });
  const begun = ending.begin(0, { isLame: false });
  await ending.force(2);
  assert.equal(await exited, 2);
  assert.ok(calls.indexOf('remove') < calls.indexOf('exit 2'));
  // The timer of the budget would keep the process of this test for 42 s.
  drained.resolve();
  await begun;
});
