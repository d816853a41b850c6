/** What of a mounted directory counts, and when it has changed. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { keysOf, readMountedFiles } from '../../src/control/mounted-files.ts';
import { mountConfigMap } from '../support/config-map.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('a directory that is not there is empty, and so is one without files', (t) => {
  const directory = temporaryDirectory(t);
  const empty = readMountedFiles(directory);
  assert.equal(empty.files.size, 0);
  assert.equal(empty.octets.length, 0);
  assert.deepEqual(readMountedFiles(join(directory, 'missing')), empty);
});

test('files count; dotfiles, subdirectories and dangling links do not', (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'b'), 'two');
  writeFileSync(join(directory, 'a'), 'one');
  const { octets } = readMountedFiles(directory);
  assert.equal(octets.toString(), 'a\0one\0b\0two\0');
  writeFileSync(join(directory, '.hidden'), 'x');
  mkdirSync(join(directory, 'folder'));
  writeFileSync(join(directory, 'folder/c'), 'x');
  symlinkSync('nowhere', join(directory, 'link'));
  const { files, problems, octets: same } = readMountedFiles(directory);
  assert.deepEqual([...files.keys()], ['a', 'b']);
  assert.deepEqual(problems, []);
  assert.deepEqual(same, octets);
});

test("the kubelet's swap: the same content is the same, another one is not", (t) => {
  const directory = temporaryDirectory(t);
  mountConfigMap(directory, { stubDomains: '{}' });
  const { octets, files } = readMountedFiles(directory);
  assert.deepEqual([...files.keys()], ['stubDomains']);
  mountConfigMap(directory, { stubDomains: '{}' });
  assert.deepEqual(readMountedFiles(directory).octets, octets);
  mountConfigMap(directory, { stubDomains: '{ }' });
  assert.notDeepEqual(readMountedFiles(directory).octets, octets);
  mountConfigMap(directory, {});
  assert.equal(readMountedFiles(directory).files.size, 0);
});

test('what is not UTF-8 has no text', (t) => {
  const directory = temporaryDirectory(t);
  mountConfigMap(directory, { bad: Uint8Array.of(0xff, 0x7b), good: '{}' });
  const { keys, problems } = keysOf(directory, readMountedFiles(directory));
  assert.deepEqual(keys.get('bad'), { path: join(directory, 'bad'), text: undefined });
  assert.equal(keys.get('good')?.text, '{}');
  assert.deepEqual(problems, [
    { kind: 'encoding', text: `${join(directory, 'bad')}: expected UTF-8` },
  ]);
});

test('bounds: octets and files', (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'a'), 'x');
  writeFileSync(join(directory, 'b'), Buffer.alloc(1024 * 1024));
  const tooLarge = readMountedFiles(directory);
  assert.deepEqual([...tooLarge.files.keys()], ['a']);
  assert.equal(tooLarge.problems[0]?.kind, 'excess');
  rmSync(join(directory, 'b'));
  for (let index = 0; index < 256; index++) writeFileSync(join(directory, `c${index}`), '');
  const tooMany = readMountedFiles(directory);
  assert.equal(tooMany.files.size, 256);
  assert.equal(tooMany.problems[0]?.kind, 'excess');
});

test('a path that is no directory cannot be looked into', (t) => {
  const file = join(temporaryDirectory(t), 'file');
  writeFileSync(file, '');
  const { isReadable, problems } = readMountedFiles(file);
  assert.equal(isReadable, false);
  assert.equal(problems[0]?.kind, 'unreadable');
});
