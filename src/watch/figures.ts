/**
 * What the shared counters came to, second by second while somebody looks: rates and percentiles of the last ten seconds, and a history
 * of five minutes for who comes late. It reads totals that are there anyway, and adds none to the hot path.
 */
import type { CounterRows } from '../metrics/counter-rows.ts';
import {
  ARRIVAL_TO_SEND_BUCKETS,
  COUNTED_TYPES,
  DURATION_BUCKETS,
  RCODE_WORDS,
  ROW,
  WRITER,
} from '../metrics/counter-words.ts';
import { OwnQueries } from './own-queries.ts';

/** Long enough to read a percentile after a single query, short enough to see a change. */
export const WINDOW_S = 10;
/** What somebody wants to see who was woken by an alert. */
export const HISTORY_S = 300;

/** Counted one by one; a Corefile has up to 15 in a `forward`. */
const UPSTREAMS_MAX = 256;

/** Since the start, at a moment of the monotonic clock. */
export interface Totals {
  readonly atMs: number;
  /** By the order of `COUNTED_TYPES`; last, all other types. */
  readonly byType: Float64Array;
  /** By rcode; last, all above. */
  readonly byRcode: Float64Array;
  readonly durations: Float64Array;
  readonly arrivalToSend: Float64Array;
  readonly hits: number;
  readonly denials: number;
  readonly stale: number;
  readonly misses: number;
  /** Upstream queries that were not sent: cached answers and shared questions, less what the cache refreshed of itself. */
  readonly saved: number;
  /** Of each upstream, `HOST:PORT`. */
  readonly answers: ReadonlyMap<string, number>;
}

/** What is counted elsewhere. */
export interface OtherTotals {
  /** Client queries that shared another one's upstream query. */
  readonly coalesced: number;
  /** Upstream queries of the cache's own. */
  readonly refreshes: number;
  /** Taken out of the counts by type and by rcode; latencies and look-ups do not tell who asked. */
  readonly own: OwnQueries;
}

export class Figures {
  readonly #rows: CounterRows;
  /** Responses that a directive other than `cache` wrote. */
  readonly #forwarded = new Float64Array(RCODE_WORDS);
  readonly #answers = new Map<string, number>();
  /** Oldest first, at most one a second, and never more than the window needs. */
  readonly #window: Totals[] = [];
  /** Of each second, the newest last. */
  readonly #queriesPerS: number[] = [];
  readonly #hitRatios: (number | null)[] = [];
  /** What is counted here has changed since the last totals. */
  #isChanged = true;
  #seen = { rows: 0, coalesced: 0, refreshes: 0 };

  constructor(rows: CounterRows, nowMs: number) {
    this.#rows = rows;
    this.add(nowMs, { coalesced: 0, refreshes: 0, own: new OwnQueries() });
  }

  /** Counts a response that stands in no row by its rcode. */
  countForwarded(rcode: number): void {
    this.#forwarded[Math.min(rcode, RCODE_WORDS - 1)]! += 1;
    this.#isChanged = true;
  }

