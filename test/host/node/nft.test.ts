import { test } from 'node:test';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { testInterception } from './interception-tests.ts';
import { sh } from './test-node.ts';

if (!isInNamespace()) test('in a namespace', (t) => runInNamespace(t, import.meta.filename));
else {
  await testInterception({
    kind: 'nft',
    kubeProxy: 'nftables',
    snapshot: () => sh('nft list ruleset'),
    flush: () => void sh('nft delete table inet zerohop'),
  });
}
