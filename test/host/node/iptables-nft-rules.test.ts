import { test } from 'node:test';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { testIptables } from './iptables-tests.ts';

if (!isInNamespace()) test('in a namespace', (t) => runInNamespace(t, import.meta.filename));
else await testIptables('iptables-nft');
