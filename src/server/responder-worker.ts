/**
 * The workers that responder threads run in. The first one is started ahead, before the rest of the program is loaded: where there is
 * another core it loads its own part meanwhile, and has only its wiring to wait for.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ResponderData } from './responder-data.ts';

/** The image runs JavaScript, development runs TypeScript: the entry file has our own suffix. */
const ENTRY = new URL(`../responder${extname(import.meta.url)}`, import.meta.url);

let ahead: Worker | undefined;

const forget = (): void => {
  ahead = undefined;
};

/** Starts one; the process does not wait for it. Where no thread is to be had, the first responder meets the error and tells of it. */
export function startAhead(): void {
  try {
    ahead = new Worker(ENTRY);
  } catch {
    return;
  }
  ahead.unref();
  ahead.once('error', forget).once('exit', forget);
}

/** A worker that has got its wiring: the one that was started ahead, if nobody has it yet. */
export function startWorker(data: ResponderData): Worker {
  const worker = ahead ?? new Worker(ENTRY);
  forget();
  worker.off('error', forget).off('exit', forget);
  worker.ref();
  worker.postMessage(data, [data.port]);
  return worker;
}

/** There is no responder to come. */
export function endAhead(): void {
  void ahead?.terminate();
  forget();
}
