/** Durations in Go's words; the cases are those of its own time package where they are not round numbers of ours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { durationText, secondsText } from '../../src/base/duration-text.ts';
import { durationMs } from '../../src/directives/duration.ts';

test('durations', () => {
  const cases: [number, string][] = [
    [0, '0s'],
    [1e-6, '1ns'],
    [0.0011, '1.1µs'],
    [2.2, '2.2ms'],
    [999.999999, '999.999999ms'],
    [3_300, '3.3s'],
    [30_000, '30s'],
    [60_000, '1m0s'],
    [245_000, '4m5s'],
    [245_001, '4m5.001s'],
    [18_367_001, '5h6m7.001s'],
    [3_600_000, '1h0m0s'],
    [480_000.000001, '8m0.000000001s'],
    [-1_500, '-1.5s'],
    [-1e-9, '0s'],
  ];
  for (const [ms, text] of cases) assert.equal(durationText(ms), text);
});

test('what is printed is read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), (us) => {
      const text = durationText(us / 1000);
      assert.equal(Math.round(durationMs(text)! * 1000), us);
    }),
  );
});

test('seconds', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [0.123456, '0.000123456'],
    [0.0001, '0.0000001'],
    [0.1234567, '0.000123457'],
    [37.990251, '0.037990251'],
    [1_000, '1'],
    [12_500, '12.5'],
    [-1, '0'],
  ];
  for (const [ms, text] of cases) assert.equal(secondsText(ms), text);
});
