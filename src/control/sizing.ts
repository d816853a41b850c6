/**
 * How large the cache memory is, and how many questions may be under way: from the Corefile's capacities, within what the
 * container may use. Pages that no entry touches cost nothing, so this is a bound, not a use.
 */
import type { MemoryPlan } from '../cache/memory.ts';
import { UNIT } from '../cache/memory.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import { counterBytes } from '../metrics/counter-rows.ts';
import type { InFlightLimits } from '../upstream/in-flight.ts';
import { memoryLimitBytes } from './memory-limit.ts';

/**
 * Octets of slab planned for an entry: a header of 84, a key and an answer. One address takes 192, the answers of real
 * resolvers 300 in the mean.
 */
const ENTRY_BYTES = 384;
/** Entries at least, so that a reload with larger capacities finds room. */
const SLOTS_MIN = 65_536;
/** Of the container's memory limit: the rest is Node's (about 60 MB with everything) and in-flight queries'. */
const LIMIT_SHARE = 0.35;
const BYTES_MIN = 4 * 1024 * 1024;
/** Rows for label sets: listener, zone, protocol. */
const ROWS_MIN = 256;
const ROWS_MAX = 4096;

/** A question under way takes 2.7 kB with all that hangs on it, and the heap grows ahead of what lives in it. */
const QUESTION_BYTES = 4096;
/** Of the container's memory limit, for questions under way. */
const QUESTIONS_SHARE = 0.1;
/** A busy node's misses while its upstream takes 200 ms; four MB. */
const QUESTIONS_MIN = 1024;
/** Two seconds of 8,000 misses a second; 64 MB. */
const QUESTIONS_MAX = 16_384;
/** Many wait for a popular name: a waiter takes a fifth of a question. */
const WAITERS_PER_QUESTION = 4;

export interface Sizing {
  readonly plan: MemoryPlan;
  readonly rowCount: number;
  readonly inFlight: InFlightLimits;
}

/** `budgetBytes`: of the slab; 0: from the capacities and the limit. `readerCount`: responders and the resolver. */
export function sizeMemory(
  servers: readonly ServerConfig[],
  budgetBytes: number,
  readerCount: number,
  limitBytes: number | undefined = memoryLimitBytes(),
): Sizing {
  const capacity = servers.reduce(
    (sum, { cache }) => sum + (cache?.success.capacity ?? 0) + (cache?.denial.capacity ?? 0),
    0,
  );
  const wantedBytes = Math.max(capacity, SLOTS_MIN) * ENTRY_BYTES;
  const boundBytes = limitBytes === undefined ? Number.POSITIVE_INFINITY : limitBytes * LIMIT_SHARE;
  const bytes = budgetBytes || Math.max(BYTES_MIN, Math.min(wantedBytes, boundBytes));
  // No entry takes less than three units.
  const slotCount = Math.min(Math.max(capacity, SLOTS_MIN), Math.ceil(bytes / (3 * UNIT)));
  const zoneCount = servers.reduce((sum, { zones }) => sum + zones.length, 0);
  const rowCount = Math.min(ROWS_MAX, Math.max(ROWS_MIN, 16 * zoneCount));
  return {
    rowCount,
    inFlight: inFlightLimits(limitBytes),
    plan: {
      slotCount,
      bucketCount: 2 ** Math.ceil(Math.log2(2 * slotCount)),
      unitCount: Math.ceil(bytes / UNIT) + 2,
      readerCount,
      counterBytes: counterBytes(rowCount, readerCount),
    },
  };
}

function inFlightLimits(limitBytes = Number.POSITIVE_INFINITY): InFlightLimits {
  const affordable = Math.floor((limitBytes * QUESTIONS_SHARE) / QUESTION_BYTES);
  const questions = Math.max(QUESTIONS_MIN, Math.min(QUESTIONS_MAX, affordable));
  return { questions, waiters: WAITERS_PER_QUESTION * questions };
}
