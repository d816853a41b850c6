/** A writer on a thread of its own, for counter-rows.test.ts: counts so many requests in its row, then ends. */
import { workerData } from 'node:worker_threads';
import {
  countCacheHit,
  countCacheResponse,
  countRequest,
} from '../../src/metrics/counter-words.ts';

const { words, base, count } = workerData as { words: Int32Array; base: number; count: number };
for (let index = 0; index < count; index++) {
  countRequest(words, base, 1, 0, 40, 100, 6);
  countCacheHit(words, base, 0, 0);
  countCacheResponse(words, base, 0);
}
