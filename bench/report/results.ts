/**
 * The committed results: what the last complete run measured (`npm run bench:all`), and how tables, chart and goals read it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MachineFacts } from '../machine.ts';
import type { MicroFigures } from '../micro/main.ts';
import { medianRatio, type Row } from '../statistics.ts';

export const RESULTS_PATH = join(import.meta.dirname, '../results.json');

export interface Results {
  readonly machine: MachineFacts;
  readonly rounds: number;
  /** Of a run's measured phase. */
  readonly seconds: number;
  readonly rows: readonly Row[];
  readonly micro: MicroFigures;
}

/** JSON has no NaN: what does not exist is null there. */
export function readResults(path = RESULTS_PATH): Results {
  const revive = (_key: string, value: unknown) => (value === null ? Number.NaN : value);
  return JSON.parse(readFileSync(path, 'utf8'), revive) as Results;
}

export function rowOf(results: Results, workload: string, server: string): Row | undefined {
  return results.rows.find((row) => row.workload === workload && row.server === server);
}

/** A figure of a row; NaN where the row is not there. */
export function figureOf(
  results: Results,
  workload: string,
  server: string,
  value: (row: Row) => number | undefined,
): number {
  const row = rowOf(results, workload, server);
  return (row && value(row)) ?? Number.NaN;
}

/** The CPU time of a query over another server's, round by round. */
export function cpuRatio(results: Results, workload: string, server: string, of: string): number {
  const rounds = (name: string) => rowOf(results, workload, name)?.rounds.cpuUs ?? [];
  return medianRatio(rounds(server), rounds(of));
}
