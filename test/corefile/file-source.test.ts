/** Files of a Corefile on a real disk. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { diskFiles } from '../../src/corefile/file-source.ts';
import { parseCorefile } from '../../src/corefile/parser.ts';

const folder = mkdtempSync(join(tmpdir(), 'zerohop-corefile-'));
after(() => rmSync(folder, { recursive: true }));

// As the kubelet mounts a ConfigMap.
mkdirSync(join(folder, 'custom', '..2026'), { recursive: true });
writeFileSync(join(folder, 'custom', '..2026', 'a.server'), 'a.org {\n whoami\n}\n');
writeFileSync(join(folder, 'custom', '..2026', 'b.server'), 'b.org {\n whoami\n}\n');
symlinkSync('..2026', join(folder, 'custom', '..data'));
symlinkSync('..data/a.server', join(folder, 'custom', 'a.server'));
symlinkSync('..data/b.server', join(folder, 'custom', 'b.server'));

test('a pattern matches the files of a mounted ConfigMap and not its folders', () => {
  const expected = ['a.server', 'b.server'].map((name) => join(folder, 'custom', name));
  assert.deepEqual(diskFiles.glob(join(folder, 'custom', '*')), expected);
  assert.deepEqual(diskFiles.glob(join(folder, 'cust*', '?.server')), expected);
  assert.deepEqual(diskFiles.glob(join(folder, '*', 'none')), []);
  assert.deepEqual(diskFiles.glob(join(folder, 'a\0*')), []);
});

test('a file that cannot be read is a value with the reason', () => {
  const file = diskFiles.read(join(folder, 'none'));
  assert(file.code === 'failed');
  assert.match(file.reason, /ENOENT/);
  assert.equal(diskFiles.read(folder).code, 'failed');
});

test('a Corefile imports what lies beside it', () => {
  const blocks = parseCorefile('import custom/*.server', {
    file: join(folder, 'Corefile'),
    environment: {},
    files: diskFiles,
  });
  assert.deepEqual(
    blocks.map((block) => block.keys[0]!.text),
    ['a.org', 'b.org'],
  );
});
