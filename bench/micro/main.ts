/**
 * `npm run bench:micro`: what the parts of the daemon cost in one thread, without a socket. `--smoke` is tiny and says only
 * that it runs; `--json FILE` writes the figures.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machineFacts } from '../machine.ts';
import { figure, formatTable } from '../table.ts';
import { FilledCache } from './filled-cache.ts';
import { type GrowthFigures, measureGrowth } from './growth.ts';
import { type HitFigures, measureHits } from './hits.ts';
import { measureOperations, type OperationFigures } from './operations.ts';

export interface MicroFigures {
  readonly operations: readonly OperationFigures[];
  /** Of many hits in a row. */
  readonly hit: HitFigures;
  readonly growth: GrowthFigures;
}

interface MicroScale {
  readonly names: number;
  readonly minMs: number;
  readonly hits: number;
  readonly sizes: readonly number[];
  readonly hitsPerSize: number;
  readonly evictions: number;
}

/** 10,000 names are a cache of the stock size; ten million hits are several minutes of a busy node. */
const FULL: MicroScale = {
  names: 10_000,
  minMs: 500,
  hits: 10_000_000,
  sizes: [1000, 10_000, 100_000, 1_000_000],
  hitsPerSize: 2_000_000,
  evictions: 200_000,
};
const SMOKE: MicroScale = {
  names: 1024,
  minMs: 1,
  hits: 50_000,
  sizes: [100, 1000],
  hitsPerSize: 5000,
  evictions: 100,
};

await main();

async function main(): Promise<void> {
  const options = { smoke: { type: 'boolean', default: false }, json: { type: 'string' } } as const;
  const { values } = parseArgs({ options });
  const figures = await measureAll(values.smoke ? SMOKE : FULL);
  console.log(formatFigures(figures));
  if (values.json) {
    writeFileSync(
      values.json,
      `${JSON.stringify({ machine: machineFacts(), ...figures }, null, 2)}\n`,
    );
  }
}

async function measureAll(scale: MicroScale): Promise<MicroFigures> {
  const cache = new FilledCache(scale.names);
  cache.fill(0, scale.names);
  const hit = await measureHits(cache, scale.names, 'zipf', scale.hits);
  const growing = new FilledCache(scale.sizes.at(-1)!);
  const growth = await measureGrowth(growing, scale.sizes, scale.hitsPerSize, scale.evictions);
  const operations = await measureOperations(scale.names, scale.minMs);
  return { operations, hit, growth };
}

function formatFigures({ operations, hit, growth }: MicroFigures): string {
  return [
    formatTable(operations, [
      ['operation', ({ name }) => name],
      ['ns', ({ ns }) => figure(ns, 0)],
      ['octets', ({ octets }) => figure(octets, 1)],
    ]),
    formatTable(
      [hit, ...growth.hits],
      [
        ['hits of names', ({ names }) => figure(names, 0)],
        ['drawn', ({ distribution }) => distribution],
        ['hits', ({ hits }) => figure(hits, 0)],
        ['CPU ns', ({ nsPerHit }) => figure(nsPerHit, 0)],
        ['octets', ({ octetsPerHit }) => figure(octetsPerHit, 3)],
        ['collections', ({ collections }) => figure(collections, 0)],
      ],
    ),
    formatTable(growth.inserts, [
      ['inserts up to', ({ names }) => figure(names, 0)],
      ['evicts', ({ evicts }) => (evicts ? 'yes' : 'no')],
      ['inserts', ({ inserts }) => figure(inserts, 0)],
      ['p50 us', ({ p50Us }) => figure(p50Us, 2)],
      ['p99.9 us', ({ p999Us }) => figure(p999Us, 2)],
      ['max us', ({ maxUs }) => figure(maxUs, 0)],
    ]),
  ].join('\n\n');
}
