/** Interface and interception in their order, over fakes that remember. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LinkKeeper } from '../../src/control/link-keeper.ts';
import { NodeNetwork, servedAddresses } from '../../src/control/node-network.ts';
import { RulesKeeper } from '../../src/control/rules-keeper.ts';
import { SetupErrors } from '../../src/control/setup-errors.ts';
import { createFamilies } from '../../src/metrics/families.ts';
import {
  FAILURE,
  FakeInterception,
  FakeLink,
  HandClock,
  LOCKED,
  recordingLog,
} from './fake-interception.ts';

const OWN = '169.254.20.10';
const CLUSTER = '10.96.0.10';

interface Setting {
  readonly hasRules?: boolean;
  readonly skipTeardown?: boolean;
  readonly isShared?: boolean;
}

function create({ hasRules = true, skipTeardown = false, isShared = false }: Setting = {}) {
  const calls: string[] = [];
  const fakeLink = new FakeLink(calls);
  const fakeRules = new FakeInterception(calls);
  const clock = new HandClock();
  const { log, lines } = recordingLog();
  const errors = new SetupErrors();
  const { count } = errors;
  const lease = {
    isHeld: false,
    start: async () => {
      calls.push('lease');
      lease.isHeld = true;
    },
    stop: async () => {
      calls.push('no lease');
      lease.isHeld = false;
    },
  };
  const rules = new RulesKeeper({ rules: fakeRules, log, count });
  const network = new NodeNetwork({
    addresses: { own: [OWN], takenOver: [CLUSTER] },
    link: new LinkKeeper({ link: fakeLink, log, clock, count }),
    interception: hasRules ? Promise.resolve({ rules, lease }) : undefined,
    syncIntervalMs: 60_000,
    skipTeardown,
    isShared: () => isShared,
    log,
  });
  const counted = (errorType: string) => {
    const families = createFamilies();
    errors.collect(families);
    return families.setupErrors.cell(errorType).value;
  };
  return { network, calls, fakeLink, fakeRules, rules, clock, lines, counted };
}

test('own addresses first; what is taken over comes between rules and lease', async () => {
  const { network, calls, lines } = create();
  network.setUp();
  assert.deepEqual(calls, [`link ${OWN}`]);
  assert.equal(network.isLeased, false);
  await network.intercept();
  assert.deepEqual(calls.slice(1), ['install', `link ${OWN} ${CLUSTER}`, 'lease']);
  assert.equal(network.isLeased, true);
  assert.ok(lines.some((line) => line.includes(`interception: nft: ${OWN}, ${CLUSTER}`)));
  await network.withdraw();
});

test('without interception all addresses are there at once, and there is no lease to hold', async () => {
  const { network, calls } = create({ hasRules: false });
  network.setUp();
  await network.intercept();
  assert.deepEqual(calls, [`link ${OWN} ${CLUSTER}`]);
  assert.equal(network.isLeased, undefined);
  await network.withdraw();
  await network.remove();
  assert.equal(calls.at(-1), 'link removed');
});

test('the end: lease, rules toward us, then (after the drain) all rules and the addresses', async () => {
  const { network, calls, fakeLink, fakeRules } = create();
  network.setUp();
  await network.intercept();
  calls.length = 0;
  await network.withdraw();
  assert.deepEqual(calls.slice(0, 2), ['no lease', 'withdraw']);
  assert.equal(fakeRules.onChange, undefined);
  // Somebody takes the address while answers are still on their way: it comes back.
  assert.ok(fakeLink.onChange);
  await network.remove();
  assert.deepEqual(calls.slice(-2), ['remove', 'link removed']);
  assert.equal(fakeLink.onChange, undefined);
});

for (const setting of [{ skipTeardown: true }, { isShared: true }] as const) {
  test(`with ${Object.keys(setting)} the lease goes, rules and addresses stay`, async () => {
    const { network, calls } = create(setting);
    network.setUp();
    await network.intercept();
    await network.withdraw();
    await network.remove();
    assert.ok(calls.includes('withdraw'));
    assert.ok(!calls.includes('remove') && !calls.includes('link removed'));
  });
}

test('an end before interception has begun leaves it at that', async () => {
  const { network, calls } = create();
  network.setUp();
  await network.withdraw();
  await network.intercept();
  assert.ok(!calls.includes('lease') && !calls.includes('install'));
});

test('rules that cannot be installed at all are tried again; some are better than none', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const { network, calls, fakeRules, counted, lines } = create();
  fakeRules.failures.push([FAILURE], [LOCKED]);
  const done = network.intercept();
  await flush();
  assert.deepEqual(calls, ['install']);
  fakeRules.rulesPresent = 3;
  t.mock.timers.tick(5000);
  await done;
  assert.deepEqual(calls.slice(0, 2), ['install', 'install']);
  assert.ok(calls.includes('lease'));
  assert.deepEqual([counted('iptables'), counted('iptables_lock')], [1, 1]);
  assert.ok(lines.some((line) => line.includes('nft: no')));
  await network.withdraw();
});

test('what is lost is put back at once, counted, and logged in words that operators look for', async () => {
  const { network, calls, fakeLink, fakeRules, rules, clock, lines } = create();
  fakeLink.missing = [OWN];
  network.setUp();
  await network.intercept();
  assert.ok(lines.some((line) => line.endsWith('Added interface - nodelocaldns')));
  calls.length = 0;
  clock.ms += 1000;
  fakeLink.missing = [CLUSTER];
  fakeLink.onChange!();
  assert.deepEqual(calls, [`link ${OWN} ${CLUSTER}`]);
  fakeRules.repair = { restored: 2, removed: 1, failures: [] };
  fakeRules.onChange!();
  await rules.look();
  assert.ok(lines.some((line) => line.includes('Added back nodelocaldns rule - 2')));
  assert.ok(lines.some((line) => line.includes('Removed 1 rules')));
  await network.withdraw();
});

test('two programs that undo each other’s work meet ten times a second at most', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const { network, calls, fakeLink, clock } = create();
  network.setUp();
  clock.ms += 1000;
  calls.length = 0;
  for (let count = 0; count < 100; count++) fakeLink.onChange!();
  assert.equal(calls.length, 1);
  clock.ms += 100;
  t.mock.timers.tick(100);
  assert.equal(calls.length, 2);
  await network.withdraw();
});

test('a look at every interval puts back what no notification told of', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { network, calls } = create();
  network.setUp();
  calls.length = 0;
  t.mock.timers.tick(60_000);
  // Rules are not looked at before they were installed.
  assert.deepEqual(calls, [`link ${OWN}`]);
  await network.intercept();
  calls.length = 0;
  t.mock.timers.tick(60_000);
  await flush();
  assert.deepEqual(calls, [`link ${OWN} ${CLUSTER}`, 'ensure']);
  await network.withdraw();
});

test('failures of the interface are counted each time and logged once', async () => {
  const { network, fakeLink, clock, counted, lines } = create();
  fakeLink.failures = [{ errorType: 'interface_add', failure: FAILURE }];
  network.setUp();
  clock.ms += 1000;
  fakeLink.onChange!();
  assert.equal(counted('interface_add'), 2);
  assert.equal(lines.filter((line) => line.includes('nft: no')).length, 1);
  await network.withdraw();
});

test('changes of rules during a repair are looked at once more, not once each', async () => {
  const { network, calls, fakeRules, rules } = create();
  network.setUp();
  await network.intercept();
  calls.length = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  fakeRules.gate = promise;
  for (let count = 0; count < 10; count++) fakeRules.onChange!();
  resolve();
  await rules.look();
  assert.equal(calls.filter((call) => call === 'ensure').length, 2);
  await network.withdraw();
});

test('own addresses are the link-local ones of each family, or the first', () => {
  const own = (...localIps: string[]) => servedAddresses(localIps).own;
  assert.deepEqual(own(OWN, CLUSTER), [OWN]);
  assert.deepEqual(own(CLUSTER, OWN), [OWN]);
  assert.deepEqual(own('192.0.2.1', CLUSTER), ['192.0.2.1']);
  assert.deepEqual(own(OWN, CLUSTER, 'fd00:90::a', 'fd00:96::a'), [OWN, 'fd00:90::a']);
  assert.deepEqual(own('fd00:90::a', 'fe80::a'), ['fe80::a']);
  assert.deepEqual(servedAddresses([OWN, CLUSTER]).takenOver, [CLUSTER]);
});

async function flush(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
