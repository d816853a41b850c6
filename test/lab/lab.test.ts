/**
 * The laboratory itself: each flavour of kube-proxy leads pods to both replicas, the limit toward the VPC's resolver holds, and nothing
 * stays behind.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { suite, test } from 'node:test';
import { until } from '../support/until.ts';
import type { ProxyMode } from './kube-proxy.ts';
import { Lab } from './lab.ts';
import { compileStub, runStub } from './stub.ts';
import { KUBE_DNS, KUBE_DNS_UPSTREAM, VPC_RESOLVER } from './topology.ts';
import { UNIQUE_DOMAIN } from './zones.ts';

const FLAVOURS: readonly (readonly [ProxyMode, 'unbound' | 'in-order'])[] = [
  ['iptables', 'unbound'],
  ['iptables-legacy', 'unbound'],
  ['nftables', 'in-order'],
];

suite('the laboratory', () => {
  for (const [proxy, replicas] of FLAVOURS) {
    test(`kube-proxy's ${proxy}, replicas ${replicas}`, async (t) => {
      const lab = await Lab.start(t, { proxy, replicas });
      const asked = ['kubernetes.default.svc.cluster.local', 'api-0001.example.com'];
      for (const place of [lab.node(3), lab.node(3).pods[2]!]) {
        for (const server of [KUBE_DNS, KUBE_DNS_UPSTREAM].flatMap((each) => Object.values(each))) {
          for (const transport of ['+notcp', '+tcp']) {
            const answers = await place.run(['dig', `@${server}`, transport, '+short', ...asked]);
            assert.equal(answers, '10.96.0.1\n198.18.0.1');
          }
        }
      }
      const stub = await compileStub(lab.folder);
      const plan = Array.from({ length: 100 }, (_, index) => {
        return { atUs: index * 2000, name: `u${index}.${UNIQUE_DOMAIN}` };
      });
      const options = { server: KUBE_DNS.v4, withSearch: false };
      const { lookups } = await runStub(stub, lab.node(1).pods[0]!, plan, options, lab.folder);
      assert.equal(lookups.filter(({ result }) => result === 'ok').length, 100);
      const packets = await lab.sentPackets();
      for (const replica of ['dns1', 'dns2']) {
        assert.ok(packets.get(replica)!.sent > 50, `${replica} was asked`);
      }
    });
  }

  test('what an interface sends to the VPC resolver is held to its limit, in silence', async (t) => {
    const lab = await Lab.start(t, { vpcPacketsPerS: 100 });
    const stub = await compileStub(lab.folder);
    const plan = Array.from({ length: 1000 }, (_, index) => {
      return { atUs: index * 2000, name: `u${index}.${UNIQUE_DOMAIN}` };
    });
    const options = {
      server: VPC_RESOLVER.v4,
      withSearch: false,
      tries: 1,
      timeoutMs: 2000,
      aOnly: true,
    };
    const { lookups } = await runStub(stub, lab.node(1), plan, options, lab.folder);
    const { sent, dropped } = (await lab.sentPackets()).get('n1')!;
    t.diagnostic(`1000 queries in 2 s: ${sent} passed, ${dropped} dropped`);
    assert.equal(sent + dropped, 1000);
    assert.ok(sent >= 150 && sent <= 320, `${sent} passed`);
    assert.equal(lookups.filter(({ result }) => result === 'again').length, dropped);
  });

  test('nothing stays of a laboratory that was killed, once another one starts', async (t) => {
    const program = `
      import { Lab } from ${JSON.stringify(new URL('lab.ts', import.meta.url).href)};
      await Lab.start({ after() {} }, { nodes: 1, podsPerNode: 1 });
      console.log('built');
      setInterval(() => {}, 1000);`;
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const args = ['--input-type=module-typescript', '--eval', program];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      t.after(() => child.kill('SIGKILL'));
      await once(createInterface(child.stdout), 'line');
      const left = () => namespaces().filter((name) => name.startsWith(`zhl-${child.pid}-`));
      assert.equal(left().length, 6);
      child.kill(signal);
      const [, endedBy] = await once(child, 'exit');
      assert.equal(endedBy, signal);
      if (signal === 'SIGKILL') {
        assert.equal(left().length, 6);
        await Lab.start(t, { nodes: 1, podsPerNode: 1 });
      }
      await until('no namespace left', async () => left().length === 0);
    }
  });
});

function namespaces(): string[] {
  return readdirSync('/run/netns');
}
