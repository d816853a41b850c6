/**
 * Hits in process, by the million: CPU time, octets of heap, and garbage collections. A query is made in its buffer, parsed,
 * looked up, and becomes its answer; everything that a responder does but the system calls.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BATCH_MAX } from '../../src/os/datagram-batch.ts';
import { median } from '../statistics.ts';
import { type Distribution, DRAW_COUNT, draw } from './draws.ts';
import type { FilledCache } from './filled-cache.ts';
import { ThreadClock } from './thread-clock.ts';

/** Of which the median is told: a shared machine disturbs some of them. */
const PARTS = 10;
const WARMUP_HITS = 200_000;
/** Collects all garbage. A context sees it that is made behind the flag. */
setFlagsFromString('--expose-gc');
const collectAll = runInNewContext('gc') as () => void;
/** One for all measurements: making it is what would have to be collected. */
const indexes = new Int32Array(DRAW_COUNT);

export interface HitFigures {
  readonly names: number;
  readonly distribution: Distribution;
  readonly hits: number;
  readonly nsPerHit: number;
  readonly octetsPerHit: number;
  readonly collections: number;
}

/** Asks for cached names only. The thread's own CPU time counts, so that other processes do not show. */
export async function measureHits(
  cache: FilledCache,
  names: number,
  distribution: Distribution,
  hits: number,
): Promise<HitFigures> {
  draw(indexes, distribution, names);
  // What was made before, marked in part perhaps, is not to be collected among the hits.
  collectAll();
  hitMany(cache, WARMUP_HITS);
  const collections = observeCollections();
  const heapBefore = process.memoryUsage().heapUsed;
  const part = Math.ceil(hits / PARTS);
  const clock = new ThreadClock();
  const times: number[] = [];
  for (let index = 0; index < PARTS; index++) {
    const before = clock.nowNs();
    hitMany(cache, part);
    times.push((clock.nowNs() - before) / part);
  }
  const octets = process.memoryUsage().heapUsed - heapBefore;
  return {
    names,
    distribution,
    hits: part * PARTS,
    nsPerHit: median(times),
    octetsPerHit: octets / (part * PARTS),
    collections: await collections(),
  };
}

function hitMany(cache: FilledCache, hits: number): void {
  let at = 0;
  for (let done = 0; done < hits; done += BATCH_MAX) {
    cache.hitBatch(indexes, at);
    at = (at + BATCH_MAX) % DRAW_COUNT;
  }
}

/** Counts from now on; the returned function stops and says how many there were. */
function observeCollections(): () => Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    count += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  return async () => {
    await setImmediate(); // entries come with the next turn
    await setImmediate();
    observer.disconnect();
    return count;
  };
}
