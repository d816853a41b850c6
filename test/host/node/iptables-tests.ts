/** What must hold for interception through iptables in either variant, besides interception-tests.ts. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { chooseInterception } from '../../../src/host/choice.ts';
import { type Run, runCommand } from '../../../src/host/command.ts';
import { rulesFor } from '../../../src/host/rules.ts';
import { until } from '../../support/until.ts';
import { assertAllBy, end, keepLeased, OPTIONS, start, startLeased } from './interception-tests.ts';
import {
  ALL_ADDRESSES,
  CLUSTER_IP,
  FAMILIES,
  OWN,
  sh,
  startKubeProxy,
  startNode,
} from './test-node.ts';

type Kind = 'iptables-nft' | 'iptables-legacy';

const iptables = (kind: Kind, address: string) =>
  `${address.includes(':') ? kind.replace('ip', 'ip6') : kind} -w 5`;

/** node-cache's arguments for its twelve rules of an address, or those of its releases before 1.22.19. */
function nodeCacheRules(address: string, { hasComment = true } = {}): string[] {
  return rulesFor(address, { dnsPort: 53, healthPort: 8080 }).map((rule) => {
    const { table, chain, protocol, direction, port, target } = rule;
    const text = {
      NOTRACK: 'NodeLocal DNS Cache: skip conntrack',
      ACCEPT: 'NodeLocal DNS Cache: allow DNS traffic',
    }[target];
    const comment = hasComment ? ` -m comment --comment "${text}"` : '';
    return `${chain} -t ${table} -p ${protocol} -${direction} ${address} --${direction}port ${port} -j ${target}${comment}`;
  });
}

/** Fails as a kernel without a part does, when the text asks for it. */
function without(part: string, said: string): Run {
  return async (binary, args, input = '') => {
    if (!binary.endsWith('-restore') || !input.includes(part))
      return runCommand(binary, args, input);
    return { ok: false, failure: { code: 'command_failed', command: binary, detail: said } };
  };
}

