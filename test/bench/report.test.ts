/**
 * What is published is what was measured: README's tables and the chart are those of the committed results.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CHART_PATH, chart } from '../../bench/report/chart.ts';
import { formatGoals, goalsOf, isMet } from '../../bench/report/goals.ts';
import { README_PATH, withTables } from '../../bench/report/readme.ts';
import { cpuRatio, figureOf, type Results, readResults } from '../../bench/report/results.ts';
import { WORKLOAD_NAMES } from '../../bench/workload/workloads.ts';

const results = readResults();

/** A row with no more than the ratios need. */
function resultsOf(rounds: Record<string, number[]>): Results {
  const rows = Object.entries(rounds).map(([server, cpuUs]) => ({
    workload: 'few-names',
    server,
    rounds: { cpuUs },
  }));
  return { ...results, rows: rows as unknown as Results['rows'] };
}

test('README shows the committed results: npm run bench:publish', () => {
  const readme = readFileSync(README_PATH, 'utf8');
  assert.equal(withTables(readme, results), readme);
});

test('the chart shows the committed results: npm run bench:publish', () => {
  assert.equal(readFileSync(CHART_PATH, 'utf8'), chart(results));
});

test('a README without markers is an error, not a README without tables', () => {
  assert.throws(() => withTables('# Zerohop\n', results), /bench:begin/);
});

test('the results have every workload, and the facts of their machine', () => {
  const measured = new Set(results.rows.map(({ workload }) => workload));
  assert.deepEqual(
    WORKLOAD_NAMES.filter((name) => !measured.has(name)),
    [],
  );
  assert.deepEqual(
    results.rows.filter(({ server, wrong }) => server === 'daemon' && wrong > 0),
    [],
  );
  for (const fact of ['cpu', 'kernel', 'node', 'date', 'commit'] as const) {
    assert(results.machine[fact].length > 0, fact);
  }
});

test('a goal is met at its bound, not above it, and not without a figure', () => {
  const [ratio] = goalsOf(resultsOf({ echo: [2, 4, 4], daemon: [2.5, 5, 9] }));
  assert(ratio);
  assert.deepEqual([ratio.value, isMet(ratio)], [1.25, true]);
  const [missed] = goalsOf(resultsOf({ echo: [2], daemon: [2.51] }));
  assert(missed && !isMet(missed));
  const [unmeasured] = goalsOf(resultsOf({ daemon: [2] }));
  assert(unmeasured && !isMet(unmeasured));
  assert.match(formatGoals([unmeasured]), /- +\| +1\.25 \| +no/);
});

test('ratios are those of the rounds; what is not there is no number', () => {
  assert.equal(
    cpuRatio(
      resultsOf({ daemon: [3, 30, 6], unbound: [1, 10, 3] }),
      'few-names',
      'daemon',
      'unbound',
    ),
    3,
  );
  assert(Number.isNaN(figureOf(results, 'no-such', 'daemon', ({ cpuUs }) => cpuUs)));
});
