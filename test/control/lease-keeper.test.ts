/** The lease is renewed each second while every responder goes round, and not otherwise. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LeaseKeeper } from '../../src/control/lease-keeper.ts';
import type { HostFailure } from '../../src/host/failure.ts';
import { RENEW_EVERY_MS } from '../../src/host/interception.ts';
import { FAILURE, FakeInterception, HandClock, recordingLog } from './fake-interception.ts';

function create(t: TestContext, responders = 2) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const interception = new FakeInterception();
  const clock = new HandClock();
  const rounds = new Array<number>(responders).fill(0);
  let prompts = 0;
  const told: HostFailure[] = [];
  const { log, lines } = recordingLog();
  const keeper = new LeaseKeeper({
    rounds: () => [...rounds],
    prompt: () => {
      prompts += 1;
    },
    renew: interception.renew,
    onFailure: (failure) => told.push(failure),
    log,
    clock,
  });
  /** A second, in which these responders go round. */
  const second = async (...moving: number[]) => {
    for (const index of moving) rounds[index]! += 2;
    clock.ms += RENEW_EVERY_MS;
    t.mock.timers.tick(RENEW_EVERY_MS);
    await flush();
  };
  const renewals = () => interception.calls.length;
  t.after(() => keeper.stop());
  return { keeper, interception, clock, told, lines, second, renewals, prompts: () => prompts };
}

/** Lets what was resolved go on. */
async function flush(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

test('is given at once and renewed each second', async (t) => {
  const { keeper, renewals, second } = create(t);
  assert.equal(keeper.isHeld, false);
  await keeper.start();
  assert.equal(keeper.isHeld, true);
  await second(0, 1);
  await second(0, 1);
  assert.equal(renewals(), 3);
  await keeper.stop();
  await second(0, 1);
  assert.equal(renewals(), 3);
  assert.equal(keeper.isHeld, false);
});

test('one responder that stands still stops the renewal, which is said once', async (t) => {
  const { keeper, renewals, second, lines } = create(t);
  await keeper.start();
  for (let round = 0; round < 5; round++) await second(0);
  assert.equal(renewals(), 1);
  assert.equal(keeper.isHeld, false);
  assert.deepEqual(
    lines.filter((line) => line.includes('responder 1 makes no progress')).length,
    1,
  );
  await second(0, 1);
  assert.equal(renewals(), 2);
  assert.equal(keeper.isHeld, true);
  assert.match(lines.at(-1)!, /the lease is renewed/);
});

test('responders are prompted a second before each renewal', async (t) => {
  const { keeper, prompts, second } = create(t);
  await keeper.start();
  assert.equal(prompts(), 1);
  await second(0, 1);
  assert.equal(prompts(), 2);
  await second(0);
  assert.equal(prompts(), 3);
});

test('without responder threads, being here is the proof', async (t) => {
  const { keeper, renewals, second } = create(t, 0);
  await keeper.start();
  await second();
  assert.equal(renewals(), 2);
});

test('a renewal that fails is told, and tried again', async (t) => {
  const { keeper, interception, told, second, lines } = create(t);
  interception.failures.push([FAILURE], [FAILURE]);
  await keeper.start();
  assert.equal(keeper.isHeld, false);
  await second(0, 1);
  assert.deepEqual(told, [FAILURE, FAILURE]);
  assert.equal(lines.filter((line) => line.includes('nft: no')).length, 1);
  await second(0, 1);
  assert.equal(keeper.isHeld, true);
});

test('a renewal that takes long is not joined by another, and the stop waits for it', async (t) => {
  const { keeper, interception, second, renewals } = create(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  interception.gate = promise;
  const started = keeper.start();
  await second(0, 1);
  await second(0, 1);
  assert.equal(renewals(), 1);
  const stopped = keeper.stop();
  resolve();
  await Promise.all([started, stopped]);
  assert.equal(keeper.isHeld, false);
});

test('a held lease is out when nobody has renewed it for its time', async (t) => {
  const { keeper, clock } = create(t);
  await keeper.start();
  clock.ms += 2999;
  assert.equal(keeper.isHeld, true);
  clock.ms += 1;
  assert.equal(keeper.isHeld, false);
});
