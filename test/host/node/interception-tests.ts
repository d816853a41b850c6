/**
 * What must hold for interception whatever its backend, with real packets between namespaces. Each test file runs it inside
 * `runInNamespace` for one backend and one kind of kube-proxy.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { chooseInterception } from '../../../src/host/choice.ts';
import {
  type FallbackEndpoint,
  type Interception,
  type InterceptionKind,
  type InterceptionOptions,
  RENEW_EVERY_MS,
} from '../../../src/host/interception.ts';
import { until } from '../../support/until.ts';
import {
  ALL_ADDRESSES,
  CLUSTER_IP,
  ENDPOINTS,
  FAMILIES,
  type KubeProxyMode,
  OWN,
  POD,
  sh,
  startKubeProxy,
  startNode,
  type TestNode,
} from './test-node.ts';

export const OPTIONS: InterceptionOptions = {
  backend: 'auto',
  addresses: ALL_ADDRESSES,
  standByAddresses: [OWN[4], OWN[6]],
  dnsPort: 53,
  healthPort: 8080,
};

export const FALLBACK: FallbackEndpoint[] = [...ENDPOINTS[4], ...ENDPOINTS[6]].map((address) => {
  return { address, port: 53 };
});

export interface Backend {
  readonly kind: InterceptionKind;
  readonly kubeProxy: KubeProxyMode;
  /** Everything that rules are made of, without counters. */
  readonly snapshot: () => string;
  /** As somebody would who cleans a node. */
  readonly flush: () => void;
}

/** Who answers every kind of query, by its name, such as `pod udp 10.96.0.10`. */
export async function answerers(node: TestNode): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  for (const family of FAMILIES) {
    for (const who of ['pod', 'host'] as const) {
      for (const protocol of ['udp', 'tcp'] as const) {
        for (const address of [OWN[family], CLUSTER_IP[family]]) {
          const answer = await node[who].ask(protocol, address).catch((error) => {
            return { by: String(error) };
          });
          answers[`${who} ${protocol} ${address}`] = answer.by;
        }
      }
    }
  }
  return answers;
}

export async function assertAllBy(by: 'us' | 'kube-dns', node: TestNode): Promise<void> {
  const answers = await answerers(node);
  assert.deepEqual(answers, Object.fromEntries(Object.keys(answers).map((name) => [name, by])));
}

/** With the lease renewed, more often than in life, until the test has ended. */
export async function startLeased(
  t: TestContext,
  options: Partial<InterceptionOptions> = {},
): Promise<Interception> {
  const interception = await start(options);
  await keepLeased(t, interception);
  return interception;
}

/** Returns what stops the renewals: there are no more once it resolves. */
export async function keepLeased(
  t: TestContext,
  interception: Interception,
): Promise<() => Promise<void>> {
  assert.equal(await interception.renew(), undefined);
  let renewing: Promise<unknown> = Promise.resolve();
  const renewals = setInterval(() => {
    renewing = renewing.then(() => interception.renew());
  }, RENEW_EVERY_MS / 2);
  const stop = async () => {
    clearInterval(renewals);
    await renewing;
  };
  stops.set(interception, stop);
  t.after(stop);
  return stop;
}

const stops = new WeakMap<Interception, () => Promise<void>>();

export async function start(options: Partial<InterceptionOptions> = {}): Promise<Interception> {
  const interception = await chooseInterception({ ...OPTIONS, ...options });
  await interception.setFallback(FALLBACK);
  assert.deepEqual(await interception.install(), []);
  assert.deepEqual(interception.losses, []);
  return interception;
}

export async function end(interception: Interception): Promise<void> {
  await stops.get(interception)?.();
  assert.deepEqual(await interception.withdraw(), []);
  assert.deepEqual(await interception.remove(), []);
}

