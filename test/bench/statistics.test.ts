import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunResult } from '../../bench/run.ts';
import { median, medianRatio, rowsOf, type Sample } from '../../bench/statistics.ts';
import { formatTables } from '../../bench/table.ts';

/** Of ten answers. */
function sample(server: string, round: number, serverCpuUs: number, wrong = 0): Sample {
  const latencyUs = { p50: 10, p90: 20, p99: 30, p999: 40, max: 50 + round };
  const latencyUsBy = { hit: latencyUs, miss: { ...latencyUs, p50: 100 + round } };
  const counts = { lost: 1, notSent: 0, wrong, duplicates: 0, unexpected: 0 };
  const report = { queriesPerSecond: 1000, answered: 10, latencyUs, latencyUsBy, ...counts };
  const costs = {
    cpuNs: serverCpuUs * 10_000,
    wakeUps: 30,
    anonymousBytes: 1e6,
    residentBytes: 3e6,
  };
  const upstream = { queries: 4, packets: 6, open: 3, active: 2, waiting: 0 };
  const result = { reports: [report], seconds: 2, costs, upstream } as unknown as RunResult;
  return { workload: 'few', title: 'few names', kind: 'misses', server, round, result };
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

test('what a run cost, what went upstream, and latency by group', () => {
  const [row] = rowsOf([sample('daemon', 0, 3), sample('daemon', 1, 5), sample('daemon', 2, 4)]);
  assert.deepEqual(
    [row?.wakeUpsPerSecond, row?.cpuMsPerSecond, row?.anonymousMb, row?.residentMb],
    [15, 0.02, 1, 3],
  );
  assert.deepEqual([row?.upstreamQueries, row?.packetsPerMiss, row?.connections], [4, 1.5, 2]);
  assert.deepEqual(row?.rounds, { cpuUs: [3, 5, 4], p999Us: [40, 40, 40] });
  assert.deepEqual(row?.by['hit'], { p50Us: 10, p99Us: 30, p999Us: 40 });
  assert.equal(row?.by['miss']?.p50Us, 101);
});

test('a ratio of two rows is that of the rounds', () => {
  assert.equal(medianRatio([2, 20, 6], [1, 10, 2]), 2);
  assert(Number.isNaN(medianRatio([2], [])));
});

test('without an echo there is no ratio, and the table shows a dash', () => {
  const rows = rowsOf([{ ...sample('daemon', 0, 3), kind: 'hits' }]);
  assert(Number.isNaN(rows[0]!.cpuRatio));
  const lines = formatTables(rows).split('\n');
  assert.match(lines[2]!, /^\| server +\| +q\/s \|/);
  assert.match(lines[4]!, /^\| daemon +\| +1,000 .* 3\.00 \| +- \|/);
  assert.equal(new Set(lines.slice(2, 5).map((line) => line.length)).size, 1);
});
