/** How many connections of TCP clients a process holds. */
import { readProcessStats } from '../metrics/process-stats.ts';

/**
 * Connections of all listeners together. A stub that got TC opens one for a moment; ten thousand are a pod gone wild, and
 * each costs a descriptor and some kilobytes.
 */
export const CONNECTIONS_MAX = 4096;

/** What a start opens after it has asked for the bound: a responder's 9, endpoints, clients' and the first upstream's sockets; 18 were counted. */
const STILL_TO_OPEN = 24;

/** That, or half of the descriptors that a start leaves: upstreams, endpoints and files have the others. */
export function connectionsMax(stats = readProcessStats()): number {
  const left =
    stats === undefined ? Infinity : stats.maxFdCount - stats.openFdCount - STILL_TO_OPEN;
  return Math.max(1, Math.min(CONNECTIONS_MAX, Math.floor(left / 2)));
}
