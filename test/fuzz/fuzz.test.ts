/**
 * A second of fuzzing in each run of the tests, and the fuzzer itself: it finds what chance alone does not, and its corpus in the
 * tree stays small. `npm run fuzz` takes longer.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { seededRandom } from '../../bench/load/random.ts';
import { readCorpus } from './corpus-files.ts';
import { Fuzzer, minimized } from './fuzzer.ts';
import { TARGETS, type Target } from './targets.ts';

const SMOKE_MS = 250;
const SEED = 1;
const FILES_MAX = 50;
const FILE_SIZE_MAX = 300;
/** One input in 16 million starts with these three octets; the fuzzer takes some ten thousand. */
const MAGIC = Buffer.from('dns');
const BATCHES_MAX = 5000;

for (const [name, target] of Object.entries(TARGETS)) {
  test(`smoke: ${name}`, (t) => {
    const fuzzer = new Fuzzer(target, { random: seededRandom(SEED) });
    t.after(() => fuzzer.close());
    const endsAt = performance.now() + SMOKE_MS;
    let finding = fuzzer.load(readCorpus(name));
    while (finding === undefined && performance.now() < endsAt) finding = fuzzer.tryBatch();
    t.diagnostic(`${fuzzer.inputCount} inputs, ${fuzzer.coveredCount} characters run`);
    if (finding === undefined) return;
    t.diagnostic(`input: ${Buffer.from(finding.input).toString('base64')}`);
    throw finding.error;
  });
}

test('the corpus in the tree is small', () => {
  for (const name of Object.keys(TARGETS)) {
    const inputs = readCorpus(name);
    assert.ok(inputs.length > 0 && inputs.length <= FILES_MAX, `${name}: ${inputs.length} files`);
    for (const { length } of inputs)
      assert.ok(length <= FILE_SIZE_MAX, `${name}: ${length} octets`);
  }
});

/** Each right octet is another block of code, which tells the fuzzer that it gets warmer. */
function planted(input: Uint8Array): void {
  if (input[0] !== MAGIC[0]) return;
  if (input[1] !== MAGIC[1]) return;
  if (input[2] === MAGIC[2]) throw new Error('found');
}

test('finds what stands behind three comparisons, and keeps the way to it', (t) => {
  const target: Target = { sources: /fuzz\.test\.ts/, run: planted, tokens: [] };
  const fuzzer = new Fuzzer(target, { random: seededRandom(SEED) });
  t.after(() => fuzzer.close());
  let finding = fuzzer.load([new Uint8Array(8)]);
  for (let batch = 0; finding === undefined && batch < BATCHES_MAX; batch++) {
    finding = fuzzer.tryBatch();
  }
  assert.equal(Buffer.from(finding!.input).subarray(0, 3).toString(), 'dns');
  const small = minimized(target, fuzzer.corpus).map((input) => Buffer.from(input).toString());
  assert.ok(small.includes('dn'), small.join());
});

test('the command runs all targets, or one input', () => {
  const run = (...args: string[]) => {
    const main = join(import.meta.dirname, 'main.ts');
    const { status, stdout } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
    return { status, stdout };
  };
  const { status, stdout } = run('--seconds', '0.1', '--seed', '3');
  assert.equal(status, 0, stdout);
  for (const name of Object.keys(TARGETS))
    assert.match(stdout, new RegExp(`^${name}: \\d+ inputs`, 'm'));
  assert.equal(run('--target', 'corefile', '--input', import.meta.filename).status, 0);
  assert.equal(run('--target', 'nothing').status, 2);
});
