/**
 * Rows as text: a table for a terminal, which is a table in Markdown too.
 */
import type { Row } from './statistics.ts';
import type { Kind } from './workload/workload.ts';

type Column = readonly [string, (row: Row) => string];

const LATENCY: readonly Column[] = [
  ['p50 us', (row) => figure(row.p50Us, 0)],
  ['p99 us', (row) => figure(row.p99Us, 0)],
  ['p99.9 us', (row) => figure(row.p999Us, 0)],
];
const CPU: readonly Column[] = [
  ['CPU us/q', (row) => figure(row.cpuUs, 2)],
  ['x echo', (row) => figure(row.cpuRatio, 2)],
];
const ERRORS: readonly Column[] = [
  ['lost', (row) => figure(row.lost, 0)],
  ['wrong', (row) => figure(row.wrong, 0)],
];
const MEMORY: readonly Column[] = [
  ['anon MB', (row) => figure(row.anonymousMb, 1)],
  ['rss MB', (row) => figure(row.residentMb, 1)],
];
const UPSTREAM: readonly Column[] = [
  ['asked', (row) => figure(row.upstreamQueries, 0)],
  ['packets/miss', (row) => figure(row.packetsPerMiss, 2)],
  ['conns', (row) => figure(row.connections, 0)],
];
const RATE: Column = ['q/s', (row) => figure(row.queriesPerSecond, 0)];

const COLUMNS: Readonly<Record<Kind, readonly Column[]>> = {
  hits: [RATE, ...LATENCY, ['max us', (row) => figure(row.maxUs, 0)], ...CPU, ...MEMORY, ...ERRORS],
  growth: [RATE, ...LATENCY, CPU[0]!, UPSTREAM[0]!, ...MEMORY, ...ERRORS],
  misses: [RATE, ...LATENCY, CPU[0]!, ...UPSTREAM, ...MEMORY, ...ERRORS],
  mixes: [RATE, ...LATENCY, CPU[0]!, ...UPSTREAM, ...ERRORS],
  rates: [
    RATE,
    ...LATENCY,
    CPU[0]!,
    ['CPU ms/s', (row) => figure(row.cpuMsPerSecond, 2)],
    ['wake-ups/s', (row) => figure(row.wakeUpsPerSecond, 1)],
    ...ERRORS,
  ],
};

/** One table a workload, under its name and title. */
export function formatTables(rows: readonly Row[]): string {
  const workloads = Map.groupBy(rows, (row) => row.workload);
  const tables = [...workloads].map(([name, group]) => {
    const { kind, title } = group[0]!;
    const columns: readonly Column[] = [['server', (row) => row.server], ...COLUMNS[kind]];
    const groups = formatGroups(group);
    return `${name}: ${title}\n\n${formatTable(group, columns)}\n${groups}`;
  });
  return tables.join('\n');
}

/** Latencies of the groups of questions, a table of their own. */
function formatGroups(rows: readonly Row[]): string {
  const lines = rows.flatMap((row) =>
    Object.entries(row.by).map(([group, latency]) => ({
      ...row,
      ...latency,
      server: `${row.server}: ${group}`,
    })),
  );
  if (lines.length === 0) return '';
  return `\n${formatTable(lines, [['server: group', (row) => row.server], ...LATENCY])}\n`;
}

/** A table in Markdown; a cell is a text of its row. */
export function formatTable<Line>(
  lines: readonly Line[],
  columns: readonly (readonly [string, (line: Line) => string])[],
): string {
  const cells = [
    columns.map(([heading]) => heading),
    ...lines.map((line) => columns.map(([, cell]) => cell(line))),
  ];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const formatted = cells.map((line) => formatLine(line, widths));
  const rule = `|${widths.map((width, column) => (column === 0 ? '-' : '').padEnd(width + 1, '-') + (column === 0 ? '-' : ':')).join('|')}|`;
  return [formatted[0], rule, ...formatted.slice(1)].join('\n');
}

/** The first column to the left, figures to the right. */
function formatLine(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, column) =>
    column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
  );
  return `| ${padded.join(' | ')} |`;
}

/** With thousands' commas; a dash for what is no number. */
export function figure(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '-';
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
