/**
 * What a cached answer costs the daemon as its cache grows, over the wire: it is filled to each size in turn and then asked for
 * names in use, by Zipf's law and evenly. A daemon of its own, since a million names take a large cache.
 */
import type { BenchOptions } from './options.ts';
import { runWorkload, type Scene } from './run.ts';
import { DAEMON, type Server, type Site, startDaemon } from './servers.ts';
import type { Sample } from './statistics.ts';
import { lengthFlags, scaled, type Workload } from './workload/workload.ts';

export const GROWTH_SIZES = [1000, 100_000, 1_000_000] as const;
export const GROWTH_ORDERS = ['zipf', 'uniform'] as const;
const WINDOW = 128;
/** Nobody else is asked in between: fewer rounds than in a comparison tell as much. */
const ROUNDS_MAX = 3;
/** A million misses take a minute; the load generator's clock allows for 107 s. */
const FILL_SECONDS = 100;
/** On a busy machine queries are lost, and a pass may end before its last name. */
const FILL_PASSES_MAX = 5;
/** The most that may be left to ask for. */
const UNCACHED_SHARE_MAX = 0.001;

export function growthName(size: number, order: (typeof GROWTH_ORDERS)[number]): string {
  return `growth-${size}-${order}`;
}

/** None where there is no daemon. */
export async function growthSamples(
  options: BenchOptions,
  site: Site,
  scene: Scene,
): Promise<Sample[]> {
  const largest = GROWTH_SIZES.at(-1)!;
  const grown = { ...site, zones: site.zones.slice(0, 1), directory: `${site.directory}/growth` };
  const server = await startDaemon(grown, undefined, largest);
  if (server === undefined) return [];
  const samples: Sample[] = [];
  for (const size of GROWTH_SIZES) {
    const names = scaled(options.scale, size);
    await fill(names, server, scene);
    for (let round = 0; round < Math.min(options.rounds, ROUNDS_MAX); round++) {
      for (const order of GROWTH_ORDERS) {
        const workload = asking(growthName(size, order), names, order, options);
        const result = await runWorkload(workload, server, round, scene);
        const { name, title, kind } = workload;
        samples.push({ workload: name, title, kind, server: DAEMON, round, result });
      }
    }
    console.log(`${size.toLocaleString('en-US')} names cached`);
  }
  await server.child.stop();
  return samples;
}

/** Asks for every name once, until (almost) none of them reaches the upstream any more. */
async function fill(names: number, server: Server, scene: Scene): Promise<void> {
  for (let pass = 0; pass < FILL_PASSES_MAX; pass++) {
    const { reports, upstream } = await runWorkload(filling(names), server, pass, scene);
    const answered = reports[0]?.answered ?? 0;
    const isWhole = answered > names * (1 - UNCACHED_SHARE_MAX);
    if (isWhole && upstream.queries <= names * UNCACHED_SHARE_MAX) return;
  }
  console.log(`not all of ${names} names could be cached: what follows is no figure of hits`);
}

function filling(names: number): Workload {
  const flags = [`--seconds=${FILL_SECONDS}`, `--names=${names}`, '--order=once', '--window=64'];
  const common = { name: 'fill', title: 'fill', kind: 'growth', servers: 'daemon' } as const;
  return { ...common, seconds: FILL_SECONDS, loads: () => [{ flags }] };
}

function asking(name: string, names: number, order: string, { scale }: BenchOptions): Workload {
  const flags = [`--names=${names}`, `--order=${order}`, `--window=${WINDOW}`];
  return {
    name,
    title: `${names.toLocaleString('en-US')} cached names, ${order}, closed window of ${WINDOW}`,
    kind: 'growth',
    servers: 'daemon',
    seconds: scale.seconds,
    loads: () => [{ flags: [...lengthFlags(scale), ...flags] }],
  };
}
