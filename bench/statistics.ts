/**
 * From the rounds of a benchmark to one row a server and workload. Medians, since a shared machine disturbs single rounds;
 * ratios are taken within a round, where both servers met the same machine, and then their median.
 */
import type { RunResult } from './run.ts';
import type { Kind } from './workload/workload.ts';

/** One run of a workload against one server. */
export interface Sample {
  readonly workload: string;
  readonly title: string;
  readonly kind: Kind;
  readonly server: string;
  readonly round: number;
  readonly result: RunResult;
}

export interface Percentiles {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
}

/** Medians over rounds; losses and wrong answers are sums. A figure that does not exist is NaN here and null in JSON. */
export interface Row extends Percentiles {
  readonly workload: string;
  readonly title: string;
  readonly kind: Kind;
  readonly server: string;
  readonly queriesPerSecond: number;
  /** The median of the rounds' maxima. */
  readonly maxUs: number;
  /** By groups of questions, or of loads, where there are any. */
  readonly by: Readonly<Record<string, Percentiles>>;
  readonly cpuUs: number;
  /** The rounds' own figures, in their order: what ratios are taken from. */
  readonly rounds: { readonly cpuUs: readonly number[]; readonly p999Us: readonly number[] };
  /** CPU per query over the echo's; NaN without an echo. */
  readonly cpuRatio: number;
  readonly cpuMsPerSecond: number;
  readonly wakeUpsPerSecond: number;
  readonly anonymousMb: number;
  readonly residentMb: number;
  readonly upstreamQueries: number;
  /** Datagrams or segments, both directions, for each question that an upstream answered. */
  readonly packetsPerMiss: number;
  /** TCP connections that brought an upstream a question. */
  readonly connections: number;
  readonly lost: number;
  readonly wrong: number;
}

/** The server that ratios refer to. */
export const YARDSTICK = 'echo';

/** The middle value, or the mean of the two middle ones; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of the ratios of figures that stand at the same place, in the same round. */
export function medianRatio(values: readonly number[], others: readonly number[]): number {
  return median(values.map((value, round) => value / (others[round] ?? Number.NaN)));
}

/** One row a workload and server, in the order of their first samples. */
export function rowsOf(samples: readonly Sample[]): Row[] {
  const groups = Map.groupBy(samples, ({ workload, server }) => `${workload}\n${server}`);
  return [...groups.values()].map((group) => rowOf(group, samples));
}

function rowOf(group: readonly Sample[], all: readonly Sample[]): Row {
  const { workload, title, kind, server } = group[0]!;
  const results = group.map(({ result }) => result);
  const medianOf = (value: (result: RunResult) => number) => median(results.map(value));
  const sumOf = (value: (report: RunResult['reports'][number]) => number) =>
    results.flatMap(({ reports }) => reports).reduce((sum, report) => sum + value(report), 0);
  return {
    ...{ workload, title, kind, server },
    queriesPerSecond: medianOf(({ reports }) =>
      reports.reduce((sum, { queriesPerSecond }) => sum + queriesPerSecond, 0),
    ),
    ...percentiles(results, ({ reports }) => reports[0]?.latencyUs),
    maxUs: medianOf(({ reports }) => reports[0]?.latencyUs.max ?? Number.NaN),
    by: byGroup(results),
    cpuUs: medianOf(cpuUs),
    rounds: {
      cpuUs: results.map((result) => rounded(cpuUs(result))),
      p999Us: results.map(({ reports }) => reports[0]?.latencyUs.p999 ?? Number.NaN),
    },
    cpuRatio: median(group.map((sample) => cpuUs(sample.result) / yardstickCpuUs(sample, all))),
    cpuMsPerSecond: medianOf(({ costs, seconds }) => costs.cpuNs / 1e6 / seconds),
    wakeUpsPerSecond: medianOf(({ costs, seconds }) => costs.wakeUps / seconds),
    anonymousMb: medianOf(({ costs }) => costs.anonymousBytes / 1e6),
    residentMb: medianOf(({ costs }) => costs.residentBytes / 1e6),
    upstreamQueries: medianOf(({ upstream }) => upstream.queries),
    packetsPerMiss: medianOf(({ upstream }) => upstream.packets / upstream.queries),
    connections: medianOf(({ upstream }) => upstream.active),
    lost: sumOf(({ lost, notSent }) => lost + notSent),
    wrong: sumOf(({ wrong, duplicates, unexpected }) => wrong + duplicates + unexpected),
  };
}

function percentiles(
  results: readonly RunResult[],
  latencyOf: (result: RunResult) => { p50: number; p99: number; p999: number } | undefined,
): Percentiles {
  const of = (name: 'p50' | 'p99' | 'p999') =>
    median(results.map((result) => latencyOf(result)?.[name] ?? Number.NaN));
  return { p50Us: of('p50'), p99Us: of('p99'), p999Us: of('p999') };
}

function byGroup(results: readonly RunResult[]): Record<string, Percentiles> {
  const latencies = results.map(({ reports }) =>
    Object.assign({}, ...reports.map(({ latencyUsBy }) => latencyUsBy)),
  );
  const names = Object.keys(latencies[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [
      name,
      percentiles(results, (result) => latencies[results.indexOf(result)]?.[name]),
    ]),
  );
}

/** CPU time of the server, all threads, for each answer. */
function cpuUs({ costs, reports }: RunResult): number {
  const answered = reports.reduce((sum, report) => sum + report.answered, 0);
  return answered === 0 ? Number.NaN : costs.cpuNs / 1000 / answered;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function yardstickCpuUs({ workload, round }: Sample, all: readonly Sample[]): number {
  const sample = all.find(
    (other) => other.server === YARDSTICK && other.workload === workload && other.round === round,
  );
  return sample ? cpuUs(sample.result) : Number.NaN;
}
