/**
 * `serve_stale ... verify TIMEOUT` (CoreDNS plugin/cache: TestServeFromStaleCacheFetchVerifyTimeout and its kin): no client waits longer
 * for the upstream than that, whoever asked first, and what comes later is kept.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dead, fresh, NEW, OLD, old } from './clocked-scripts.ts';
import { ClockedStage, keepTimetable, type Outcome } from './clocked-stage.ts';

const NAME = 'www.example.org';

/** A stage with an expired answer, and an upstream that answers when it is told to. */
async function setWithSlowUpstream(settings: string) {
  const stage = new ClockedStage(`cache {\nsuccess 1024 3600 0\n${settings}\n}`);
  stage.script(NAME, old(60));
  await stage.ask({ name: NAME });
  stage.passes(120);
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  stage.script(NAME, () => promise);
  return { stage, answer: resolve };
}

const address = async (stage: ClockedStage) => (await stage.ask({ name: NAME })).data('A');

test('each client gets the expired answer in time, also one that comes while the upstream is being asked', async () => {
  const { stage, answer } = await setWithSlowUpstream('serve_stale 1h verify 10ms');
  for (const _ of ['first', 'second', 'third']) assert.deepEqual(await address(stage), OLD);
  assert.deepEqual(await Promise.all([address(stage), address(stage)]), [OLD, OLD]);
  assert.equal(stage.asked(NAME), 2, 'one question for all');
  answer({ flags: 0x80, answers: [{ type: 'A', name: NAME, ttl: 60, data: NEW[0]! }] });
  await stage.settles();
  assert.deepEqual(await address(stage), NEW);
  assert.equal(stage.asked(NAME), 2);
});

test('with FAILURE_RECHECK a failure that comes late counts from when it comes', async () => {
  const { stage, answer } = await setWithSlowUpstream('serve_stale 1h verify 10ms 0 30s');
  assert.deepEqual(await address(stage), OLD);
  stage.passes(3);
  answer('dead');
  await stage.settles();
  stage.passes(29);
  assert.deepEqual(await address(stage), OLD);
  assert.equal(stage.asked(NAME), 2);
  stage.script(NAME, dead);
  stage.passes(1);
  assert.deepEqual(await address(stage), OLD);
  assert.equal(stage.asked(NAME), 3);
});

test('an upstream in time is what the client gets', () =>
  keepTimetable('cache {\nsuccess 1024 3600 0\nserve_stale 1h verify 1s\n}', [
    { at: 0, upstream: old(60), gets: ['NOERROR', OLD, 60], asked: 1 },
    { at: 120, upstream: fresh(60), gets: ['NOERROR', NEW, 60], asked: 2 },
    { at: 150, gets: ['NOERROR', NEW, 30], asked: 2 },
    // Not to be kept, it still says what is true.
    { at: 240, upstream: fresh(0), gets: ['NOERROR', NEW, 0], asked: 3 },
    { at: 241, upstream: dead, gets: ['NOERROR', NEW, 0], asked: 4 },
  ]));
