import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { assertAllBy, end, keepLeased, start } from './interception-tests.ts';
import { legacyProblem } from './legacy.ts';
import { sh, startKubeProxy, startNode } from './test-node.ts';

if (!isInNamespace()) {
  test('in a namespace', { skip: legacyProblem() }, (t) => runInNamespace(t, import.meta.filename));
} else {
  test('nft beside a kube-proxy that uses iptables-legacy', async (t) => {
    const node = await startNode(t);
    startKubeProxy('iptables-legacy');
    const interception = await start({ backend: 'nft' });
    await assertAllBy('kube-dns', node);
    const stop = await keepLeased(t, interception);
    await assertAllBy('us', node);
    await stop();
    await interception.withdraw();
    await assertAllBy('kube-dns', node);
    sh('iptables-legacy -P INPUT DROP');
    const { losses } = await interception.describe();
    assert.deepEqual(losses, [
      'chain INPUT of iptables-legacy drops by policy: it must accept DNS for our addresses',
    ]);
    sh('iptables-legacy -P INPUT ACCEPT');
    await end(interception);
  });
}
