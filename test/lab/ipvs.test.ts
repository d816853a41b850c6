/**
 * IPVS mode as far as it is Zerohop's: kube-proxy holds kube-dns's ClusterIP itself, so pods are pointed at 169.254.20.10, and Zerohop has that
 * address only. What is particular is the end: nobody else answers there but kube-dns's endpoints, by the rule that stands by. How packets
 * come to kube-dns is the same here as in the other modes, whether the kernel has IPVS or not.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Lab, type LabNode } from './lab.ts';
import { DaemonSetPod, readManifest } from './manifest.ts';
import { lossesOf, Steady } from './steady.ts';
import { compileStub } from './stub.ts';
import { LINK_LOCAL } from './topology.ts';
import { ENVIRONMENT, isReady, PROGRAM, STANDS_BY } from './zerohop.ts';

suite('IPVS mode', () => {
  let lab: Lab;
  let stub: readonly string[];
  let node: LabNode;

  before(async () => {
    lab = await Lab.start({ after() {} }, { nodes: 1, podsPerNode: 2 });
    stub = await compileStub(lab.folder);
    node = lab.node(1);
    for (const pod of node.pods) pod.setResolver(LINK_LOCAL.v4);
  });
  after(() => lab?.close());

  const start = async () => {
    const pod = new DaemonSetPod(node, {
      manifest: readManifest('ipvs'),
      program: PROGRAM,
      args: ['-skipteardown'],
      environment: ENVIRONMENT,
    });
    await isReady(node, `${LINK_LOCAL.v4}:8080`);
    await pod.server.waitForLog(STANDS_BY);
    return pod;
  };

  test('the manifest with one address: the ClusterIP is left to kube-proxy', async () => {
    const daemon = await start();
    const sockets = await node.run(['ss', '-Hlnu', 'sport = :53']);
    assert.deepEqual(
      sockets.split('\n').map((line) => line.trim().split(/\s+/)[3]),
      [`${LINK_LOCAL.v4}:53`],
    );
    assert.match(
      await node.pods[0]!.run(['getent', 'hosts', 'web.default']),
      /^\S*10\.96\.1\.1|fd00:10:96::1:1/,
    );
    assert.equal(await daemon.server.stop(), 0);
  });

  test('an upgrade without overlap, with -skipteardown: kube-dns answers in between', async (t) => {
    const daemon = await start();
    const [pod1, pod2] = node.pods;
    const clients = [false, true].map((oneSocket) => {
      return new Steady(lab, stub, oneSocket ? pod2! : pod1!, {
        server: LINK_LOCAL.v4,
        seconds: 15,
        oneSocket,
      });
    });
    assert.equal(await daemon.server.stop(), 0);
    assert.equal(
      await node.pods[0]!.run([
        'dig',
        '+short',
        `@${LINK_LOCAL.v4}`,
        'web.default.svc.cluster.local',
      ]),
      '10.96.1.1',
    );
    await start();
    assert.deepEqual(await lossesOf(t, clients), []);
  });
});
