/**
 * The spike by hand: `npm run lab:spike -- --help`.
 */
import { parseArgs } from 'node:util';
import {
  COLD_S,
  coreCount,
  LOOKUPS_PER_S,
  runSpike,
  type SpikeFigures,
  type SpikeOptions,
  type Way,
} from './spike-run.ts';
import { spikeTable } from './spike-table.ts';
import { VPC_PACKETS_PER_S } from './vpc-limit.ts';

const USAGE = `npm run lab:spike -- [options]      (root)
  --way direct|zerohop|both   default both
  --nodes N                   default 8
  --pods N                    on each node; default 3
  --scale N                   of load and limit; 1: ${LOOKUPS_PER_S} look-ups a second, ${VPC_PACKETS_PER_S} packets a second; default 0.25
  --seconds N                 of the spike, behind ${COLD_S} s of cold start; default 20
  --replicas unbound|in-order default unbound; in-order serves and forwards as CoreDNS does
  --seed N                    default 1
`;

const { values } = parseArgs({
  options: {
    way: { type: 'string', default: 'both' },
    nodes: { type: 'string', default: '8' },
    pods: { type: 'string', default: '3' },
    scale: { type: 'string', default: '0.25' },
    seconds: { type: 'string', default: '20' },
    replicas: { type: 'string', default: 'unbound' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

const options: SpikeOptions = {
  nodes: Number(values.nodes),
  podsPerNode: Number(values.pods),
  scale: Number(values.scale),
  spikeS: Number(values.seconds),
  replicas: values.replicas as SpikeOptions['replicas'],
  seed: Number(values.seed),
};
const ways: readonly Way[] = values.way === 'both' ? ['direct', 'zerohop'] : [values.way as Way];
const numbers = [options.nodes, options.podsPerNode, options.scale, options.spikeS, options.seed];
const isUsable =
  numbers.every((each) => each > 0) &&
  ways.every((way) => way === 'direct' || way === 'zerohop') &&
  ['unbound', 'in-order'].includes(options.replicas);
if (values.help || !isUsable) {
  process.stdout.write(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else await main();

async function main(): Promise<void> {
  const { nodes, podsPerNode, scale, spikeS, replicas } = options;
  const lookups = Math.round(LOOKUPS_PER_S * scale);
  const limit = Math.round(VPC_PACKETS_PER_S * scale);
  process.stdout.write(
    `${nodes} nodes of ${podsPerNode} pods, 2 replicas (${replicas}), ${coreCount()} cores; ${lookups} look-ups a second for ${spikeS} s; ` +
      `limit ${limit} packets a second and interface; times in ms\n\n`,
  );
  const figures: SpikeFigures[] = [];
  for (const way of ways) figures.push(await runOne(way));
  process.stdout.write(`${spikeTable(figures)}\n`);
}

async function runOne(way: Way): Promise<SpikeFigures> {
  const cleanUps: (() => void)[] = [];
  try {
    return await runSpike({ after: (work) => cleanUps.push(work as () => void) }, way, options);
  } finally {
    for (const work of cleanUps) work();
  }
}
