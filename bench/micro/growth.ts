/**
 * What a hit costs as the cache fills, and what the dearest insert costs at any size: nothing may grow with the number of
 * names but the misses of the processor's caches.
 */
import { CacheKey } from '../../src/cache/key.ts';
import { Histogram } from '../load/histogram.ts';
import type { FilledCache } from './filled-cache.ts';
import { type HitFigures, measureHits } from './hits.ts';
import { ThreadClock } from './thread-clock.ts';

export interface InsertFigures {
  /** Names in the cache after it. */
  readonly names: number;
  readonly inserts: number;
  readonly evicts: boolean;
  readonly p50Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

export interface GrowthFigures {
  readonly hits: readonly HitFigures[];
  readonly inserts: readonly InsertFigures[];
}

/** Fills the cache to each of the sizes in turn, the last of which is its capacity; then inserts `evictions` names more. */
export async function measureGrowth(
  cache: FilledCache,
  sizes: readonly number[],
  hits: number,
  evictions: number,
): Promise<GrowthFigures> {
  const figures = { hits: [] as HitFigures[], inserts: [] as InsertFigures[] };
  let names = 0;
  for (const size of sizes) {
    figures.inserts.push({ ...measureInserts(cache, names, size), names: size, evicts: false });
    names = size;
    for (const distribution of ['zipf', 'uniform'] as const) {
      figures.hits.push(await measureHits(cache, size, distribution, hits));
    }
  }
  const evicting = measureInserts(cache, names, names + evictions);
  figures.inserts.push({ ...evicting, names, evicts: true });
  return figures;
}

/** Of names from `from` up to `to`. */
function measureInserts(cache: FilledCache, from: number, to: number) {
  const clock = new ThreadClock();
  const histogram = new Histogram();
  const key = new CacheKey();
  for (let index = from; index < to; index++) {
    cache.keyOf(index, key);
    const before = clock.nowNs();
    cache.insert(key);
    histogram.record(clock.nowNs() - before);
  }
  return {
    inserts: histogram.count,
    p50Us: histogram.percentile(50) / 1000,
    p999Us: histogram.percentile(99.9) / 1000,
    maxUs: histogram.max / 1000,
  };
}
