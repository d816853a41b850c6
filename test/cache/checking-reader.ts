/**
 * A reader on a thread of its own, for readers.test.ts: looks up keys as a responder does, and checks that what it found
 * is whole and belongs to the key. Ends when it is told to, and posts what it saw.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { readBody } from '../../src/cache/entry.ts';
import { ReaderEpoch } from '../../src/cache/epochs.ts';
import { markHit, marksOf } from '../../src/cache/marks.ts';
import { CacheMemory, type MemoryHandle } from '../../src/cache/memory.ts';
import { findEntry } from '../../src/cache/table.ts';
import { isBodyOfKey, KEY_COUNT, keyNumber } from './derived-bodies.ts';

export interface ReaderData {
  readonly handle: MemoryHandle;
  readonly reader: number;
  /** Word 0: 1 ends the reader. Word 1: readers that have started. Word 2 + reader: its hits so far. */
  readonly control: Int32Array;
}

export interface ReaderResult {
  readonly lookups: number;
  readonly hits: number;
  /** Keys whose entry was torn, or another one's. */
  readonly wrong: number[];
}

const BATCH = 32;
const REST_MS = 0.02;

const { handle, reader, control } = workerData as ReaderData;
const memory = CacheMemory.attach(handle);
const epoch = new ReaderEpoch(memory, reader);
const marksAt = marksOf(memory, reader);
const keys = Array.from({ length: KEY_COUNT }, (_, index) => keyNumber(index));
const wrong: number[] = [];
let lookups = 0;
let hits = 0;
let next = reader * 7;

Atomics.add(control, 1, 1);
Atomics.notify(control, 1);
while (Atomics.load(control, 0) === 0) {
  epoch.enter();
  for (let query = 0; query < BATCH; query++) {
    next = (next * 5 + 1) % KEY_COUNT;
    const at = findEntry(memory, keys[next]!);
    lookups += 1;
    if (at === 0) continue;
    hits += 1;
    markHit(memory.words, marksAt, at, lookups);
    if (!isBodyOfKey(readBody(memory, at), next)) wrong.push(next);
  }
  epoch.leave();
  Atomics.store(control, 2 + reader, hits);
  // As a responder between two batches: with fewer cores than threads the writer gets its turn.
  Atomics.wait(control, 0, 0, REST_MS);
}
parentPort!.postMessage({ lookups, hits, wrong: wrong.slice(0, 10) } satisfies ReaderResult);
