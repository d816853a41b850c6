/** A daemon's own account of what is going on in it: a `Top` (top-report.ts). */
import { hostname } from 'node:os';
import {
  ARRIVAL_TO_SEND_BUCKETS,
  COUNTED_TYPES,
  DURATION_BUCKETS,
  RCODE_WORDS,
} from '../metrics/counter-words.ts';
import { grown, quantileBound, sum, type Totals, WINDOW_S } from '../watch/figures.ts';
import { rcodeName } from '../wire/registry.ts';
import type { Daemon } from './daemon.ts';
import { dropsOf } from './status.ts';
import type { Percentiles, Top, TopCache, TopShare, TopUpstream } from './top-report.ts';
import { VERSION } from './version.ts';

/** More than a screen shows. */
const ROWS_MAX = 20;

/** `withNames`: the viewer may see names and clients, and keeps the watch on them going by this. */
export function topOf(daemon: Daemon, notReady: readonly string[], withNames: boolean): Top {
  const { watch, sources } = daemon;
  watch.refresh();
  if (withNames) watch.asked.renew();
  const { before, now } = watch.figures.window();
  const seconds = Math.max(1, (now.atMs - before.atMs) / 1000);
  const queries = grown(before.byType, now.byType);
  const { questionCount, waiterCount } = sources.resolver.inFlight;
  return {
    program: 'zerohop',
    version: VERSION,
    host: hostname(),
    at: new Date().toISOString(),
    uptimeS: Math.round(process.uptime()),
    notReady,
    windowS: Math.min(WINDOW_S, Math.round(seconds)),
    queriesPerS: queries / seconds,
    queries: sum(now.byType),
    cache: cacheOf(daemon, before, now, seconds),
    latency: {
      queries: percentiles(before.durations, now.durations, DURATION_BUCKETS),
      sampled: percentiles(before.arrivalToSend, now.arrivalToSend, ARRIVAL_TO_SEND_BUCKETS),
    },
    rcodes: shares(before.byRcode, now.byRcode, seconds, rcodeText),
    types: shares(before.byType, now.byType, seconds, typeText),
    saved: {
      perS: (now.saved - before.saved) / seconds,
      total: now.saved,
      share: queries === 0 ? null : (now.saved - before.saved) / queries,
    },
    upstreams: upstreamsOf(daemon, before, now, seconds),
    inFlight: { questions: questionCount, waiters: waiterCount },
    tcpConnections: sources.clients.connections.open,
    drops: dropsOf(daemon),
    history: {
      stepS: 1,
      queriesPerS: watch.figures.queriesPerS,
      hitRatio: watch.figures.hitRatios,
    },
    asked: withNames ? (watch.asked.heaviest(ROWS_MAX) ?? null) : null,
    slowest: withNames ? watch.slowest.slowest(ROWS_MAX) : null,
  };
}

function cacheOf(
  { sources: { store } }: Daemon,
  before: Totals,
  now: Totals,
  seconds: number,
): TopCache {
  const more = (name: 'hits' | 'denials' | 'stale' | 'misses') => now[name] - before[name];
  const hits = more('hits') + more('denials');
  const lookUps = hits + more('misses');
  return {
    hitRatio: lookUps === 0 ? null : hits / lookUps,
    hitsPerS: hits / seconds,
    denialHitsPerS: more('denials') / seconds,
    staleHitsPerS: more('stale') / seconds,
    missesPerS: more('misses') / seconds,
    entries: store.entryCount,
    usedBytes: store.usedBytes,
    budgetBytes: store.capacityBytes,
  };
}

function percentiles(
  before: Float64Array,
  now: Float64Array,
  bounds: readonly number[],
): Percentiles {
  const bound = (share: number) => {
    const seconds = quantileBound(before, now, bounds, share);
    const isNone = seconds === undefined || seconds === Number.POSITIVE_INFINITY;
    return isNone ? null : Math.round(seconds * 1e6) / 1000;
  };
  const count = sum(now) - sum(before);
  return { count, p50: bound(0.5), p90: bound(0.9), p99: bound(0.99), p999: bound(0.999) };
}

/** Those that occurred in the window, the most frequent first. */
function shares(
  before: Float64Array,
  now: Float64Array,
  seconds: number,
  nameOf: (index: number) => string,
): TopShare[] {
  const counts = now.map((count, index) => count - before[index]!);
  const total = sum(counts);
  return [...counts.entries()]
    .filter(([, count]) => count > 0)
    .sort(([, left], [, right]) => right - left)
    .map(([index, count]) => ({
      name: nameOf(index),
      perS: count / seconds,
      share: count / total,
    }));
}

function rcodeText(rcode: number): string {
  return rcode === RCODE_WORDS - 1 ? 'other' : rcodeName(rcode);
}

function typeText(index: number): string {
  return COUNTED_TYPES[index]?.[0] ?? 'other';
}

function upstreamsOf(
  { generation }: Daemon,
  before: Totals,
  now: Totals,
  seconds: number,
): TopUpstream[] {
  const answersPerS = (to: string) =>
    Math.max(0, (now.answers.get(to) ?? 0) - (before.answers.get(to) ?? 0)) / seconds;
  return (generation?.blocks ?? []).flatMap(({ chain, config }) =>
    chain.forwards.flatMap((forward) =>
      forward.snapshot().upstreams.map((upstream) => ({
        from: forward.options.from,
        zones: config.zones.map(({ zone }) => zone),
        ...upstream,
        answersPerS: answersPerS(upstream.to),
      })),
    ),
  );
}
