import { test } from 'node:test';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { testInterception } from './interception-tests.ts';
import { sh } from './test-node.ts';

if (!isInNamespace()) test('in a namespace', (t) => runInNamespace(t, import.meta.filename));
else {
  await testInterception({
    kind: 'iptables-nft',
    kubeProxy: 'iptables-nft',
    snapshot: () => sh('nft list ruleset 2>/dev/null | sed "s/counter packets .* bytes [0-9]*//"'),
    flush: () => void sh('iptables-nft -t raw -F; ip6tables-nft -t raw -F'),
  });
}
