/**
 * From the rounds of a benchmark to one row a server and scenario. Medians, since a shared machine disturbs single rounds;
 * ratios are taken within a round, where both servers met the same machine, and then their median.
 */
import type { LoadReport } from './load/generator.ts';
import type { Kind } from './scenarios.ts';

/** One run of the load against one server. */
export interface Sample {
  readonly scenario: string;
  readonly kind: Kind;
  readonly server: string;
  readonly round: number;
  readonly report: LoadReport;
}

/** Medians over rounds; losses and wrong answers are sums. */
export interface Row {
  readonly scenario: string;
  readonly kind: Kind;
  readonly server: string;
  readonly queriesPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  /** The median of the rounds' maxima. */
  readonly maxUs: number;
  readonly cpuUs: number;
  /** CPU per query over the echo's; NaN without an echo. */
  readonly cpuRatio: number;
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

/** One row a scenario and server, in the order of their first samples. */
export function rowsOf(samples: readonly Sample[]): Row[] {
  const groups = Map.groupBy(samples, ({ scenario, server }) => `${scenario}\n${server}`);
  return [...groups.values()].map((group) => rowOf(group, samples));
}

function rowOf(group: readonly Sample[], all: readonly Sample[]): Row {
  const { scenario, kind, server } = group[0]!;
  const medianOf = (value: (report: LoadReport) => number) =>
    median(group.map(({ report }) => value(report)));
  const sumOf = (value: (report: LoadReport) => number) =>
    group.reduce((sum, { report }) => sum + value(report), 0);
  return {
    scenario,
    kind,
    server,
    queriesPerSecond: medianOf((report) => report.queriesPerSecond),
    p50Us: medianOf((report) => report.latencyUs.p50),
    p99Us: medianOf((report) => report.latencyUs.p99),
    p999Us: medianOf((report) => report.latencyUs.p999),
    maxUs: medianOf((report) => report.latencyUs.max),
    cpuUs: medianOf(cpuUs),
    cpuRatio: median(group.map((sample) => cpuUs(sample.report) / yardstickCpuUs(sample, all))),
    lost: sumOf((report) => report.lost + report.notSent),
    wrong: sumOf((report) => report.wrong + report.duplicates + report.unexpected),
  };
}

function cpuUs(report: LoadReport): number {
  return report.serverCpuUs ?? Number.NaN;
}

function yardstickCpuUs({ scenario, round }: Sample, all: readonly Sample[]): number {
  const sample = all.find(
    (other) => other.server === YARDSTICK && other.scenario === scenario && other.round === round,
  );
  return sample ? cpuUs(sample.report) : Number.NaN;
}
