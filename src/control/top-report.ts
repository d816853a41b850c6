/**
 * What is going on in a daemon, as plain data: what `zerohop top` and the status page show. Rates are of the last ten seconds.
 * Names and clients are in it only for whom they are meant: `asked` and `slowest` are null for all others.
 */
import type { UpstreamSnapshot } from '../upstream/upstream.ts';
import type { Asked } from '../watch/asked-names.ts';
import type { SlowAnswer } from '../watch/slowest-answers.ts';
import type { DropStatus } from './drop-status.ts';

/** Fields are added; none changes its meaning or goes without a line in the change log. */
export interface Top {
  readonly program: 'zerohop';
  readonly version: string;
  /** The machine's name. */
  readonly host: string;
  /** RFC 3339, of the machine's clock. */
  readonly at: string;
  readonly uptimeS: number;
  /** What is in the way of `/ready`, a line each; empty: it is ready. */
  readonly notReady: readonly string[];
  /** What rates, latencies and shares are of; shorter in the first seconds. */
  readonly windowS: number;
  readonly queriesPerS: number;
  /** Since the start. */
  readonly queries: number;
  readonly cache: TopCache;
  readonly latency: TopLatency;
  readonly rcodes: readonly TopShare[];
  readonly types: readonly TopShare[];
  readonly saved: TopSaved;
  readonly upstreams: readonly TopUpstream[];
  readonly inFlight: { readonly questions: number; readonly waiters: number };
  readonly tcpConnections: number;
  readonly drops: DropStatus;
  readonly history: TopHistory;
  /** Null: not for this viewer. */
  readonly asked: Asked | null;
  readonly slowest: readonly (SlowAnswer & { readonly agoS: number })[] | null;
}

export interface TopCache {
  /** Of look-ups in the window, from 0 to 1; null: there was none. */
  readonly hitRatio: number | null;
  readonly hitsPerS: number;
  readonly denialHitsPerS: number;
  readonly staleHitsPerS: number;
  readonly missesPerS: number;
  readonly entries: number;
  readonly usedBytes: number;
  readonly budgetBytes: number;
}

/** Upper bounds of buckets, in milliseconds: the figure is at most that. Null: there is none, or none so high. */
export interface Percentiles {
  /** How many were counted. */
  readonly count: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly p999: number | null;
}

export interface TopLatency {
  /** From a client's query to its reply. */
  readonly queries: Percentiles;
  /** From the arrival in the kernel to the reply, of a sample of what responders answer. */
  readonly sampled: Percentiles;
}

export interface TopShare {
  readonly name: string;
  readonly perS: number;
  readonly share: number;
}

/** Upstream queries that were not sent because of the cache, and because identical questions share one. */
export interface TopSaved {
  readonly perS: number;
  /** Since the start. */
  readonly total: number;
  /** Of the window's queries, from 0 to 1; null: there was none. */
  readonly share: number | null;
}

export interface TopUpstream extends UpstreamSnapshot {
  /** FROM of its `forward`, and the zones of the block that this stands in. */
  readonly from: string;
  readonly zones: readonly string[];
  /** In all `forward`s with this server together. */
  readonly answersPerS: number;
}

export interface TopHistory {
  readonly stepS: number;
  /** The newest last. */
  readonly queriesPerS: readonly number[];
  readonly hitRatio: readonly (number | null)[];
}
