/**
 * Zerohop's start under load, in each mode of kube-proxy: pods and clients on the host ask kube-dns's ClusterIP before, while and after
 * the lease begins. No query is lost; a TCP connection to kube-dns goes on where the lease can tell it (nft), else it is closed once.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { until } from '../support/until.ts';
import type { ProxyMode } from './kube-proxy.ts';
import { Lab } from './lab.ts';
import { lossesOf, Steady, UNDER_WAY_MAX } from './steady.ts';
import { compileStub } from './stub.ts';
import { KUBE_DNS } from './topology.ts';
import { startZerohop } from './zerohop.ts';

const MODES: readonly ProxyMode[] = ['iptables', 'iptables-legacy', 'nftables'];
/** Before the start, while it lasts on a busy machine, and after it. */
const SECONDS = 16;

for (const proxy of MODES) {
  suite(`the beginning of Zerohop, kube-proxy's ${proxy}`, () => {
    let lab: Lab;
    let stub: readonly string[];

    before(async () => {
      lab = await Lab.start({ after() {} }, { proxy, nodes: 1, podsPerNode: 2 });
      stub = await compileStub(lab.folder);
    });
    after(() => lab?.close());

    test('no query is lost, and an open connection is closed once at most', async (t) => {
      const node = lab.node(1);
      const pod = node.pods[0]!;
      const servers = Object.values(KUBE_DNS);
      const tcp = { seconds: SECONDS, transport: 'tcp', tries: 2 } as const;
      const kept = servers.map(
        (server) => new Steady(lab, stub, pod, { ...tcp, server, oneSocket: true }),
      );
      const brief = servers.map(
        (server) => new Steady(lab, stub, node.pods[1]!, { ...tcp, server }),
      );
      const clients = [
        ...kept,
        ...brief,
        ...servers.flatMap((server) => [
          new Steady(lab, stub, node.pods[1]!, { server, seconds: SECONDS }),
          new Steady(lab, stub, node.pods[1]!, { server, seconds: SECONDS, oneSocket: true }),
          new Steady(lab, stub, node, { server, seconds: SECONDS }),
        ]),
      ];
      const established = async () =>
        (await pod.run(['ss', '-Hnt', 'state', 'established'])).split('\n').filter(Boolean);
      await until('kept connections are open', async () => {
        return (await established()).length === kept.length;
      });
      const before = await established();
      const zerohop = await startZerohop(node);
      await zerohop.intercepts();
      assert.ok(clients[0]!.nowUs() < SECONDS * 1e6, 'the clients asked all the time');
      if (proxy === 'nftables') {
        assert.deepEqual(portsOf(await established()), portsOf(before));
      }
      assert.deepEqual(await lossesOf(t, clients), []);
      for (const client of [...kept, ...brief]) {
        const { askedAgain } = await client.outcome();
        const allowed = proxy === 'nftables' ? 0 : UNDER_WAY_MAX;
        assert.ok(askedAgain <= allowed, `${client.name}: ${askedAgain} asked again`);
      }
    });
  });
}

/** Local addresses and ports of lines of `ss`. */
function portsOf(lines: readonly string[]): string[] {
  return lines.map((line) => line.trim().split(/\s+/)[2]!).sort();
}