  /** Counts an upstream's answer. */
  countAnswer(to: string): void {
    // Servers come and go where a host name stands for them.
    if (this.#answers.size === UPSTREAMS_MAX && !this.#answers.has(to)) this.#answers.clear();
    this.#answers.set(to, (this.#answers.get(to) ?? 0) + 1);
    this.#isChanged = true;
  }

  /** Whether a second of the clock has passed since the totals were taken. */
  isDue(nowMs: number): boolean {
    return secondOf(nowMs) > secondOf(this.#window.at(-1)!.atMs);
  }

  /** Takes the totals, where they are due and the counters folded; the seconds since the last ones share what was counted. */
  add(nowMs: number, other: OtherTotals): void {
    const before = this.#window.at(-1);
    const now = this.#totals(before, nowMs, other);
    this.#window.push(now);
    while (this.#window.length > 2 && nowMs - this.#window[1]!.atMs >= 1000 * WINDOW_S) {
      this.#window.shift();
    }
    if (before === undefined) return;
    const isQuiet = now.byType === before.byType;
    const seconds = Math.max(1, now.atMs - before.atMs) / 1000;
    const queriesPerS = isQuiet ? 0 : grown(before.byType, now.byType) / seconds;
    const hitRatio = isQuiet ? null : hitRatioBetween(before, now);
    const passed = secondOf(nowMs) - secondOf(before.atMs);
    for (let second = 0; second < Math.min(passed, HISTORY_S); second++) {
      keep(this.#queriesPerS, queriesPerS);
      keep(this.#hitRatios, hitRatio);
    }
  }

  /** The last ones where nothing was counted since: an idle process takes 0.1 ms to make new ones. */
  #totals(before: Totals | undefined, nowMs: number, other: OtherTotals): Totals {
    const { coalesced, refreshes } = other;
    const rows = this.#rows.changeCount;
    const seen = this.#seen;
    const isSame =
      !this.#isChanged &&
      rows === seen.rows &&
      coalesced === seen.coalesced &&
      refreshes === seen.refreshes;
    if (before !== undefined && isSame) return { ...before, atMs: nowMs };
    this.#isChanged = false;
    this.#seen = { rows, coalesced, refreshes };
    const answers = new Map(this.#answers);
    return { ...totalsOf(this.#rows, this.#forwarded, nowMs, other), answers };
  }

  get queriesPerS(): readonly number[] {
    return this.#queriesPerS;
  }

  /** Null: nobody asked. */
  get hitRatios(): readonly (number | null)[] {
    return this.#hitRatios;
  }

  /** The ends of the window, ten seconds and the time between two totals at most; the same twice until there were two. */
  window(): { readonly before: Totals; readonly now: Totals } {
    return { before: this.#window[0]!, now: this.#window.at(-1)! };
  }
}

/** The history's steps. */
function secondOf(ms: number): number {
  return Math.floor(ms / 1000);
}

function hitRatioBetween(before: Totals, now: Totals): number | null {
  const hits = now.hits + now.denials - before.hits - before.denials;
  const lookUps = hits + now.misses - before.misses;
  return lookUps === 0 ? null : hits / lookUps;
}

function keep<Value>(values: Value[], value: Value): void {
  values.push(value);
  if (values.length > HISTORY_S) values.shift();
}

function totalsOf(
  { rowTotals, writerTotals }: CounterRows,
  forwarded: Float64Array,
  atMs: number,
  { coalesced, refreshes, own }: OtherTotals,
): Omit<Totals, 'answers'> {
  const row = (offset: number, count: number) => rowTotals.slice(offset, offset + count);
  const [hits, denials, misses, stale] = row(ROW.cacheHitsSuccess, 4) as unknown as [
    number,
    number,
    number,
    number,
  ];
  const chainless = row(ROW.chainlessResponsesByRcode, RCODE_WORDS);
  return {
    atMs,
    byType: row(ROW.requestsByType, COUNTED_TYPES.length + 1).map((count, type) =>
      Math.max(0, count - own.byType[type]!),
    ),
    byRcode: row(ROW.cacheResponsesByRcode, RCODE_WORDS).map((count, rcode) =>
      Math.max(0, count + chainless[rcode]! + forwarded[rcode]! - own.byRcode[rcode]!),
    ),
    durations: row(ROW.durationBuckets, DURATION_BUCKETS.length + 1),
    arrivalToSend: writerTotals.slice(
      WRITER.arrivalToSendBuckets,
      WRITER.arrivalToSendBuckets + ARRIVAL_TO_SEND_BUCKETS.length + 1,
    ),
    hits,
    denials,
    stale,
    misses,
    saved: hits + denials + coalesced - refreshes,
  };
}

/**
 * The upper bound of the bucket in which this share of what a histogram counted between two moments lies: it knows no more.
 * Undefined where it counted nothing, Infinity above the last bound.
 */
export function quantileBound(
  before: Float64Array,
  now: Float64Array,
  bounds: readonly number[],
  share: number,
): number | undefined {
  const counts = now.map((count, bucket) => count - before[bucket]!);
  const wanted = share * sum(counts);
  if (wanted === 0) return undefined;
  let seen = 0;
  const bucket = counts.findIndex((count) => {
    seen += count;
    return seen >= wanted;
  });
  return bounds[bucket] ?? Number.POSITIVE_INFINITY;
}

/**
 * By how much; never less than 0: while another process serves beside us, it may have answered a query that we take for one of our
 * own counters'.
 */
export function grown(before: Float64Array, now: Float64Array): number {
  return Math.max(0, sum(now) - sum(before));
}

export function sum(counts: Float64Array): number {
  return counts.reduce((total, count) => total + count, 0);
}
