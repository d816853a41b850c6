import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadReport } from '../../bench/load/generator.ts';
import { median, rowsOf, type Sample } from '../../bench/statistics.ts';
import { formatTables } from '../../bench/table.ts';

function sample(server: string, round: number, serverCpuUs: number, wrong = 0): Sample {
  const latencyUs = { p50: 10, p90: 20, p99: 30, p999: 40, max: 50 + round };
  const counts = { lost: 1, notSent: 0, wrong, duplicates: 0, unexpected: 0 };
  const report = { queriesPerSecond: 1000, latencyUs, serverCpuUs, ...counts };
  return { scenario: 'hits', kind: 'hits', server, round, report: report as unknown as LoadReport };
}

test('the median of odd, even and no values', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert(Number.isNaN(median([])));
});

test('ratios are taken within a round: a slow minute of the machine does not show', () => {
  const samples = [
    ...[sample('echo', 0, 2), sample('daemon', 0, 3)],
    ...[sample('echo', 1, 20), sample('daemon', 1, 30)],
    ...[sample('echo', 2, 4), sample('daemon', 2, 6, 5)],
  ];
  const [echo, daemon] = rowsOf(samples);
  assert.equal(echo?.cpuRatio, 1);
  assert.deepEqual(
    [daemon?.cpuUs, daemon?.cpuRatio, daemon?.maxUs, daemon?.lost, daemon?.wrong],
    [6, 1.5, 51, 3, 5],
  );
});

test('without an echo there is no ratio, and the table shows a dash', () => {
  const rows = rowsOf([sample('daemon', 0, 3)]);
  assert(Number.isNaN(rows[0]!.cpuRatio));
  const lines = formatTables(rows).split('\n');
  assert.match(lines[2]!, /^\| server +\| +q\/s \|/);
  assert.match(lines[4]!, /^\| daemon +\| +1,000 .* 3\.00 \| +- \|/);
  assert.equal(new Set(lines.slice(2, 5).map((line) => line.length)).size, 1);
});
