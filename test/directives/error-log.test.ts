/** The errors log: its lines, and those that stand for many. Timers are turned by hand. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { ErrorLog } from '../../src/directives/error-log.ts';
import type { ConsolidateRule, ErrorsOptions } from '../../src/directives/errors.ts';
import { capturedLog, reportOf } from './reply-report.ts';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

function rule(pattern: string, more: Partial<ConsolidateRule> = {}): ConsolidateRule {
  return { periodMs: 30_000, pattern, level: 'error', showFirst: false, ...more };
}

/** A log with these rules; `fail` reports a failure of `www.example.org. A`. */
function open(...consolidate: ConsolidateRule[]) {
  const options: ErrorsOptions = { stacktrace: false, consolidate };
  const { lines, log } = capturedLog();
  const errorLog = new ErrorLog(options, log);
  const fail = (failure: string) => errorLog.replied(reportOf({}, { rcode: 2 }, { failure }));
  return { errorLog, lines, fail };
}

const LINE = '2 www.example.org. A:';

test('a line for each failure, none for an answer', () => {
  const { errorLog, lines, fail } = open();
  errorLog.replied(reportOf({}, { rcode: 2 }));
  fail('no healthy upstream');
  errorLog.replied(
    reportOf({ name: 'MX.Example.org', type: 'MX' }, { rcode: 5 }, { failure: 'x' }),
  );
  assert.deepEqual(lines, [
    `[ERROR] plugin/errors: ${LINE} no healthy upstream`,
    '[ERROR] plugin/errors: 5 mx.example.org. MX: x',
  ]);
});

test('a failure of a query that cannot be read has its line too', () => {
  const { errorLog, lines } = open();
  errorLog.replied(reportOf({}, { rcode: 1 }, { query: new Uint8Array(12), failure: 'x' }));
  assert.deepEqual(lines, ['[ERROR] plugin/errors: 1 . TYPE0: x']);
});

describe('consolidation', () => {
  test('counts what fits from the first on, for a period', () => {
    const { lines, fail } = open(rule('timeout$'));
    fail('i/o timeout');
    mock.timers.tick(29_999);
    fail('dial timeout');
    fail('timeout no more');
    assert.deepEqual(lines, [`[ERROR] plugin/errors: ${LINE} timeout no more`]);
    mock.timers.tick(1);
    const summary = "[ERROR] plugin/errors: 2 errors like 'timeout$' occurred in last 30s";
    assert.deepEqual(lines.splice(0).slice(1), [summary]);
    mock.timers.tick(60_000);
    assert.deepEqual(lines, []);
    fail('timeout');
    mock.timers.tick(30_000);
    assert.deepEqual(lines, [summary.replace('2 errors', '1 errors')]);
  });

  test('the first pattern that fits decides, each has its level and period', () => {
    const { lines, fail } = open(
      rule('^a', { level: 'warning', periodMs: 60_000 }),
      rule('b', { level: 'info', periodMs: 1_500 }),
      rule('', { level: 'debug' }),
    );
    for (const failure of ['ab', 'b', 'cb', 'c']) fail(failure);
    mock.timers.tick(60_000);
    assert.deepEqual(lines, [
      "[INFO] plugin/errors: 2 errors like 'b' occurred in last 1.5s",
      "[DEBUG] plugin/errors: 1 errors like '' occurred in last 30s",
      "[WARNING] plugin/errors: 1 errors like '^a' occurred in last 1m0s",
    ]);
  });

  test('show_first shows the first, at the level of the rule, and sums up only more than one', () => {
    const { lines, fail } = open(rule('x', { level: 'warning', showFirst: true }));
    fail('x1');
    fail('x2');
    mock.timers.tick(30_000);
    fail('x3');
    mock.timers.tick(30_000);
    assert.deepEqual(lines, [
      `[WARNING] plugin/errors: ${LINE} x1`,
      "[WARNING] plugin/errors: 2 errors like 'x' occurred in last 30s",
      `[WARNING] plugin/errors: ${LINE} x3`,
    ]);
  });

  test('close sums up at once; later failures have lines of their own', () => {
    const { errorLog, lines, fail } = open(rule('x'), rule('y', { showFirst: true }), rule('z'));
    for (const failure of ['x', 'x', 'y']) fail(failure);
    lines.length = 0;
    errorLog.close();
    errorLog.close();
    mock.timers.tick(30_000);
    assert.deepEqual(lines, ["[ERROR] plugin/errors: 2 errors like 'x' occurred in last 30s"]);
    fail('z');
    assert.equal(lines[1], `[ERROR] plugin/errors: ${LINE} z`);
  });

  test('a period longer than any timer does not end at once', () => {
    const { lines, fail } = open(rule('x', { periodMs: 30 * 24 * 3_600_000 }));
    fail('x');
    mock.timers.tick(24 * 24 * 3_600_000);
    assert.deepEqual(lines, []);
  });
});
