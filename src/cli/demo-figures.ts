/**
 * The live figures: what the series say now, compared with what they said at the start and some seconds ago. It reads
 * series as a scrape does and adds none.
 */
import { DURATION_BUCKETS } from '../metrics/counter-words.ts';
import type { Families } from '../metrics/families.ts';
import type { HistogramFamily, ScalarFamily } from '../metrics/family.ts';

/** Of all servers and zones together, at a moment of the monotonic clock. */
export interface Totals {
  readonly atMs: number;
  readonly queries: number;
  readonly lookups: number;
  readonly hits: number;
  readonly upstreamQueries: number;
  /** Of the durations: how many queries took at most each of DURATION_BUCKETS, and last, all of them. */
  readonly cumulative: readonly number[];
}

/** The 99th percentile is that of the last ten seconds: long enough to be read after a single query. */
const WINDOW_SAMPLES = 10;

/** The series as they stand; shared counters are folded beforehand. */
export function readTotals(families: Families, atMs: number): Totals {
  const cumulative = cumulativeCounts(families.dnsRequestDuration);
  return {
    atMs,
    queries: cumulative.at(-1)!,
    lookups: sum(families.cacheRequests),
    hits: sum(families.cacheHits),
    upstreamQueries: sum(families.upstreamQueriesWritten),
    cumulative,
  };
}

/** Takes a sample each second and keeps as many as it needs. */
export class Figures {
  readonly #start: Totals;
  /** Oldest first, never empty. */
  readonly #samples: Totals[];
  readonly #rateSamples: number;

  /** `rateSamples`: over how many samples a rate is taken, 10 at most. */
  constructor(start: Totals, rateSamples: number) {
    this.#start = start;
    this.#samples = [start];
    this.#rateSamples = rateSamples;
  }

  add(totals: Totals): void {
    this.#samples.push(totals);
    if (this.#samples.length > WINDOW_SAMPLES + 1) this.#samples.shift();
  }

  /** Queries since the start. */
  get queries(): number {
    return this.#now.queries - this.#start.queries;
  }

  /** The rate and the 99th percentile are of the last seconds, all else is since the start. */
  line(): string {
    const p99 = percentile99(this.#samples[0]!, this.#now);
    const queries = `queries ${this.queries} (${this.#rate()}/s)`;
    return `${queries} | ${this.#hitRatio()} | p99 ${p99} | ${this.#upstreamQueries()}`;
  }

  /** What the whole run came to. */
  summary(): string {
    return `queries ${this.queries} | ${this.#hitRatio()} | ${this.#upstreamQueries()}`;
  }

  #hitRatio(): string {
    const hits = this.#now.hits - this.#start.hits;
    const lookups = this.#now.lookups - this.#start.lookups;
    return `hit ratio ${lookups === 0 ? '-' : `${((100 * hits) / lookups).toFixed(1)}%`}`;
  }

  #upstreamQueries(): string {
    return `upstream queries ${this.#now.upstreamQueries - this.#start.upstreamQueries}`;
  }

  get #now(): Totals {
    return this.#samples.at(-1)!;
  }

  #rate(): string {
    const before = this.#samples.at(-1 - this.#rateSamples) ?? this.#samples[0]!;
    const elapsedMs = this.#now.atMs - before.atMs;
    const queries = this.#now.queries - before.queries;
    if (queries === 0 || elapsedMs === 0) return '0';
    const rate = (1000 * queries) / elapsedMs;
    return rate < 10 ? rate.toFixed(1) : String(Math.round(rate));
  }
}

/** A histogram knows no more than the bucket, so this is its upper bound; `-` where nothing was asked. */
function percentile99(before: Totals, now: Totals): string {
  const counts = now.cumulative.map((count, index) => count - before.cumulative[index]!);
  const all = counts.at(-1)!;
  if (all === 0) return '-';
  const bound = DURATION_BUCKETS[counts.findIndex((count) => count >= 0.99 * all)];
  if (bound === undefined) return `> ${milliseconds(DURATION_BUCKETS.at(-1)!)}`;
  return `<= ${milliseconds(bound)}`;
}

function milliseconds(seconds: number): string {
  return `${seconds * 1000} ms`;
}

function sum(family: Pick<ScalarFamily, 'get'>): number {
  return family.get().values.reduce((total, { value }) => total + value, 0);
}

function cumulativeCounts(family: Pick<HistogramFamily, 'get' | 'name'>): number[] {
  const bounds = [...DURATION_BUCKETS.map(String), '+Inf'];
  const counts = bounds.map(() => 0);
  for (const { metricName, labels, value } of family.get().values) {
    if (metricName === `${family.name}_bucket`) counts[bounds.indexOf(String(labels.le))]! += value;
  }
  return counts;
}
