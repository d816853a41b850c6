/**
 * Zerohop's end, in each way that it can come, under load: pods go on through kube-dns. An orderly end loses no query and leaves the node as
 * it was; after SIGKILL and SIGSTOP the lease runs out, and whoever asks after it is answered. Each way has a node of its own.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { until } from '../support/until.ts';
import type { ProxyMode } from './kube-proxy.ts';
import { Lab, type LabNode } from './lab.ts';
import { nodeState, stateChanges } from './node-state.ts';
import { lossesOf, outcomeText, Steady, type SteadyOptions, UNDER_WAY_MAX } from './steady.ts';
import { compileStub } from './stub.ts';
import { KUBE_DNS, LINK_LOCAL } from './topology.ts';
import { startZerohop } from './zerohop.ts';

const MODES: readonly ProxyMode[] = ['iptables', 'iptables-legacy', 'nftables'];
/** The lease, and how late a query may still be sent on a busy machine. */
const BACK_WITHIN_MS = 3000 + 300;
/** Of the clients; the end comes after 1 s. */
const SECONDS = 6;

for (const proxy of MODES) {
  suite(`the end of Zerohop, kube-proxy's ${proxy}`, { concurrency: true }, () => endings(proxy));
}

function endings(proxy: ProxyMode): void {
  let lab: Lab;
  let stub: readonly string[];

  before(async () => {
    lab = await Lab.start({ after() {} }, { proxy, nodes: 3, podsPerNode: 2 });
    stub = await compileStub(lab.folder);
  });
  after(() => lab?.close());

  const ask = (node: LabNode, options: Omit<SteadyOptions, 'seconds'>) => {
    const place = options.oneSocket ? node.pods[1]! : node.pods[0]!;
    return new Steady(lab, stub, place, { ...options, seconds: SECONDS });
  };
  const bothSockets = (node: LabNode, server: string) =>
    [false, true].map((oneSocket) => ask(node, { server, oneSocket }));
  const onTheHost = (node: LabNode, server: string) =>
    [false, true].map((oneSocket) => {
      return new Steady(lab, stub, node, { server, oneSocket, seconds: SECONDS });
    });

  test('SIGTERM loses no query at the ClusterIP, and the node is as it was', async (t) => {
    const node = lab.node(1);
    const clean = await nodeState(node);
    const zerohop = await startZerohop(node);
    await zerohop.intercepts();
    await until('pods come to us', () => isIntercepted(lab, node));
    const before = await udpToReplicas(lab, node);
    const clients = [
      ...Object.values(KUBE_DNS).flatMap((server) => bothSockets(node, server)),
      ...Object.values(KUBE_DNS).flatMap((server) => onTheHost(node, server)),
      ...[false, true].map((oneSocket) =>
        ask(node, { server: KUBE_DNS.v4, transport: 'tcp', oneSocket }),
      ),
    ];
    await zerohop.hasAnswered(200);
    const withUs = (await udpToReplicas(lab, node)) - before;
    const stoppedAt = performance.now();
    assert.equal(await zerohop.server.stop(), 0);
    t.diagnostic(`ended in ${Math.round(performance.now() - stoppedAt)} ms`);
    const lost = await lossesOf(t, clients);
    const withoutUs = (await udpToReplicas(lab, node)) - before;
    t.diagnostic(`UDP queries to kube-dns: ${withUs} before the end, ${withoutUs} after`);
    assert.deepEqual(lost, []);
    const kept = await clients.at(-1)!.outcome();
    assert.ok(
      kept.askedAgain <= UNDER_WAY_MAX,
      'a kept connection is closed once, with what is under way on it',
    );
    assert.equal(withUs, 0);
    assert.ok(withoutUs > 500);
    assert.deepEqual(stateChanges(clean, await nodeState(node)), []);
  });

  for (const [number, signal] of [
    [2, 'SIGKILL'],
    [3, 'SIGSTOP'],
  ] as const) {
    test(`${signal}: answered again within 3 s, at both addresses`, async (t) => {
      const node = lab.node(number);
      const zerohop = await startZerohop(node);
      await zerohop.intercepts();
      await zerohop.standsBy();
      const served = await nodeState(node);
      const servers = [...Object.values(KUBE_DNS), ...Object.values(LINK_LOCAL)];
      const clients = servers.flatMap((server) => bothSockets(node, server));
      await zerohop.hasAnswered(200);
      zerohop.server.signal(signal);
      const atUs = clients.map((client) => client.nowUs());
      for (const [index, client] of clients.entries()) {
        const outcome = await client.outcome(atUs[index]);
        t.diagnostic(outcomeText(client, outcome));
        assert.ok(outcome.lastLostMs < BACK_WITHIN_MS, `lost at ${client.name}`);
      }
      if (signal === 'SIGSTOP') zerohop.server.signal('SIGCONT');
      const again = signal === 'SIGSTOP' ? zerohop : await startZerohop(node);
      await again.intercepts();
      await again.standsBy();
      await until('pods come to us again', () => isIntercepted(lab, node));
      assert.deepEqual(stateChanges(served, await nodeState(node)), []);
    });
  }
}

async function udpToReplicas(lab: Lab, node: LabNode): Promise<number> {
  return (await lab.sentPackets()).get(`n${node.number}`)!.udp;
}

/** Whether no query at any of our addresses goes to kube-dns. */
async function isIntercepted(lab: Lab, node: LabNode): Promise<boolean> {
  const before = await udpToReplicas(lab, node);
  for (const server of [...Object.values(KUBE_DNS), ...Object.values(LINK_LOCAL)]) {
    await node.pods[0]!.run(['dig', '+short', `@${server}`, 'web.default.svc.cluster.local']);
  }
  return (await udpToReplicas(lab, node)) === before;
}
