import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { DescriptorCheck } from '../../src/control/descriptor-check.ts';

const SOURCES = join(import.meta.dirname, '../../src');

/** Takes all descriptors, looks, gives one back, looks twice. */
const SCRIPT = `
import { closeSync, openSync } from 'node:fs';
import { createLog } from '${SOURCES}/base/log.ts';
import { DescriptorCheck } from '${SOURCES}/control/descriptor-check.ts';
const lines = [];
const check = new DescriptorCheck(createLog((line) => lines.push(line)));
check.run();
let last;
try { for (;;) last = openSync('/dev/null', 'r'); } catch {}
check.run();
check.run();
closeSync(last);
check.run();
check.run();
process.stdout.write(lines.join(''));
`;

test('says once that no descriptor is left, and once that there is one again', () => {
  const node = [process.execPath, '--input-type=module', '--eval', SCRIPT];
  const text = execFileSync('prlimit', ['--nofile=64', '--', ...node], { encoding: 'utf8' });
  const lines = text.trimEnd().split('\n');
  assert.equal(lines.length, 2, text);
  assert.match(lines[0]!, /^\[ERROR\] EMFILE: no file descriptor is left/);
  assert.match(lines[1]!, /^\[INFO\] file descriptors are left again$/);
});

test('says nothing while there are descriptors', () => {
  const check = new DescriptorCheck(createLog(() => assert.fail()));
  check.run();
  check.run();
});
