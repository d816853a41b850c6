/**
 * The histogram against exact percentiles by nearest rank over the sorted values.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HISTOGRAM_VALUE_MAX, Histogram } from '../../../bench/load/histogram.ts';

function exactPercentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1]!;
}

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** Magnitudes as likely as values: latencies span from 1 to 10^7. */
const anyValue = fc
  .tuple(fc.integer({ min: 0, max: 31 }), fc.nat())
  .map(([bits, value]) => Math.min(value % 2 ** bits, HISTOGRAM_VALUE_MAX));

test('a percentile is at least the exact one and less than 0.1 % above it', () => {
  fc.assert(
    fc.property(
      fc.array(anyValue, { minLength: 1, maxLength: 300 }),
      fc.constantFrom(0, 50, 90, 99, 99.9, 100),
      (values, percent) => {
        const exact = exactPercentile(values, percent);
        const found = histogramOf(values).percentile(percent);
        assert(found >= exact && found <= exact * (1 + 1 / 1024), `${found} for ${exact}`);
      },
    ),
  );
});

test('values below 2048 are exact', () => {
  const values = Array.from({ length: 2048 }, (_, value) => value);
  const histogram = histogramOf(values);
  for (const percent of [1, 25, 50, 75, 99, 99.9]) {
    assert.equal(histogram.percentile(percent), exactPercentile(values, percent));
  }
});

test('each power of two and its neighbours are within 0.1 %', () => {
  for (let bits = 1; bits < 31; bits++) {
    for (const value of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
      const histogram = histogramOf([value, HISTOGRAM_VALUE_MAX]);
      const found = histogram.percentile(50);
      assert(found >= value && found <= value * (1 + 1 / 1024), `${found} for ${value}`);
    }
  }
});

test('the maximum is exact, and what is out of range counts as the nearest value', () => {
  const histogram = histogramOf([-5, 123_457, 2 ** 40]);
  assert.equal(histogram.count, 3);
  assert.equal(histogram.max, HISTOGRAM_VALUE_MAX);
  assert.equal(histogram.percentile(1), 0);
  assert.equal(histogramOf([123_457]).percentile(99.9), 123_457);
});

test('it is empty before the first value and after a reset', () => {
  const histogram = histogramOf([7]);
  histogram.reset();
  for (const empty of [histogram, new Histogram()]) {
    assert.deepEqual([empty.count, empty.max, empty.percentile(50)], [0, 0, 0]);
  }
});
