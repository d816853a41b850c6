/**
 * What changes while Zerohop runs, in the shape of its own manifest: the ConfigMap kube-dns (a stub domain, the upstream servers), and
 * an ExternalName service in kube-dns. Clients see each change, and lose nothing by it.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { until } from '../support/until.ts';
import { startZoneServer } from './dns-servers.ts';
import { Lab, type LabNode } from './lab.ts';
import { DaemonSetPod, readManifest } from './manifest.ts';
import { lossesOf, Steady } from './steady.ts';
import { compileStub } from './stub.ts';
import { KUBE_DNS, LINK_LOCAL } from './topology.ts';
import { ENVIRONMENT, isReady, PROGRAM } from './zerohop.ts';
import { CLUSTER, outsideAddress, outsideName, type ZoneRecord } from './zones.ts';

/** Kubernetes' own tests give an edited ConfigMap two minutes, most of them for the kubelet. */
const CONFIG_TIMEOUT_MS = 30_000;
/** And a changed service half a minute. */
const SERVICE_TIMEOUT_MS = 30_000;
const EXTERNAL = `external.default.svc.${CLUSTER}`;

suite('what changes while Zerohop runs', () => {
  let lab: Lab;
  let node: LabNode;
  let daemon: DaemonSetPod;
  let stub: readonly string[];

  before(async () => {
    lab = await Lab.start({ after() {} }, { nodes: 2, podsPerNode: 2 });
    await lab.changeZone([external('CNAME', `${outsideName(1)}.`)]);
    node = lab.node(1);
    stub = await compileStub(lab.folder);
    const manifest = readManifest();
    daemon = new DaemonSetPod(node, { manifest, program: PROGRAM, environment: ENVIRONMENT });
    await isReady(node, `${LINK_LOCAL.v4}:8080`);
  });
  after(() => lab?.close());

  const ask = async (name: string, server = LINK_LOCAL.v4) =>
    (await node.pods[0]!.run(['dig', '+short', `@${server}`, name])).split('\n').filter(Boolean);
  const becomes = (name: string, expected: readonly string[], timeoutMs: number) =>
    until(
      `${name}: ${expected.join(' ')}`,
      async () => {
        for (const server of [LINK_LOCAL.v4, KUBE_DNS.v4]) {
          assert.deepEqual(await ask(name, server), expected);
        }
      },
      timeoutMs,
    );

  test('a stub domain and upstream servers come, change and go', async (t) => {
    const zones = ['acme.local', 'example.com'];
    for (const [number, answer] of [
      [1, '192.0.2.1'],
      [2, '192.0.2.2'],
    ] as const) {
      const { enter, addresses } = lab.node(2).pods[number - 1]!;
      const records = ['www.acme.local', outsideName(1)].map(
        (name): ZoneRecord => ({ name, type: 'A', ttlS: 30, data: answer }),
      );
      await startZoneServer({ enter, folder: lab.folder }, addresses.v4, zones, records);
    }
    const [first, second] = lab.node(2).pods.map(({ addresses }) => addresses.v4);
    const clients = [LINK_LOCAL.v4, KUBE_DNS.v4].map((server) => {
      return new Steady(lab, stub, node.pods[1]!, { server, seconds: 15 });
    });
    const www = (answer: readonly string[]) => becomes('www.acme.local', answer, CONFIG_TIMEOUT_MS);
    const api = (answer: string) => becomes(outsideName(1), [answer], CONFIG_TIMEOUT_MS);
    await www([]);
    await api(outsideAddress(1));
    const startedAt = performance.now();
    daemon.setKubeDns({ stubDomains: JSON.stringify({ 'acme.local': [first] }) });
    await www(['192.0.2.1']);
    t.diagnostic(`served ${Math.round(performance.now() - startedAt)} ms after the edit`);
    daemon.setKubeDns({
      stubDomains: JSON.stringify({ 'acme.local': [second] }),
      upstreamNameservers: JSON.stringify([first]),
    });
    await www(['192.0.2.2']);
    await api('192.0.2.1');
    daemon.setKubeDns({ upstreamNameservers: JSON.stringify([second]) });
    await api('192.0.2.2');
    daemon.setKubeDns({});
    await www([]);
    await api(outsideAddress(1));
    assert.deepEqual(await lossesOf(t, clients), []);
  });

  test('an ExternalName service changes its name, and becomes an address', async () => {
    const target = (number: number) => [`${outsideName(number)}.`, outsideAddress(number)];
    const isNow = (answer: readonly string[]) => becomes(EXTERNAL, answer, SERVICE_TIMEOUT_MS);
    await isNow(target(1));
    await lab.changeZone([external('CNAME', `${outsideName(2)}.`)]);
    await isNow(target(2));
    await lab.changeZone([external('A', '10.96.1.7')]);
    await isNow(['10.96.1.7']);
  });
});

/** CoreDNS's own TTL, where its Corefile says nothing. */
function external(type: 'A' | 'CNAME', data: string): ZoneRecord {
  return { name: EXTERNAL, type, ttlS: 5, data };
}
