import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { isInNamespace, runInNamespace } from '../../support/namespace.ts';
import { legacyProblem } from './legacy.ts';
import { sh } from './test-node.ts';

const PROGRAM = join(import.meta.dirname, 'install-program.ts');

/** What a daemon says that root starts in a container without a capability. */
function installWithout(capability: string, backend: string) {
  const bounding = ['--bounding-set', `-${capability}`, '--inh-caps', `-${capability}`];
  const command = ['setpriv', ...bounding, process.execPath, PROGRAM, backend];
  return JSON.parse(execFileSync(command[0]!, command.slice(1), { encoding: 'utf8' })) as {
    kind: string;
    reason: string;
    install: string[];
    renewal?: string;
  };
}

if (!isInNamespace()) test('in a namespace', (t) => runInNamespace(t, import.meta.filename));
else {
  test('a missing NET_ADMIN is named', () => {
    const { kind, install, renewal } = installWithout('net_admin', 'nft');
    assert.equal(kind, 'nft');
    const text = 'permission denied: the container needs the capability NET_ADMIN';
    assert.deepEqual(install, [`nft: ${text}`]);
    assert.equal(renewal, `renewal of the lease: ${text}`);
  });

  test('a missing NET_RAW is named where it is needed', { skip: legacyProblem() }, () => {
    sh('mount -t tmpfs tmpfs /run; iptables-legacy -t nat -N KUBE-SERVICES');
    const need = 'the container needs the capability NET_RAW';
    assert.deepEqual(installWithout('net_raw', 'iptables'), {
      kind: 'iptables-legacy',
      reason: 'this node has rules of iptables-legacy, which needs the capability NET_RAW',
      install: [`iptables-legacy: permission denied: ${need}`],
      renewal: `iptables-legacy: permission denied: ${need}`,
    });
    // Left to itself it takes what works, and says why.
    assert.deepEqual(installWithout('net_raw', 'auto'), {
      kind: 'nft',
      reason: 'this node has rules of iptables-legacy, which needs the capability NET_RAW',
      install: [],
    });
  });
}
