/** Go's durations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { durationMs } from '../../src/directives/duration.ts';

test('terms of any unit add up', () => {
  const cases: [string, number][] = [
    ['0', 0],
    ['-0', 0],
    ['30s', 30_000],
    ['1h2m3.5s', 3_723_500],
    ['300ms', 300],
    ['.5m', 30_000],
    ['1.s', 1_000],
    ['-1.5h', -5_400_000],
    ['+2s', 2_000],
    ['250us', 0.25],
    ['250µs', 0.25],
    ['250μs', 0.25],
    ['1s1s', 2_000],
  ];
  for (const [text, expected] of cases) assert.equal(durationMs(text), expected, text);
});

test('all else is no duration', () => {
  for (const text of [
    '',
    '20',
    '1',
    's',
    '.s',
    '1.5',
    '1d',
    '1 s',
    '1s ',
    '--1s',
    '1e3s',
    '9999999h',
    'aa',
  ]) {
    assert.equal(durationMs(text), undefined, text);
  }
});

test('milliseconds are read back as written', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1e12 }), (ms) => {
      assert.equal(durationMs(`${ms}ms`), ms);
    }),
  );
});
