/**
 * What the tests of scrapes share: metrics over fresh counters, and a scrape's samples as short lines.
 */
import assert from 'node:assert/strict';
import {
  CounterRows,
  counterBytes,
  type RowLabels,
  rowBase,
} from '../../src/metrics/counter-rows.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { type ParsedFamily, parseExposition } from './exposition.ts';

export const ROW_COUNT = 8;
const WRITER_COUNT = 2;
export const SERVER = 'dns://169.254.20.10:53';
const UDP4: RowLabels = {
  server: SERVER,
  zone: 'example.org.',
  protocol: 'udp',
  family: 1,
  cacheZones: 'example.org.,example.net.',
  isReported: true,
};

/** Metrics over rows of two writers; `open` gives a row of UDP4 with other labels, and where a writer's copy of it starts. */
export function createMetrics() {
  const words = new Int32Array(counterBytes(ROW_COUNT, WRITER_COUNT) / 4);
  const rows = new CounterRows(words, ROW_COUNT, WRITER_COUNT);
  const metrics = new Metrics(rows, { version: '1.2.3', revision: 'abc' });
  const open = (labels: Partial<RowLabels>, writer = 0) => {
    const row = rows.open({ ...UDP4, ...labels });
    assert.equal(typeof row, 'number');
    return { row: row as number, base: rowBase(ROW_COUNT, writer, row as number) };
  };
  return { words, rows, metrics, open };
}

/** The samples of one family as `{label="value"} number` lines, without the labels that are empty. */
export function lines(families: Map<string, ParsedFamily>, name: string): string[] {
  return families.get(name)!.samples.map((sample) => {
    const labels = Object.entries(sample.labels)
      .filter(([, value]) => value !== '')
      .map(([label, value]) => `${label}=${value}`);
    return [sample.name.slice(name.length), ...labels, sample.value].join(' ').trim();
  });
}

/** One scrape, parsed. */
export const scrape = async (metrics: Metrics) => parseExposition(await metrics.expose());
