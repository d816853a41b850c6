/**
 * All workloads, in the order in which the tables show them.
 */
import { hitWorkloads } from './hits.ts';
import { missWorkloads } from './misses.ts';
import { mixWorkloads } from './mixes.ts';
import { rateWorkloads } from './rates.ts';
import { FULL_SCALE, type Scale, type Workload } from './workload.ts';

export function workloads(scale: Scale): Workload[] {
  return [
    ...hitWorkloads(scale),
    ...missWorkloads(scale),
    ...mixWorkloads(scale),
    ...rateWorkloads(scale),
  ];
}

export const WORKLOAD_NAMES: readonly string[] = workloads(FULL_SCALE).map(({ name }) => name);
