/**
 * What the upstream room tells, as series; the cells of an upstream are looked up once. Upstreams come and go where a server is given by
 * a name whose addresses change, so the series of those that have not been heard of for longest are given up.
 */
import { LRUCache } from 'lru-cache';
import type { Families } from '../metrics/families.ts';
import type { Cell, HistogramCell } from '../metrics/family.ts';
import { type Proto, REASK_REASONS, type UpstreamObserver } from '../upstream/observer.ts';
import { rcodeName } from '../wire/registry.ts';

/** The `proxy_name` label: the directive that asks. */
const PROXY_NAME = 'forward';
/** A Corefile has up to 15 in a `forward`; so many have some 2,500 label sets, which a scrape carries easily. */
export const UPSTREAMS_MAX = 256;

/** `onAnswer` is told the rcode of each answer, and whose it is. */
export function observeUpstreams(
  families: Families,
  onAnswer: (rcode: number, to: string) => void,
): UpstreamObserver {
  const upstreams = new LRUCache<string, UpstreamCells>({
    max: UPSTREAMS_MAX,
    memoMethod: (to) => new UpstreamCells(families, to),
    dispose: (cells) => cells.remove(),
  });
  // Nearly always one was meant the last time, too.
  let last: UpstreamCells | undefined;
  const of = (to: string) => {
    if (last?.to !== to) last = upstreams.memo(to);
    return last;
  };
  return {
    requestDone: (to, rcode, seconds) => {
      of(to).duration(rcode).observe(seconds);
      onAnswer(rcode, to);
    },
    healthCheckFailed: (to) => {
      of(to);
      families.proxyHealthcheckFailures.cell(PROXY_NAME, to).value += 1;
    },
    healthCheckBroken: () => {
      families.forwardHealthcheckBroken.cell().value += 1;
    },
    maxConcurrentRejected: () => {
      families.forwardMaxConcurrentRejects.cell().value += 1;
    },
    overloaded: (to) => {
      of(to);
      families.upstreamOverloads.cell(to).value += 1;
    },
    connectionReused: (to, proto) => {
      of(to).reused(proto).value += 1;
    },
    connectionOpened: (to, proto) => {
      of(to).opened(proto).value += 1;
    },
    segmentWritten: (to, queries) => {
      const { segmentsWritten, queriesWritten } = of(to);
      segmentsWritten.value += 1;
      queriesWritten.value += queries;
    },
    segmentRead: (to, responses) => {
      const { segmentsRead, responsesRead } = of(to);
      segmentsRead.value += 1;
      responsesRead.value += responses;
    },
    reasked: (to, reason) => {
      of(to);
      families.upstreamReasks.cell(to, reason).value += 1;
    },
    replyIgnored: (to) => {
      of(to);
      families.upstreamMismatchedResponses.cell(to).value += 1;
    },
    queryLimitLearnt: (to, limit) => {
      of(to);
      families.upstreamQueryLimit.cell(to).value = limit ?? 0;
    },
  };
}

/** The cells of one upstream that are counted in often. */
class UpstreamCells {
  readonly #families: Families;
  readonly to: string;
  readonly segmentsWritten: Cell;
  readonly queriesWritten: Cell;
  readonly segmentsRead: Cell;
  readonly responsesRead: Cell;
  readonly #durations = new Map<number, HistogramCell>();
  readonly #reused = new Map<Proto, Cell>();
  readonly #opened = new Map<Proto, Cell>();

  constructor(families: Families, to: string) {
    this.#families = families;
    this.to = to;
    this.segmentsWritten = families.upstreamSegmentsWritten.cell(to);
    this.queriesWritten = families.upstreamQueriesWritten.cell(to);
    this.segmentsRead = families.upstreamSegmentsRead.cell(to);
    this.responsesRead = families.upstreamResponsesRead.cell(to);
    // What is counted from nothing to one at its first sight has no rate: the zero comes before it.
    for (const reason of REASK_REASONS) families.upstreamReasks.cell(to, reason);
    for (const family of [families.upstreamMismatchedResponses, families.upstreamOverloads]) {
      family.cell(to);
    }
    families.upstreamQueryLimit.cell(to);
  }

  duration(rcode: number): HistogramCell {
    const { proxyRequestDuration } = this.#families;
    return this.#durations.getOrInsertComputed(rcode, () =>
      proxyRequestDuration.cell(PROXY_NAME, this.to, rcodeName(rcode)),
    );
  }

  reused(proto: Proto): Cell {
    const { proxyConnCacheHits } = this.#families;
    return this.#reused.getOrInsertComputed(proto, () =>
      proxyConnCacheHits.cell(PROXY_NAME, this.to, proto),
    );
  }

  opened(proto: Proto): Cell {
    const { proxyConnCacheMisses } = this.#families;
    return this.#opened.getOrInsertComputed(proto, () =>
      proxyConnCacheMisses.cell(PROXY_NAME, this.to, proto),
    );
  }

  /** Takes the upstream out of every family that has it. */
  remove(): void {
    for (const family of Object.values(this.#families)) {
      family.retain((labels) => labels['to'] !== this.to);
    }
  }
}
