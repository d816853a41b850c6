import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureText, type HostFailure, rulesErrorType } from '../../src/host/failure.ts';

const FAILURES: readonly [HostFailure, string][] = [
  [
    { code: 'lock', command: 'iptables-restore', detail: 'holding the xtables lock' },
    'iptables-restore: another process is changing the rules: holding the xtables lock',
  ],
  [{ code: 'missing_binary', binary: 'nft' }, 'nft is not installed or not on PATH'],
  [
    { code: 'permission', capability: 'NET_ADMIN', command: 'nft' },
    'nft: permission denied: the container needs the capability NET_ADMIN',
  ],
  [
    { code: 'kernel_part_missing', part: 'NOTRACK target', command: 'iptables-restore' },
    'iptables-restore: this kernel has no NOTRACK target',
  ],
  [{ code: 'command_failed', command: 'nft', detail: 'syntax error' }, 'nft: syntax error'],
  [{ code: 'timeout', command: 'nft', timeoutMs: 10_000 }, 'nft: no end after 10000 ms'],
];

test('a failure is told in one line that names what to do', () => {
  for (const [failure, text] of FAILURES) assert.equal(failureText(failure), text);
});

test('only a held lock is counted as iptables_lock', () => {
  const types = FAILURES.map(([failure]) => rulesErrorType(failure));
  assert.deepEqual(types, ['iptables_lock', ...new Array(5).fill('iptables')]);
});
