import { test } from 'node:test';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { testInterception } from './interception-tests.ts';
import { legacyProblem } from './legacy.ts';
import { sh } from './test-node.ts';

if (!isInNamespace()) {
  test('in a namespace', { skip: legacyProblem() }, (t) => runInNamespace(t, import.meta.filename));
} else {
  // Its tables come with the first look at them and stay.
  for (const binary of ['iptables-legacy', 'ip6tables-legacy']) {
    for (const table of ['raw', 'filter', 'nat']) sh(`${binary} -w 5 -t ${table} -S`);
  }
  await testInterception({
    kind: 'iptables-legacy',
    kubeProxy: 'iptables-legacy',
    snapshot: () => sh('(iptables-legacy-save; ip6tables-legacy-save) | sed "/^#/d; s/\\[.*\\]//"'),
    flush: () => void sh('iptables-legacy -t raw -F; ip6tables-legacy -t raw -F'),
  });
}
