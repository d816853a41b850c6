/** How many connections of TCP clients a process holds. */
import { readProcessStats } from '../metrics/process-stats.ts';

/**
 * Connections of all listeners together. A stub that got TC opens one for a moment; ten thousand are a pod gone wild, and
 * each costs a descriptor and some kilobytes.
 */
export const CONNECTIONS_MAX = 4096;

/** That, or half of the descriptors that are left at the start: upstreams, endpoints and files have the others. */
export function connectionsMax(stats = readProcessStats()): number {
  const left = stats === undefined ? Infinity : stats.maxFdCount - stats.openFdCount;
  return Math.max(1, Math.min(CONNECTIONS_MAX, Math.floor(left / 2)));
}
