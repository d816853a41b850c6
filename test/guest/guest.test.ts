/** Where a machine cannot be emulated, that is one line, and no failure. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { missingFor } from './machine.ts';

const GUEST = join(import.meta.dirname, 'guest.ts');

test('what is missing is said in one line', () => {
  const text = execFileSync(process.execPath, [GUEST, '--arch', 'arm64', 'any.test.ts'], {
    encoding: 'utf8',
    env: { PATH: '/nowhere' },
  });
  assert.match(text, /^skipped, nothing was run: apt-get install qemu-system-arm cpio .*\n$/);
});

test('an architecture that there is no image for', () => {
  assert.match(missingFor('riscv64')!, /'riscv64': expected x64 or arm64/);
});
