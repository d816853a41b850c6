import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classify, type Run, runCommand, withRetries } from '../../src/host/command.ts';

test('what commands complain of becomes a failure of its kind', () => {
  const cases = [
    [
      'iptables-legacy-restore',
      'Another app is currently holding the xtables lock. Stopped waiting after 5s.\n',
      'lock',
    ],
    ['nft', 'Error: Could not process rule: Device or resource busy', 'lock'],
    [
      'iptables-nft-restore',
      'iptables-nft-restore v1.8.9 (nf_tables): \nline 3: RULE_INSERT failed (Resource temporarily unavailable): rule in chain INPUT',
      'lock',
    ],
    ['nft', 'Error: Could not process rule: Operation not permitted', 'permission'],
    [
      'iptables-legacy',
      "iptables v1.8.9 (legacy): can't initialize iptables table `raw': Permission denied (you must be root)",
      'permission',
    ],
    [
      'iptables-legacy',
      "iptables v1.8.9 (legacy): can't initialize iptables table `raw': Table does not exist (do you need to insmod?)",
      'kernel_part_missing',
    ],
    ['iptables-restore', "Couldn't load match `recent':No such file", 'kernel_part_missing'],
    ['nft', 'Error: syntax error, unexpected junk', 'command_failed'],
  ] as const;
  for (const [binary, said, code] of cases) assert.equal(classify(binary, said).code, code, said);
  const table = classify('iptables', cases[5][1]);
  assert.ok(table.code === 'kernel_part_missing' && table.part === 'table raw');
});

test('a complaint is cut to its first lines', () => {
  const failure = classify('nft', `Error: one\n    ^^^^\n\ntwo\nthree\n`);
  assert.deepEqual(failure, { code: 'command_failed', command: 'nft', detail: 'Error: one two' });
});

test('a program that is not there is named', async () => {
  assert.deepEqual(await runCommand('zerohop-no-such-program', []), {
    ok: false,
    failure: { code: 'missing_binary', binary: 'zerohop-no-such-program' },
  });
});

test('input and output pass; a command that reads no input is no error', async () => {
  assert.deepEqual(await runCommand('cat', [], 'text'), { ok: true, stdout: 'text' });
  assert.deepEqual(await runCommand('true', [], 'x'.repeat(1_000_000)), { ok: true, stdout: '' });
});

test('a held lock is tried again, so many times and no more', async () => {
  let count = 0;
  const locked: Run = async () => {
    count += 1;
    return { ok: false, failure: { code: 'lock', command: 'nft', detail: 'busy' } };
  };
  const outcome = await withRetries(locked, () => 0)('nft', []);
  assert.ok(!outcome.ok && outcome.failure.code === 'lock');
  assert.equal(count, 4);
  count = 0;
  const freed: Run = async (binary, args) =>
    count < 2 ? locked(binary, args) : { ok: true, stdout: '' };
  assert.ok((await withRetries(freed, () => 0)('nft', [])).ok);
  assert.equal(count, 2);
});

test('other failures are not tried again', async () => {
  let count = 0;
  const run: Run = async (binary) => {
    count += 1;
    return { ok: false, failure: { code: 'missing_binary', binary } };
  };
  await withRetries(run)('nft', []);
  assert.equal(count, 1);
});
