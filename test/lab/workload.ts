/**
 * What the pods of a cluster look up when all of them start at once and then a spike of traffic comes: plain data from a seed.
 *
 * 1,000 shared names, drawn by Zipf's law (exponent 1): 400 services and 600 names outside. A fifth of the look-ups of the spike is for
 * names that nobody asks again. Under ndots:5 a name outside is ten queries: five candidates, A and AAAA.
 */
import { seededRandom } from '../../bench/load/random.ts';
import type { Planned } from './stub.ts';
import { outsideName, serviceName, UNIQUE_DOMAIN } from './zones.ts';

export interface WorkloadOptions {
  readonly pods: number;
  /** At t = 0, of each pod. */
  readonly coldLookups: number;
  readonly spikeAtS: number;
  readonly spikeS: number;
  /** All pods together. */
  readonly lookupsPerS: number;
  readonly seed: number;
}

const SHARED_NAMES = 1000;
const SHARED_SERVICES = 400;
const UNIQUE_SHARE = 0.2;
/** Pods of a rollout do not start in the same millisecond, and a program looks its names up one after another. */
const COLD_SPREAD_US = 500_000;
const COLD_PAUSE_US = 25_000;

/** One schedule a pod. */
export function planWorkload(options: WorkloadOptions): Planned[][] {
  const random = seededRandom(options.seed);
  const shared = sharedNames(random);
  return Array.from({ length: options.pods }, (_, pod) => [
    ...planCold(options, random, shared),
    ...planSpike(options, random, shared, pod),
  ]);
}

function planCold(
  { coldLookups }: WorkloadOptions,
  random: () => number,
  shared: () => string,
): Planned[] {
  const startUs = random() * COLD_SPREAD_US;
  return Array.from({ length: coldLookups }, (_, index) => {
    return { atUs: startUs + index * COLD_PAUSE_US, name: shared() };
  });
}

/** Arrivals of each pod are a Poisson process. */
function planSpike(
  { pods, spikeAtS, spikeS, lookupsPerS }: WorkloadOptions,
  random: () => number,
  shared: () => string,
  pod: number,
): Planned[] {
  const plan: Planned[] = [];
  const meanUs = (1e6 * pods) / lookupsPerS;
  const endUs = (spikeAtS + spikeS) * 1e6;
  let atUs = spikeAtS * 1e6;
  for (;;) {
    atUs -= Math.log(1 - random()) * meanUs;
    if (atUs >= endUs) return plan;
    const isUnique = random() < UNIQUE_SHARE;
    plan.push({ atUs, name: isUnique ? `s${pod}-${plan.length}.${UNIQUE_DOMAIN}` : shared() });
  }
}

/** Which name has which rank is a matter of chance: services and outside names are mixed. */
function sharedNames(random: () => number): () => string {
  const names = Array.from({ length: SHARED_NAMES }, (_, index) =>
    index < SHARED_SERVICES ? serviceName(index) : outsideName(index - SHARED_SERVICES),
  );
  for (let index = names.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [names[index], names[other]] = [names[other]!, names[index]!];
  }
  const sums: number[] = [];
  for (let rank = 1; rank <= SHARED_NAMES; rank++) sums.push((sums.at(-1) ?? 0) + 1 / rank);
  return () => {
    const at = random() * sums.at(-1)!;
    let low = 0;
    for (let high = SHARED_NAMES - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return names[low]!;
  };
}
