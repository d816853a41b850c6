import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { compressedBytes, partsOf } from '../../deploy/image/contents.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('every file of a root has a part, links weigh nothing', async (t) => {
  const root = temporaryDirectory(t);
  const put = (path: string, size: number) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), 'x'.repeat(size));
  };
  put('usr/local/bin/node', 5);
  put('usr/lib/zerohop/dist/main.js', 7);
  put('usr/lib/zerohop/node_modules/koffi/package.json', 11);
  put('usr/sbin/nft', 13);
  put('usr/lib/x86_64-linux-gnu/libnftables.so.1', 17);
  put('usr/lib/x86_64-linux-gnu/libc.so.6', 19);
  put('usr/share/doc/libc6/copyright', 23);
  put('etc/passwd', 29);
  symlinkSync('usr/lib/zerohop/dist/cli/node-cache', join(root, 'node-cache'));
  const parts = partsOf(root).filter(({ fileCount }) => fileCount > 0);
  assert.deepEqual(
    parts.map(({ name, fileCount, bytes }) => [name, fileCount, bytes]),
    [
      ['Node', 1, 5],
      ['Zerohop', 2, 7],
      ['packages of npm', 1, 11],
      ['iptables and nft', 2, 30],
      ['C and C++ libraries', 1, 19],
      ['licences', 1, 23],
      ['other', 1, 29],
    ],
  );
  assert.ok((await compressedBytes(root)) > 100);
});