export async function testInterception(backend: Backend): Promise<void> {
  await test(`interception by ${backend.kind}`, async (t) => {
    const node = await startNode(t);
    startKubeProxy(backend.kubeProxy);
    const before = backend.snapshot();

    await t.test('is chosen by what kube-proxy uses', async () => {
      assert.equal((await chooseInterception(OPTIONS)).kind, backend.kind);
    });

    await t.test(
      'brings every query here while the lease holds, and to kube-dns else',
      async (t) => {
        const interception = await start();
        await assertAllBy('kube-dns', node);
        // All of them may take longer than one lease holds.
        const stop = await keepLeased(t, interception);
        await assertAllBy('us', node);
        await stop();
        assert.deepEqual(await interception.withdraw(), []);
        await assertAllBy('kube-dns', node);
        assert.deepEqual(await interception.remove(), []);
      },
    );

    await t.test('leaves the node as it was', () => {
      assert.equal(backend.snapshot(), before);
    });

    await t.test('keeps intercepted queries out of connection tracking', async (t) => {
      const interception = await startLeased(t);
      sh('conntrack -F 2>/dev/null');
      await assertAllBy('us', node);
      assert.equal(sh('conntrack -L -p udp --dport 53 2>/dev/null'), '');
      assert.equal(sh('conntrack -L -p tcp --dport 53 2>/dev/null'), '');
      await end(interception);
    });

    await t.test('changes sides with the lease under a client that keeps its socket', async (t) => {
      const interception = await start();
      const stop = await keepLeased(t, interception);
      const addresses = [OWN[4], CLUSTER_IP[4], OWN[6], CLUSTER_IP[6]];
      const askAll = async () => {
        const asked = addresses.map((address) => {
          return node.pod.ask('udp', address, { socket: address });
        });
        const sides = (await Promise.all(asked)).map(({ by }) => by);
        await pause(50);
        return sides;
      };
      const untilAll = (by: string) =>
        until(`all are answered by ${by}`, async () => {
          return (await askAll()).every((side) => side === by);
        });
      await untilAll('us');
      await stop();
      const stoppedAt = performance.now();
      // Nobody takes part any more: the kernel alone changes sides.
      await untilAll('kube-dns');
      const heldMs = performance.now() - stoppedAt;
      assert.ok(heldMs > RENEW_EVERY_MS, `the lease held for ${heldMs} ms`);
      await interception.renew();
      assert.deepEqual(await askAll(), ['us', 'us', 'us', 'us']);
      await end(interception);
    });

    await t.test('spreads what stands by over all endpoints', async () => {
      const interception = await start();
      for (const family of FAMILIES) {
        const asked = new Set<string>();
        for (let round = 0; round < 40; round++) {
          const { at, from } = await node.pod.ask('udp', OWN[family]);
          assert.equal(from, POD[family]);
          asked.add(at);
        }
        assert.deepEqual([...asked].sort(), [...ENDPOINTS[family]].sort());
      }
      const only = FALLBACK.filter(({ address }) => address.endsWith('3'));
      assert.equal(await interception.setFallback(only), undefined);
      for (let round = 0; round < 10; round++) {
        assert.equal((await node.host.ask('udp', OWN[4])).at, ENDPOINTS[4][1]);
      }
      assert.equal(await interception.setFallback([]), undefined);
      assert.equal((await node.pod.ask('udp', OWN[4])).by, 'us');
      await end(interception);
    });

    await t.test('comes back when somebody removes the rules', async (t) => {
      const interception = await start();
      await interception.renew();
      let changeCount = 0;
      const unwatch = interception.watch(() => {
        changeCount += 1;
      });
      const repair = await interception.ensure();
      assert.deepEqual(repair, { restored: 0, removed: 0, failures: [] });
      backend.flush();
      await until('the change is noticed', async () => changeCount > 0);
      const { restored, failures } = await interception.ensure();
      assert.deepEqual(failures, []);
      assert.ok(restored > 0);
      const stop = await keepLeased(t, interception);
      await assertAllBy('us', node);
      await stop();
      unwatch();
      backend.flush();
      // Without being told, the next renewal finds it out.
      await keepLeased(t, interception);
      await assertAllBy('us', node);
      await end(interception);
    });

    await t.test('is told by nothing but changes', async () => {
      const interception = await start();
      let changeCount = 0;
      const stop = interception.watch(() => {
        changeCount += 1;
      });
      // What `start` itself changed is told once.
      await pause(600);
      changeCount = 0;
      for (let round = 0; round < 10; round++) {
        await interception.renew();
        await pause(100);
      }
      assert.equal(changeCount, 0);
      stop();
      await end(interception);
    });

    await t.test('is shared by two daemons, and outlives the one that leaves first', async (t) => {
      const first = await start();
      const second = await start();
      // In turns and apart: renewals at the same moment cannot be told from each other.
      for (let round = 0; round < 3; round++) {
        for (const interception of [first, second]) {
          assert.equal(await interception.renew(), undefined);
          await pause(RENEW_EVERY_MS / 4);
        }
      }
      await keepLeased(t, second);
      await end(first);
      await assertAllBy('us', node);
      const facts = await second.describe();
      for (const { rulesExpected, rulesPresent } of facts.addresses) {
        assert.equal(rulesPresent, rulesExpected);
      }
      // The other has not renewed for three seconds: it is gone.
      await pause(4000);
      await end(second);
      assert.equal((await node.pod.ask('udp', CLUSTER_IP[4])).by, 'kube-dns');
    });

    await t.test('describes itself', async (t) => {
      const interception = await startLeased(t);
      const facts = await interception.describe();
      assert.equal(facts.kind, backend.kind);
      assert.equal(facts.hasLease, true);
      assert.deepEqual(facts.losses, []);
      assert.deepEqual(facts.failures, []);
      assert.deepEqual(
        facts.addresses.map(({ address }) => address).sort(),
        [...ALL_ADDRESSES].sort(),
      );
      for (const { rulesExpected, rulesPresent, leaseAgeMs } of facts.addresses) {
        assert.ok(rulesExpected > 0);
        assert.equal(rulesPresent, rulesExpected);
        assert.ok(leaseAgeMs !== undefined && leaseAgeMs < 3000, `${leaseAgeMs}`);
      }
      await end(interception);
    });

    await t.test('leaves no rule behind, whatever happened', () => {
      // Of two that used a table, none knows that it was not there before both: it stays, empty.
      assert.equal(withoutEmptyTables(backend.snapshot()), withoutEmptyTables(before));
    });
  });
}

/** Without base chains that have no rule, and tables that have no other chain, as `nft list` prints them. */
function withoutEmptyTables(listing: string): string {
  const chain = /\tchain \w+ \{\n\t\ttype .*policy accept;\n\t\}\n\n?/g;
  return listing.replace(chain, '').replace(/^table .* \{\n\}\n/gm, '');
}
