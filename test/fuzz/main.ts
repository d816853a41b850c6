/**
 * `npm run fuzz -- [--seconds N] [--target NAME] [--seed N] [--keep]`: fuzzes all targets, or one, for N seconds in all, 60
 * where none are given. What fails is written to a file, with the command that runs it again:
 *
 *     npm run fuzz -- --target NAME --input FILE
 *
 * `--keep` puts what was found to run more code into the corpus in the tree, minimized.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nameOf } from './corpus-files.ts';
import { TARGETS } from './targets.ts';
import { fuzzTarget } from './watch.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    input: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Runs one file; it throws as the target does. */
function repeat(name: string, file: string): void {
  TARGETS[name]!.run(new Uint8Array(readFileSync(file)));
  say(`${name}: ${file} holds`);
}

async function fuzz(name: string, seconds: number): Promise<boolean> {
  const seed = Number(values.seed);
  const result = await fuzzTarget({ target: name, seconds, seed, keeps: values.keep });
  const { inputCount, corpusCount, coveredCount, finding } = result;
  say(`${name}: ${inputCount} inputs, ${corpusCount} kept, ${coveredCount} characters run`);
  if (finding === undefined) return true;
  const file = join(tmpdir(), `zerohop-fuzz-${name}-${nameOf(finding.input)}`);
  writeFileSync(file, finding.input);
  say(`${finding.reason}\nnpm run fuzz -- --target ${name} --input ${file}`);
  return false;
}

const names = values.target === undefined ? Object.keys(TARGETS) : [values.target];
const unknown = names.find((name) => TARGETS[name] === undefined);
if (unknown !== undefined) {
  say(`no target ${unknown}: there are ${Object.keys(TARGETS).join(', ')}`);
  process.exitCode = 2;
} else if (values.input !== undefined) {
  repeat(names[0]!, values.input);
} else {
  say(`seed ${values.seed}`);
  for (const name of names) {
    if (!(await fuzz(name, Number(values.seconds) / names.length))) process.exitCode = 1;
  }
}
