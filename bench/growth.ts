/**
 * What a cached answer costs the daemon as its cache grows, over the wire: it is filled to each size in turn and then asked for
 * names in use, by Zipf's law and evenly. A daemon of its own, since a million names take a large cache.
 */
import type { BenchOptions } from './options.ts';
import { runWorkload, type Scene } from './run.ts';
import { DAEMON, type Site, startDaemon } from './servers.ts';
import type { Sample } from './statistics.ts';
import { lengthFlags, scaled, type Workload } from './workload/workload.ts';

export const GROWTH_SIZES = [1000, 100_000, 1_000_000] as const;
export const GROWTH_ORDERS = ['zipf', 'uniform'] as const;
const WINDOW = 128;
/** The run that fills the cache is not measured. */
const FILL_SECONDS = 0.1;

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
  const server = await startDaemon(options.daemonCommand, grown, undefined, largest);
  if (server === undefined) return [];
  const samples: Sample[] = [];
  for (const size of GROWTH_SIZES) {
    const names = scaled(options.scale, size);
    await runWorkload(filling(names), server, 0, scene);
    for (let round = 0; round < options.rounds; round++) {
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

function filling(names: number): Workload {
  const flags = [`--seconds=${FILL_SECONDS}`, `--names=${names}`, '--prime'];
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
