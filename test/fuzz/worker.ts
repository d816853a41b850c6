/**
 * The thread that fuzzes one target. It leaves each input in shared memory before it runs, so that one which never returns is
 * still known to who watches.
 */
import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';
import { seededRandom } from '../../bench/load/random.ts';
import { readCorpus, readForeignCorpus, replaceCorpus } from './corpus-files.ts';
import { Fuzzer, minimized } from './fuzzer.ts';
import { TARGETS } from './targets.ts';

export interface Assignment {
  readonly target: string;
  readonly seconds: number;
  readonly seed: number;
  /** Whether the corpus in the tree is replaced by a minimized one with what was found. */
  readonly keeps: boolean;
  /** Words 0 and 1: inputs begun, and the size of the last; its octets follow. */
  readonly progress: SharedArrayBuffer;
}

export interface Result {
  readonly inputCount: number;
  readonly corpusCount: number;
  readonly coveredCount: number;
  readonly finding: { readonly input: Uint8Array; readonly reason: string } | undefined;
}

/** Where the input's octets start in the shared memory, and how many there are room for. */
export const INPUT_AT = 8;
export const INPUT_SIZE_MAX = 65_536;

function fuzz({ target: name, seconds, seed, keeps, progress }: Assignment): Result {
  const target = TARGETS[name];
  assert(target !== undefined, `a target of this name: ${name}`);
  const words = new Int32Array(progress, 0, 2);
  const octets = new Uint8Array(progress, INPUT_AT);
  const onInput = (input: Uint8Array) => {
    octets.set(input.subarray(0, octets.length));
    words[1] = input.length;
    Atomics.add(words, 0, 1);
  };
  const fuzzer = new Fuzzer(target, { random: seededRandom(seed), onInput });
  const endsAt = performance.now() + 1000 * seconds;
  let finding = fuzzer.load([...readCorpus(name), ...readForeignCorpus(name)]);
  while (finding === undefined && performance.now() < endsAt) finding = fuzzer.tryBatch();
  const { inputCount, coveredCount } = fuzzer;
  fuzzer.close();
  if (keeps) replaceCorpus(name, minimized(target, fuzzer.corpus));
  const reason = finding?.error instanceof Error ? finding.error.stack : String(finding?.error);
  return {
    inputCount,
    coveredCount,
    corpusCount: fuzzer.corpus.length,
    finding: finding && { input: finding.input, reason: reason ?? '' },
  };
}

parentPort?.postMessage(fuzz(workerData as Assignment));