export async function testIptables(kind: Kind): Promise<void> {
  await test(`rules of ${kind}`, async (t) => {
    const node = await startNode(t);
    startKubeProxy(kind);

    await t.test('are found by who looks for node-cache’s', async () => {
      const interception = await start();
      await interception.renew();
      for (const address of ALL_ADDRESSES) {
        const rules = nodeCacheRules(address);
        const isToward = (rule: string) => / -t raw .*-d .*--dport 53/.test(rule);
        // The four rules toward us have the lease besides.
        for (const rule of rules.filter((rule) => !isToward(rule))) {
          sh(`${iptables(kind, address)} -C ${rule}`);
        }
        const saved = sh(`${iptables(kind, address).replace(' -w', '-save #')}`);
        const ofAddress = saved.split('\n').filter((line) => line.includes(` ${address}/`));
        assert.equal(ofAddress.filter((line) => line.includes('NodeLocal DNS Cache: ')).length, 12);
        assert.equal(ofAddress.filter((line) => line.includes('--rcheck --seconds 3')).length, 4);
      }
      await end(interception);
    });

    await t.test('are back after a node-cache beside us tore down its own', async () => {
      const interception = await start();
      await interception.renew();
      let changeCount = 0;
      const stop = interception.watch(() => {
        changeCount += 1;
      });
      for (const address of ALL_ADDRESSES) {
        for (const rule of nodeCacheRules(address)) {
          // The ones with a lease are not its own: it does not find them.
          sh(`${iptables(kind, address)} -D ${rule} 2>/dev/null || true`);
        }
      }
      await until('the change is noticed', async () => changeCount > 0);
      const { restored } = await interception.ensure();
      assert.equal(restored, ALL_ADDRESSES.length * 8);
      const { addresses } = await interception.describe();
      for (const { rulesExpected, rulesPresent } of addresses) {
        assert.equal(rulesPresent, rulesExpected);
      }
      stop();
      await end(interception);
    });

    await t.test('replace strays of every release of node-cache, and duplicates', async (t) => {
      for (const address of ALL_ADDRESSES) {
        for (const rule of [
          ...nodeCacheRules(address),
          ...nodeCacheRules(address),
          ...nodeCacheRules(address, { hasComment: false }),
        ]) {
          sh(`${iptables(kind, address)} -I ${rule}`);
        }
        // Somebody else's, which is none of ours.
        sh(`${iptables(kind, address)} -A INPUT -i lo -p udp -d ${address} --dport 53 -j ACCEPT`);
      }
      await assertAllBy('us', node);
      const interception = await start();
      // A killed node-cache's rules would go on bringing pods here.
      await assertAllBy('kube-dns', node);
      await keepLeased(t, interception);
      const again = await interception.ensure();
      assert.deepEqual(again, { restored: 0, removed: 0, failures: [] });
      await assertAllBy('us', node);
      sh(`${iptables(kind, OWN[4])} -I ${nodeCacheRules(OWN[4])[0]}`);
      sh(`${iptables(kind, OWN[4])} -I ${nodeCacheRules(OWN[4], { hasComment: false })[2]}`);
      sh(`${iptables(kind, OWN[4])} -I ${nodeCacheRules(OWN[4])[4]}`);
      assert.deepEqual(await interception.ensure(), { restored: 0, removed: 3, failures: [] });
      await end(interception);
      for (const address of ALL_ADDRESSES) {
        sh(`${iptables(kind, address)} -C INPUT -i lo -p udp -d ${address} --dport 53 -j ACCEPT`);
        sh(`${iptables(kind, address)} -D INPUT -i lo -p udp -d ${address} --dport 53 -j ACCEPT`);
      }
    });

    await t.test('let queries in where the policy is to drop', async (t) => {
      for (const family of FAMILIES) {
        const command = iptables(kind, OWN[family]);
        const icmp = family === 6 ? 'icmpv6' : 'icmp';
        sh(`${command} -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
          ${command} -A INPUT -i lo -j ACCEPT
          ${command} -A INPUT -p ${icmp} -j ACCEPT
          ${command} -A OUTPUT -o lo -j ACCEPT
          ${command} -A OUTPUT -p ${icmp} -j ACCEPT
          ${command} -P INPUT DROP; ${command} -P OUTPUT DROP`);
      }
      await assert.rejects(node.pod.ask('udp', OWN[4], { timeoutMs: 500 }));
      const interception = await startLeased(t);
      await assertAllBy('us', node);
      await end(interception);
      for (const family of FAMILIES) {
        const command = iptables(kind, OWN[family]);
        sh(
          `${command} -P INPUT ACCEPT; ${command} -P OUTPUT ACCEPT; ${command} -F INPUT; ${command} -F OUTPUT`,
        );
      }
    });

    await t.test('hold without a lease where the kernel has no recent match', async () => {
      const run = without('-m recent', "Couldn't load match `recent'");
      const interception = await chooseInterception(OPTIONS, { run });
      assert.deepEqual(await interception.install(), []);
      assert.equal(interception.losses.length, 2);
      for (const [index, family] of FAMILIES.entries()) {
        assert.match(
          interception.losses[index]!,
          new RegExp(`^IPv${family}: rules without a lease`),
        );
      }
      const cluster = async () => (await node.pod.ask('udp', CLUSTER_IP[4])).by;
      assert.equal(await cluster(), 'kube-dns');
      assert.equal(await interception.renew(), undefined);
      await assertAllBy('us', node);
      assert.deepEqual(await interception.ensure(), { restored: 0, removed: 0, failures: [] });
      assert.equal((await interception.describe()).hasLease, false);
      assert.deepEqual(await interception.withdraw(), []);
      assert.equal(await cluster(), 'kube-dns');
      assert.deepEqual(await interception.remove(), []);
    });

    await t.test('hold without a stand-by where the kernel has no NAT', async (t) => {
      const run = without('*nat', "can't initialize table `nat'");
      const interception = await chooseInterception(OPTIONS, { run });
      assert.deepEqual(await interception.install(), []);
      assert.match(
        interception.losses[0]!,
        /^IPv4: while this process is away, open TCP connections break and nobody stands in at 169\.254\.20\.10/,
      );
      await keepLeased(t, interception);
      await assertAllBy('us', node);
      await end(interception);
    });

    await t.test('are there without a stand-by where it is turned off', async (t) => {
      const interception = await startLeased(t, { standByAddresses: [] });
      await assertAllBy('us', node);
      const saved = sh(`${kind}-save`);
      assert.doesNotMatch(saved, /ZEROHOP-STANDBY/);
      assert.match(saved, /Zerohop: connections stay with whom they began/);
      await end(interception);
    });
  });
}

/** Another holds the lock of iptables-legacy, until it is killed. */
export async function holdLock(t: TestContext): Promise<ChildProcess> {
  const holder = spawn(
    'flock',
    ['--no-fork', '/run/xtables.lock', 'sh', '-c', 'echo held; exec sleep 600'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.after(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  return holder;
}
