import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CounterRows, counterBytes } from '../../src/metrics/counter-rows.ts';
import type { HistogramFamily, ScalarFamily } from '../../src/metrics/family.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { SERIES } from '../../src/metrics/series.ts';
import { NODE_CACHE_FAMILIES, OWN_FAMILIES } from './contract.ts';
import { parseExposition } from './exposition.ts';

/** Metrics with a cell in every family, so that labels and buckets show. */
function createFullMetrics(): Metrics {
  const words = new Int32Array(counterBytes(1, 1) / 4);
  const metrics = new Metrics(new CounterRows(words, 1, 1), { version: '1.2.3', revision: 'abc' });
  const families = Object.values(metrics.families) as unknown as (ScalarFamily | HistogramFamily)[];
  for (const [index, { labelNames }] of Object.values(SERIES).entries()) {
    families[index]!.cell(...labelNames.map((name) => `a ${name}`));
  }
  return metrics;
}

describe('exposition', () => {
  test('has exactly the families of the contract, with their types, labels and buckets', async () => {
    const families = parseExposition(await createFullMetrics().expose());
    const found = [...families.values()].map(({ name, type, samples }) => {
      const ours = samples.filter(({ labels }) => Object.entries(labels).every(isOurs));
      const buckets = ours.flatMap(({ labels: { le } }) => (le && le !== '+Inf' ? [le] : []));
      return { name, type, labels: Object.keys(ours.at(-1)?.labels ?? {}), buckets };
    });
    const contract = [...NODE_CACHE_FAMILIES, ...OWN_FAMILIES].map(
      ({ liveliness: _, ...family }) => family,
    );
    assert.deepEqual(byName(found), byName(contract));
  });

  test("prom-client's registry gives the same families at one go", async () => {
    const metrics = createFullMetrics();
    const whole = parseExposition(await metrics.registry.metrics());
    const parts = parseExposition(await metrics.expose());
    assert.deepEqual([...whole.keys()], [...parts.keys()]);
  });
});

function byName<T extends { readonly name: string }>(families: readonly T[]): T[] {
  return families.toSorted((one, other) => one.name.localeCompare(other.name));
}

/** Whether a label is one that createFullMetrics made, or a bucket's. */
function isOurs([name, value]: [string, string]): boolean {
  return name === 'le' || value === `a ${name}`;
}

describe('names', () => {
  for (const { name, type, help, buckets } of Object.values(SERIES)) {
    test(name, () => {
      assert.match(name, /^(coredns|zerohop|process|promhttp)_[a-z0-9_]+[a-z]$/);
      assert.equal(name.endsWith('_total'), type === 'counter');
      assert.match(help, /^[A-Z].*\.$/);
      assert.equal(buckets.length > 0, type === 'histogram');
    });
  }
});
