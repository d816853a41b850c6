/**
 * A migration from node-cache, rehearsed: Zerohop takes over its DaemonSet (the manifest's flags, template and ConfigMaps) on a node, and gives
 * it back; as a canary, on labelled nodes only. Pods ask kube-dns's ClusterIP all the time. The real node-cache takes part where
 * ZEROHOP_NODE_CACHE names its program; what Kubernetes does to pods is done by hand.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { until } from '../support/until.ts';
import { Lab, type LabNode } from './lab.ts';
import { DaemonSetPod, readManifest } from './manifest.ts';
import { lossesOf, outcomeText, Steady, UNDER_WAY_MAX } from './steady.ts';
import { compileStub } from './stub.ts';
import { KUBE_DNS, LINK_LOCAL } from './topology.ts';
import { ENVIRONMENT, hasAnswered, httpGet, isReady, PROGRAM } from './zerohop.ts';

const NODE_CACHE = process.env['ZEROHOP_NODE_CACHE'] ?? '';
const HEALTH = `${LINK_LOCAL.v4}:8080`;
/** `prometheus :9253`, of the manifest's Corefile. */
const METRICS = '127.0.0.1:9253';
/** As a pod gets by default; node-cache takes some seconds. */
const END_TIMEOUT_MS = 30_000;

suite('migration', { concurrency: true }, () => {
  let lab: Lab;
  let stub: readonly string[];
  const manifest = readManifest();

  before(async () => {
    lab = await Lab.start({ after() {} }, { nodes: 3, podsPerNode: 2 });
    stub = await compileStub(lab.folder);
  });
  after(() => lab?.close());

  const clientsOf = (node: LabNode, seconds: number) => [
    new Steady(lab, stub, node.pods[0]!, { server: KUBE_DNS.v4, seconds }),
    new Steady(lab, stub, node.pods[1]!, { server: KUBE_DNS.v4, seconds, oneSocket: true }),
    // With iptables a connection to kube-dns is closed when the lease begins (docs/interception.md).
    new Steady(lab, stub, node.pods[1]!, {
      server: KUBE_DNS.v4,
      seconds,
      transport: 'tcp',
      tries: 2,
    }),
  ];
  const startZerohop = async (node: LabNode) => {
    const pod = new DaemonSetPod(node, { manifest, program: PROGRAM, environment: ENVIRONMENT });
    await isReady(node, HEALTH);
    return pod;
  };
  const isTaken = async (node: LabNode, server: string) => {
    const before = (await lab.sentPackets()).get(`n${node.number}`)!.udp;
    await node.pods[0]!.run(['dig', '+short', `@${server}`, 'web.default.svc.cluster.local']);
    return (await lab.sentPackets()).get(`n${node.number}`)!.udp === before;
  };

  test('a canary: one node of two changes over to the second DaemonSet and back, and no pod notices', async (t) => {
    const [labelled, other] = [lab.node(1), lab.node(2)];
    const first = new Map<LabNode, DaemonSetPod>();
    for (const node of [labelled, other]) first.set(node, await startZerohop(node));
    const clients = [labelled, other].flatMap((node) => clientsOf(node, 25));
    // `kubectl label node`: the controller of the one DaemonSet ends its pod, that of the other starts one.
    assert.equal(await first.get(labelled)!.server.stop(END_TIMEOUT_MS), 0);
    const canary = await startZerohop(labelled);
    await until('pods of the node come to it', () => isTaken(labelled, KUBE_DNS.v4));
    await hasAnswered(labelled, METRICS, 200);
    assert.equal(await canary.server.stop(END_TIMEOUT_MS), 0);
    await startZerohop(labelled);
    await until('and to the first one again', () => isTaken(labelled, KUBE_DNS.v4));
    assert.ok(await isTaken(other, KUBE_DNS.v4));
    assert.deepEqual(await lossesOf(t, clients), []);
    for (const client of clients) {
      const { askedAgain } = await client.outcome();
      // The lease began twice.
      assert.ok(askedAgain <= 2 * UNDER_WAY_MAX, `${client.name}: ${askedAgain} asked again`);
    }
  });

  test('from node-cache to Zerohop, and back', async (t) => {
    if (!existsSync(NODE_CACHE)) {
      t.skip('ZEROHOP_NODE_CACHE names no program of node-cache');
      return;
    }
    const node = lab.node(3);
    const startNodeCache = async () => {
      // What it would make itself, where the kernel has dummy devices; it finds the interface, and adds addresses.
      await node.run(['ip', 'link', 'add', 'nodelocaldns', 'type', 'ifb']);
      const pod = new DaemonSetPod(node, { manifest, program: [NODE_CACHE] });
      await until('/health', async () => / 200 /.test(await httpGet(node, HEALTH, '/health')));
      await until('pods come to it', () => isTaken(node, KUBE_DNS.v4), END_TIMEOUT_MS);
      return pod;
    };
    const nodeCache = await startNodeCache();
    const leaving = clientsOf(node, 20);
    await hasAnswered(node, METRICS, 100);
    t.diagnostic(`node-cache ended with ${await nodeCache.server.stop(END_TIMEOUT_MS)}`);
    const zerohop = await startZerohop(node);
    await until('pods come to Zerohop', () => isTaken(node, KUBE_DNS.v4));
    for (const client of leaving) {
      t.diagnostic(`node-cache -> Zerohop: ${outcomeText(client, await client.outcome())}`);
    }
    const going = clientsOf(node, 20);
    await hasAnswered(node, METRICS, 100);
    const leftAtUs = going.map((client) => client.nowUs());
    assert.equal(await zerohop.server.stop(END_TIMEOUT_MS), 0);
    const goneAtUs = going.map((client) => client.nowUs());
    const again = await startNodeCache();
    for (const [index, client] of going.entries()) {
      const all = await client.outcome();
      const since = await client.outcome(goneAtUs[index]);
      t.diagnostic(`Zerohop -> node-cache: ${outcomeText(client, all)}`);
      assert.equal(all.lost - since.lost, 0, 'none is lost by our end');
      assert.equal(all.askedAgain - since.askedAgain, 0, 'nor asked again');
      assert.ok(goneAtUs[index]! > leftAtUs[index]!);
    }
    await again.server.stop(END_TIMEOUT_MS);
  });
});
