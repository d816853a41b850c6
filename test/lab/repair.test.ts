/**
 * What others do to a node while Zerohop serves: they remove its rules and addresses, hold iptables' lock, start a second Zerohop, or take
 * a node-cache away beside it. Pods go on being answered, and what was removed comes back.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { until } from '../support/until.ts';
import type { ProxyMode } from './kube-proxy.ts';
import { Lab, type LabNode } from './lab.ts';
import { addNodeCacheRules, countNodeCacheRules, tearDownAsNodeCache } from './node-cache.ts';
import { nodeState, stateChanges } from './node-state.ts';
import { lossesOf, Steady } from './steady.ts';
import { compileStub } from './stub.ts';
import { KUBE_DNS, LINK_LOCAL } from './topology.ts';
import { LOCAL_IPS, startZerohop } from './zerohop.ts';

/** The kernel tells of a removal; without that it would take `-syncinterval`, a minute. */
const REPAIR_MS = 10_000;

const MODES: readonly ProxyMode[] = ['iptables', 'iptables-legacy', 'nftables'];

for (const proxy of MODES) {
  suite(`a node that others change, kube-proxy's ${proxy}`, { concurrency: true }, () => {
    let lab: Lab;
    let stub: readonly string[];

    before(async () => {
      lab = await Lab.start({ after() {} }, { proxy, nodes: 3, podsPerNode: 2 });
      stub = await compileStub(lab.folder);
    });
    after(() => lab?.close());

    const steadyClients = (node: LabNode, seconds: number) =>
      [...Object.values(KUBE_DNS), ...Object.values(LINK_LOCAL)].flatMap((server) => [
        new Steady(lab, stub, node.pods[0]!, { server, seconds }),
        new Steady(lab, stub, node.pods[1]!, { server, seconds, oneSocket: true }),
      ]);

    test('removed rules and addresses come back', async (t) => {
      const node = lab.node(1);
      const zerohop = await startZerohop(node);
      await zerohop.intercepts();
      await zerohop.standsBy();
      const served = await nodeState(node);
      for (const [what, command] of removals(proxy)) {
        await node.run(['sh', '-ec', command]);
        const removedAt = performance.now();
        const isBack = async () => {
          assert.deepEqual(stateChanges(served, await nodeState(node)), []);
        };
        await until(`${what}: back`, isBack, REPAIR_MS);
        t.diagnostic(`${what}: back after ${Math.round(performance.now() - removedAt)} ms at most`);
      }
      await zerohop.intercepts();
    });

    test('a second Zerohop starts beside the first, and either leaves', async (t) => {
      const node = lab.node(2);
      const clean = await nodeState(node);
      const first = await startZerohop(node);
      await first.intercepts();
      const clients = steadyClients(node, 12);
      const second = await startZerohop(node, { instance: 1 });
      await second.intercepts();
      assert.equal(await first.server.stop(), 0);
      await second.intercepts();
      const third = await startZerohop(node);
      await third.intercepts();
      assert.equal(await third.server.stop(), 0);
      await second.intercepts();
      assert.deepEqual(await lossesOf(t, clients), []);
      assert.equal(await second.server.stop(), 0);
      assert.deepEqual(stateChanges(clean, await nodeState(node)), []);
    });

    if (proxy === 'nftables') return;
    test('migration from node-cache by a change of the image: its teardown beside us', async (t) => {
      const node = lab.node(3);
      await addNodeCacheRules(node, node.variant, LOCAL_IPS);
      const zerohop = await startZerohop(node);
      await zerohop.intercepts();
      const clients = steadyClients(node, 8);
      await zerohop.hasAnswered(200);
      await tearDownAsNodeCache(node, node.variant, LOCAL_IPS, 'nodelocaldns');
      await zerohop.intercepts();
      const lost = await lossesOf(t, clients);
      const left = await countNodeCacheRules(node, node.variant, LOCAL_IPS);
      t.diagnostic(`${left} rules as node-cache writes them stand`);
      assert.deepEqual(lost, []);
    });
  });
}

test('a lock that somebody holds delays the rules, and nothing else', async (t) => {
  const lab = await Lab.start(t, { proxy: 'iptables-legacy', nodes: 1, podsPerNode: 1 });
  const node = lab.node(1);
  const held = ['sh', '-c', 'echo held; exec sleep 60'];
  const holder = spawn('flock', ['--exclusive', '--no-fork', node.lockPath, ...held]);
  t.after(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  const zerohop = await startZerohop(node);
  const question = [`@${LINK_LOCAL.v4}`, 'web.default.svc.cluster.local'];
  assert.equal(await node.run(['dig', '+short', ...question]), '10.96.1.1');
  const lockErrors = async () => {
    const labels = { errortype: 'iptables_lock' };
    return (await zerohop.scrape()).sum('coredns_nodecache_setup_errors_total', labels);
  };
  await until('the lock is counted', async () => (await lockErrors()) > 0, 30_000);
  holder.kill('SIGKILL');
  await zerohop.intercepts();
  t.diagnostic(`iptables_lock counted ${await lockErrors()} times`);
});

/** What somebody removes, and the commands that he does it with. */
function removals(proxy: ProxyMode): [string, string][] {
  const dropAddress = LOCAL_IPS.map((address) => `ip address delete ${address} dev lo`);
  const all: [string, string][] = [
    ['one address', dropAddress[0]!],
    ['every address', dropAddress.join('\n')],
  ];
  if (proxy === 'nftables') return [...all, ['the table', 'nft delete table inet zerohop']];
  const variant = proxy === 'iptables' ? 'nft' : 'legacy';
  const dropRules = ['iptables', 'ip6tables'].map((program) => {
    const name = `${program}-${variant}`;
    return `${name} -t raw -F PREROUTING; ${name} -t raw -F OUTPUT`;
  });
  return [...all, ['every rule of the raw table', dropRules.join('\n')]];
}
