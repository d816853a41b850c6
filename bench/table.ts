/**
 * Rows as text: a table for a terminal, which is a table in Markdown too.
 */
import type { Row } from './statistics.ts';

const COLUMNS: readonly (readonly [string, (row: Row) => string])[] = [
  ['server', (row) => row.server],
  ['q/s', (row) => figure(row.queriesPerSecond, 0)],
  ['p50 us', (row) => figure(row.p50Us, 0)],
  ['p99 us', (row) => figure(row.p99Us, 0)],
  ['p99.9 us', (row) => figure(row.p999Us, 0)],
  ['max us', (row) => figure(row.maxUs, 0)],
  ['CPU us/q', (row) => figure(row.cpuUs, 2)],
  ['x echo', (row) => figure(row.cpuRatio, 2)],
  ['lost', (row) => figure(row.lost, 0)],
  ['wrong', (row) => figure(row.wrong, 0)],
];

/** One table a scenario, under its name. */
export function formatTables(rows: readonly Row[]): string {
  const scenarios = Map.groupBy(rows, (row) => row.scenario);
  return [...scenarios].map(([name, group]) => `${name}\n\n${formatTable(group)}\n`).join('\n');
}

function formatTable(rows: readonly Row[]): string {
  const cells = [
    COLUMNS.map(([heading]) => heading),
    ...rows.map((row) => COLUMNS.map(([, cell]) => cell(row))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const lines = cells.map((line) => formatLine(line, widths));
  const rule = `|${widths.map((width, column) => (column === 0 ? '-' : '').padEnd(width + 1, '-') + (column === 0 ? '-' : ':')).join('|')}|`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

/** The first column to the left, figures to the right. */
function formatLine(cells: readonly string[], widths: readonly number[]): string {
  const padded = cells.map((cell, column) =>
    column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
  );
  return `| ${padded.join(' | ')} |`;
}

function figure(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '-';
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
