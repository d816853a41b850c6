/** Fuzzes one target in a thread of its own, and ends it where an input takes far too long. */
import { once } from 'node:events';
import { setInterval } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type Assignment, INPUT_AT, INPUT_SIZE_MAX, type Result } from './worker.ts';

/** An input takes a millisecond at most; a loaded machine may stand still for a while. */
const HANG_SECONDS = 20;

/** The result; an input that does not return within HANG_SECONDS is a finding too. */
export async function fuzzTarget(assignment: Omit<Assignment, 'progress'>): Promise<Result> {
  const progress = new SharedArrayBuffer(INPUT_AT + INPUT_SIZE_MAX);
  const workerData: Assignment = { ...assignment, progress };
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData });
  const done = new AbortController();
  try {
    return await Promise.race([
      once(worker, 'message').then(([result]) => result as Result),
      hang(progress, done.signal),
    ]);
  } finally {
    done.abort();
    await worker.terminate();
  }
}

/** Resolves with the input when it has stayed the same for so long; while a corpus is minimized nothing is new either. */
async function hang(progress: SharedArrayBuffer, signal: AbortSignal): Promise<Result> {
  const words = new Int32Array(progress, 0, 2);
  let seen = -1;
  let seconds = 0;
  try {
    for await (const _ of setInterval(1000, undefined, { signal })) {
      const begun = Atomics.load(words, 0);
      seconds = begun === seen ? seconds + 1 : 0;
      seen = begun;
      if (seconds < HANG_SECONDS) continue;
      const input = new Uint8Array(progress, INPUT_AT).slice(0, words[1]);
      const reason = `it has not returned within ${HANG_SECONDS} s`;
      return { inputCount: begun, corpusCount: 0, coveredCount: 0, finding: { input, reason } };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return new Promise(() => {});
}
