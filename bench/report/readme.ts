/**
 * README's tables, from the results: text between two markers that a test holds equal to what the results give.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DAEMON } from '../servers.ts';
import type { Row } from '../statistics.ts';
import { figure, formatTable } from '../table.ts';
import { type Results, rowOf } from './results.ts';

export const README_PATH = join(import.meta.dirname, '../../README.md');
const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

/** How the columns are called; a server without a row anywhere has none. */
export const SERVER_NAMES: Readonly<Record<string, string>> = {
  echo: 'C echo',
  [DAEMON]: '**Zerohop**',
  unbound: 'Unbound',
  dnsmasq: 'dnsmasq',
  'knot-resolver': 'Knot Resolver',
  'node-cache': 'node-cache',
};

type Line = readonly [label: string, workload: string, cell: (row: Row) => string];

const cpu = (row: Row) => figure(row.cpuUs, row.cpuUs < 20 ? 2 : 1);
const percentiles = ({ p50Us, p99Us, p999Us }: Pick<Row, 'p50Us' | 'p99Us' | 'p999Us'>) =>
  [p50Us, p99Us, p999Us].map((value) => figure(value, 0)).join(' / ');
const percentilesOf = (group: string) => (row: Row) =>
  row.by[group] ? percentiles(row.by[group]) : '-';

const CPU_LINES: readonly Line[] = [
  ['hit: 200 names', 'few-names', cpu],
  ['hit: 200 names, EDNS', 'few-names-edns', cpu],
  ["hit: 10,000 names by Zipf's law", 'zipf-10k', cpu],
  ['hit: `ndots:5` search path', 'search-path', cpu],
  ['hit: 20,000 a second', 'steady', cpu],
  ['hit: 1,000 a second', 'rate-1000', cpu],
  ['hit: 100 a second', 'rate-100', cpu],
  ['hit over TCP, 5,000 a second', 'tcp', cpu],
  ['miss: 8,000 a second', 'miss-storm-8k', cpu],
  ['miss: 20,000 a second', 'miss-storm-20k', cpu],
];

const LATENCY_LINES: readonly Line[] = [
  ['hits, one at a time', 'one-at-a-time', percentiles],
  ['hits, 20,000 a second', 'steady', percentiles],
  ['hits beside 5 % misses, 20,000 a second', 'hits-over-misses', percentilesOf('hit')],
  ['misses, 8,000 a second', 'miss-storm-8k', percentiles],
  ['fast names, upstream in order', 'ordered', percentilesOf('fast')],
  ['hits in a spike of 20,000 a second', 'spike', percentilesOf('hit')],
];

const UPSTREAM_LINES: readonly Line[] = [
  ['packets a miss, 8,000 a second', 'miss-storm-8k', (row) => figure(row.packetsPerMiss, 2)],
  ['packets a miss, 20,000 a second', 'miss-storm-20k', (row) => figure(row.packetsPerMiss, 2)],
  ['connections, 8,000 a second', 'miss-storm-8k', (row) => figure(row.connections, 0)],
  [
    'connections, upstream in order, 1,000 a second',
    'ordered',
    (row) => figure(row.connections, 0),
  ],
  ['queries lost, 20,000 misses a second', 'miss-storm-20k', (row) => figure(row.lost, 0)],
];

/** README with its tables as the results give them. Throws where README has no markers. */
export function withTables(readme: string, results: Results): string {
  const from = readme.indexOf(BEGIN);
  const to = readme.indexOf(END);
  if (from < 0 || to < from) throw new Error(`README has no ${BEGIN} ... ${END}`);
  return `${readme.slice(0, from + BEGIN.length)}\n${section(results)}\n${readme.slice(to)}`;
}

export function writeReadme(results: Results): void {
  writeFileSync(README_PATH, withTables(readFileSync(README_PATH, 'utf8'), results));
}

function section(results: Results): string {
  const { machine, rounds, seconds } = results;
  return `Beside a C program that only receives a packet and sends it back, and beside what else could stand on a node: \`npm run bench:all\`,
every server on the same core in turn, medians of ${rounds} rounds of ${seconds} s, the same workload for all. ${machine.cpu}, ${machine.cores} cores,
Linux ${machine.kernel}, Node ${machine.node.slice(1)}, ${machine.date.slice(0, 10)}; figures of another machine differ, the ratios less so.
[bench/README.md](bench/README.md) has the workloads, what the columns mean, and where the microseconds go.

![CPU time of a cached answer and of a miss, by server](bench/results.svg)

CPU time in microseconds a query, of all threads, the kernel's part included. At low rates most of it is the kernel's: putting the
server to sleep and waking it.

${table(results, 'us a query', CPU_LINES)}

Latency in microseconds, p50 / p99 / p99.9, from the time when a query should have left.

${table(results, 'us', LATENCY_LINES)}

What reaches the upstream: packets of both directions, acknowledgements included (dnsmasq asks over UDP, the others over TCP).

${table(results, 'upstream', UPSTREAM_LINES)}`;
}

function table(results: Results, corner: string, lines: readonly Line[]): string {
  const servers = Object.keys(SERVER_NAMES).filter((server) =>
    lines.some(([, workload]) => rowOf(results, workload, server)),
  );
  return formatTable(lines, [
    [corner, ([label]) => label],
    ...servers.map((server) => {
      const cellOf = ([, workload, cell]: Line) => {
        const row = rowOf(results, workload, server);
        return row ? cell(row) : '-';
      };
      return [SERVER_NAMES[server]!, cellOf] as const;
    }),
  ]);
}
