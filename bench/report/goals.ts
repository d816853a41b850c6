/**
 * What the harness holds the daemon to, as data: a figure, its bound, and the workload it comes from. A figure that was not
 * measured meets nothing.
 */
import { GROWTH_SIZES, growthName } from '../growth.ts';
import { DAEMON } from '../servers.ts';
import { YARDSTICK } from '../statistics.ts';
import { figure, formatTable } from '../table.ts';
import { cpuRatio, figureOf, type Results } from './results.ts';

const UNBOUND = 'unbound';
const NODE_CACHE = 'node-cache';

export interface Goal {
  readonly what: string;
  readonly value: number;
  readonly bound: number;
}

export function isMet({ value, bound }: Goal): boolean {
  return value <= bound;
}

export function goalsOf(results: Results): Goal[] {
  return [
    ...hitGoals(results),
    ...processGoals(results),
    ...missGoals(results),
    ...latencyGoals(results),
    ...growthGoals(results),
    ...rateGoals(results),
  ];
}

export function formatGoals(goals: readonly Goal[]): string {
  return formatTable(goals, [
    ['goal', ({ what }) => what],
    ['measured', ({ value }) => figure(value, 2)],
    ['at most', ({ bound }) => figure(bound, 2)],
    ['met', (goal) => (isMet(goal) ? 'yes' : 'no')],
  ]);
}

function hitGoals(results: Results): Goal[] {
  const workloads = ['few-names', 'zipf-10k', 'few-names-edns'];
  const hits = workloads.flatMap((workload) => [
    ratioGoal(results, 'hit', workload, YARDSTICK, 1.25),
    ratioGoal(results, 'hit', workload, UNBOUND, 1),
    ratioGoal(results, 'hit', workload, NODE_CACHE, 0.25),
  ]);
  return [...hits, ratioGoal(results, 'hit over TCP', 'tcp', NODE_CACHE, 0.5)];
}

/** CPU time a query. */
function ratioGoal(
  results: Results,
  what: string,
  workload: string,
  of: string,
  bound: number,
): Goal {
  const value = cpuRatio(results, workload, DAEMON, of);
  return { what: `${what}: CPU over ${of}'s, ${workload}`, value, bound };
}

function processGoals({ micro: { hit } }: Results): Goal[] {
  const many = `${(hit.hits / 1e6).toFixed(0)} million hits in process`;
  return [
    { what: `${many}: ns each`, value: hit.nsPerHit, bound: 700 },
    // What reading the heap's size allocates stands in it once.
    { what: `${many}: octets each`, value: Math.abs(hit.octetsPerHit), bound: 0.01 },
    { what: `${many}: collections`, value: hit.collections, bound: 0 },
  ];
}

function missGoals(results: Results): Goal[] {
  const value = (workload: string, name: 'packetsPerMiss' | 'connections' | 'upstreamQueries') =>
    figureOf(results, workload, DAEMON, (row) => row[name]);
  const fast = figureOf(results, 'ordered', DAEMON, (row) => row.by['fast']?.p99Us);
  const [low, high, ordered] = ['miss-storm-8k', 'miss-storm-20k', 'ordered'];
  const bursts = Math.max(1, Math.floor(results.seconds * 2));
  return [
    ratioGoal(results, 'miss', low, NODE_CACHE, 0.5),
    {
      what: 'upstream packets a miss, 8,000 a second',
      value: value(low, 'packetsPerMiss'),
      bound: 1.5,
    },
    {
      what: 'upstream packets a miss, 20,000 a second',
      value: value(high, 'packetsPerMiss'),
      bound: 1.25,
    },
    { what: 'upstream connections, 8,000 a second', value: value(low, 'connections'), bound: 8 },
    { what: 'upstream connections, 20,000 a second', value: value(high, 'connections'), bound: 8 },
    { what: 'upstream in order: connections', value: value(ordered, 'connections'), bound: 50 },
    { what: 'upstream in order: p99 of fast names, ms', value: fast / 1000, bound: 20 },
    {
      what: 'burst of one name: questions upstream',
      value: value('same-name-burst', 'upstreamQueries') / bursts,
      bound: 1,
    },
  ];
}

function latencyGoals(results: Results): Goal[] {
  const hitsOf = (server: string, name: 'p50Us' | 'p99Us' | 'p999Us') =>
    figureOf(results, 'hits-over-misses', server, (row) => row.by['hit']?.[name]);
  const hits = (['p50Us', 'p99Us', 'p999Us'] as const).map((name) => ({
    what: `hits over misses: ${name.slice(0, -2).replace('p999', 'p99.9')} over unbound's`,
    value: hitsOf(DAEMON, name) / hitsOf(UNBOUND, name),
    bound: 1,
  }));
  const single = (server: string) => figureOf(results, 'one-at-a-time', server, (row) => row.p50Us);
  const scraped = (workload: string) => figureOf(results, workload, DAEMON, (row) => row.p999Us);
  return [
    ...hits,
    {
      what: "one at a time: p50 over the echo's",
      value: single(DAEMON) / single(YARDSTICK),
      bound: 1.1,
    },
    {
      what: 'a fetch of the metrics: added to p99.9, ms',
      value: (scraped('scraped') - scraped('not-scraped')) / 1000,
      bound: 1,
    },
  ];
}

function growthGoals(results: Results): Goal[] {
  const [least = 0] = GROWTH_SIZES;
  const most = GROWTH_SIZES.at(-1)!;
  const cpu = (size: number, order: 'zipf' | 'uniform') =>
    figureOf(results, growthName(size, order), DAEMON, (row) => row.cpuUs);
  const slowest = results.micro.growth.inserts.map(({ maxUs }) => maxUs / 1000);
  return [
    {
      what: "a million names over a thousand: CPU a hit, Zipf's law",
      value: cpu(most, 'zipf') / cpu(least, 'zipf'),
      bound: 1.15,
    },
    {
      what: 'a million names over a thousand: CPU a hit, evenly',
      value: cpu(most, 'uniform') / cpu(least, 'uniform'),
      bound: 1.3,
    },
    { what: 'the slowest insert at any size, ms', value: Math.max(...slowest), bound: 5 },
  ];
}

function rateGoals(results: Results): Goal[] {
  const idle = (name: 'cpuMsPerSecond' | 'wakeUpsPerSecond') =>
    figureOf(results, 'rate-0', DAEMON, (row) => row[name]);
  return [
    { what: 'nothing asked: CPU, ms a second', value: idle('cpuMsPerSecond'), bound: 1 },
    { what: 'nothing asked: wake-ups a second', value: idle('wakeUpsPerSecond'), bound: 10 },
    ...['rate-100', 'rate-1000', 'rate-10000'].map((workload) =>
      ratioGoal(results, 'low rate', workload, UNBOUND, 1),
    ),
  ];
}
