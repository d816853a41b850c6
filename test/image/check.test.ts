import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('an architecture that there is no image for is refused in one line', () => {
  const check = join(import.meta.dirname, '../../deploy/image/check.ts');
  const args = [check, '--arch', 'sparc'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.deepEqual(
    [status, stdout, stderr],
    [2, '', "image:check: --arch 'sparc': expected x64 or arm64\n"],
  );
});
