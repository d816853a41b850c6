/**
 * A blocked signal that has come is taken once it is unblocked: what the daemon's start rests on.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadLibc } from '../../src/os/libc.ts';

const OS_ROOM = join(import.meta.dirname, '../../src/os');

const PROGRAM = `
  import { requireLibc } from '${OS_ROOM}/libc.ts';
  import { unblockSignal } from '${OS_ROOM}/signal-mask.ts';
  import { constants } from 'node:os';
  import { setTimeout } from 'node:timers/promises';
  process.on('SIGUSR1', () => {
    console.log('taken');
    process.exit();
  });
  process.kill(process.pid, 'SIGUSR1');
  await setTimeout(20);
  console.log('blocked so far');
  unblockSignal(requireLibc(), constants.signals.SIGUSR1);
  await setTimeout(5000);
`;

test('a signal that waited is taken when it is unblocked', {
  skip: loadLibc() instanceof Error ? 'no system calls here' : false,
}, () => {
  // With this flag Node blocks SIGUSR1 and never unblocks it.
  const flags = ['--disable-sigusr1', '--input-type=module', '--eval', PROGRAM];
  const output = execFileSync(process.execPath, flags, { encoding: 'utf8' });
  assert.equal(output, 'blocked so far\ntaken\n');
});
