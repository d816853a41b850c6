/**
 * How large the cache memory is: from the Corefile's capacities, within what the container may use. Pages that no entry
 * touches cost nothing, so this is a bound, not a use.
 */
import { readFileSync } from 'node:fs';
import type { MemoryPlan } from '../cache/memory.ts';
import { UNIT } from '../cache/memory.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import { counterBytes } from '../metrics/counter-rows.ts';

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

export interface Sizing {
  readonly plan: MemoryPlan;
  readonly rowCount: number;
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
    plan: {
      slotCount,
      bucketCount: 2 ** Math.ceil(Math.log2(2 * slotCount)),
      unitCount: Math.ceil(bytes / UNIT) + 2,
      readerCount,
      counterBytes: counterBytes(rowCount, readerCount),
    },
  };
}

/** The memory limit of our cgroup (v2, then v1), in bytes; undefined where there is none. */
export function memoryLimitBytes(): number | undefined {
  for (const path of ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']) {
    try {
      const bytes = Number(readFileSync(path, 'utf8'));
      // Version 1 says "none" with a number near 2^63.
      if (Number.isFinite(bytes) && bytes < 2 ** 50) return bytes;
    } catch {
      // This hierarchy is not there.
    }
  }
  return undefined;
}
