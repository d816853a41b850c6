/** kube-dns's endpoints by DNS: what sets the rule, what changes it, and what leaves it alone. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FallbackService } from '../../src/control/fallback-service.ts';
import type { SelfAnswer, SelfQuestion } from '../../src/control/self-query.ts';
import { QTYPE, RCODE } from '../../src/wire/registry.ts';
import { FAILURE, FakeInterception, recordingLog } from './fake-interception.ts';

const NAME = 'kube-dns-endpoints.kube-system.svc.cluster.local.';

function create(t: TestContext, names = [NAME]) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const interception = new FakeInterception();
  const { log, lines } = recordingLog();
  const state = { answer: (_: SelfQuestion): SelfAnswer => answered(RCODE.NXDOMAIN), asked: 0 };
  const told: unknown[] = [];
  const service = new FallbackService({
    names: () => names,
    ask: async (question) => {
      state.asked += 1;
      return state.answer(question);
    },
    setFallback: interception.setFallback,
    onFailure: (failure) => told.push(failure),
    log,
  });
  t.after(() => service.close());
  const wait = async (ms: number) => {
    t.mock.timers.tick(ms);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return { service, state, interception, lines, told, wait };
}

function answered(rcode: number, ...addresses: string[]): SelfAnswer {
  return { code: 'answered', rcode, addresses };
}

/** A and AAAA records of one name. */
function records(...addresses: string[]) {
  return ({ qtype }: SelfQuestion) => {
    const own = addresses.filter((address) => address.includes(':') === (qtype === QTYPE.AAAA));
    return answered(RCODE.NOERROR, ...own);
  };
}

test('endpoints of both families are set, in one order, and again only when they change', async (t) => {
  const { service, state, interception, wait, lines } = create(t);
  state.answer = records('10.244.1.2', '10.244.0.2', 'fd00:244::2');
  await service.start();
  state.answer = records('10.244.0.2', '10.244.1.2', 'fd00:244::2');
  await wait(10_000);
  state.answer = records('10.244.0.2');
  await wait(10_000);
  assert.deepEqual(interception.calls, [
    'fallback 10.244.0.2,10.244.1.2,fd00:244::2',
    'fallback 10.244.0.2',
  ]);
  assert.match(lines[0]!, /go to 10\.244\.0\.2, 10\.244\.1\.2, fd00:244::2$/);
});

for (const [what, answer] of [
  ['nobody answers', { code: 'failed', reason: 'no answer' }],
  ['the Service has no endpoints', answered(RCODE.NOERROR)],
  ['the Service is gone', answered(RCODE.NXDOMAIN)],
] as const) {
  test(`the last known ones stay when ${what}`, async (t) => {
    const { service, state, interception, wait } = create(t);
    state.answer = records('10.244.0.2');
    await service.start();
    state.answer = () => answer;
    for (let look = 0; look < 5; look++) await wait(10_000);
    assert.deepEqual(interception.calls, ['fallback 10.244.0.2']);
  });
}

test('a Service that does not exist is told once and asked for seldom', async (t) => {
  const { service, state, wait, lines } = create(t);
  await service.start();
  const before = state.asked;
  for (let look = 0; look < 30; look++) await wait(10_000);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /kube-dns-endpoints.*is NXDOMAIN/);
  assert.equal(state.asked - before, 2);
});

test('the first name that has addresses is it', async (t) => {
  const { service, state, interception } = create(t, ['a.test.', NAME]);
  state.answer = (question) => {
    return question.name === NAME ? records('10.244.0.2')(question) : answered(RCODE.NXDOMAIN);
  };
  await service.start();
  assert.deepEqual(interception.calls, ['fallback 10.244.0.2']);
});

test('a rule that cannot be set is told, and set at the next look', async (t) => {
  const { service, state, interception, wait, told } = create(t);
  state.answer = records('10.244.0.2');
  interception.failures.push([FAILURE]);
  await service.start();
  await wait(10_000);
  assert.deepEqual(told, [FAILURE]);
  assert.equal(interception.calls.length, 2);
});

test('of very many endpoints some are enough', async (t) => {
  const { service, state, interception } = create(t);
  state.answer = records(...Array.from({ length: 60 }, (_, number) => `10.244.0.${number}`));
  await service.start();
  assert.equal(interception.calls[0]?.split(',').length, 16);
});
