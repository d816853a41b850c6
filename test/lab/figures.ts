/**
 * Figures from what stubs recorded: percentiles, errors, hits and misses apart. Pure.
 */
import type { LookupRecord, QueryRecord, StubRecords } from './stub.ts';

/** Milliseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly slowest: number;
}

export interface LookupFigures extends Latencies {
  /** Look-ups that ended with EAI_AGAIN. */
  readonly errors: number;
}

/** Nearest rank; NaN for none. */
export function latenciesOf(latenciesUs: readonly number[]): Latencies {
  const sorted = [...latenciesUs].sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN) / 1000;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), slowest: at(1) };
}

/** Failed look-ups count with the time that they took to fail. */
export function lookupFigures(lookups: readonly LookupRecord[]): LookupFigures {
  const latencies = latenciesOf(lookups.map(({ latencyUs }) => latencyUs));
  return { ...latencies, errors: lookups.filter(({ result }) => result === 'again').length };
}

export interface ClassifiedQueries {
  /** Some pod of the node had the answer before, and its TTL was not over by the time of this query. */
  readonly hits: QueryRecord[];
  readonly misses: QueryRecord[];
}

/** An answer whose TTL ends within a second may be gone or not: TTLs are whole seconds. Such a query counts as a miss. */
const TTL_MARGIN_US = 1_000_000;

/** Of all pods of one node. */
export function classifyQueries(pods: readonly StubRecords[]): ClassifiedQueries {
  const queries = pods.flatMap((records) => records.queries).sort((a, b) => a.sentUs - b.sentUs);
  const answers = queries
    .filter(({ rcode }) => rcode === 0 || rcode === 3)
    .sort((a, b) => a.sentUs + a.latencyUs - b.sentUs - b.latencyUs);
  const freshUntilUs = new Map<string, number>();
  const result: ClassifiedQueries = { hits: [], misses: [] };
  let next = 0;
  for (const query of queries) {
    for (; next < answers.length; next++) {
      const answer = answers[next]!;
      const answeredUs = answer.sentUs + answer.latencyUs;
      if (answeredUs > query.sentUs) break;
      freshUntilUs.set(keyOf(answer), answeredUs + answer.ttlS * 1e6 - TTL_MARGIN_US);
    }
    const isHit = (freshUntilUs.get(keyOf(query)) ?? 0) > query.sentUs;
    (isHit ? result.hits : result.misses).push(query);
  }
  return result;
}

function keyOf({ name, type }: QueryRecord): string {
  return `${name} ${type}`;
}
