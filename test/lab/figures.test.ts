import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifyQueries, latenciesOf, lookupFigures } from './figures.ts';
import type { QueryRecord } from './stub.ts';
import { planWorkload } from './workload.ts';

test('percentiles are of the nearest rank', () => {
  const thousand = Array.from({ length: 1000 }, (_, index) => (1000 - index) * 1000);
  assert.deepEqual(latenciesOf(thousand), {
    count: 1000,
    p50: 500,
    p99: 990,
    p999: 999,
    slowest: 1000,
  });
  assert.deepEqual(latenciesOf([]).p99, Number.NaN);
});

test('look-ups that end with EAI_AGAIN are errors; names that do not exist are none', () => {
  const lookups = (['ok', 'again', 'noname'] as const).map((result, lookup) => {
    return { lookup, startUs: 0, latencyUs: 1000, result, name: 'a' };
  });
  assert.equal(lookupFigures(lookups).errors, 1);
});

test('a hit is what some pod of the node knew, for as long as its TTL is safe', () => {
  const query = (sentS: number, more: Partial<QueryRecord> = {}): QueryRecord => {
    const fixed = {
      lookup: 0,
      name: 'a',
      type: 'A',
      latencyUs: 1000,
      rcode: 0,
      ttlS: 5,
      tries: 1,
    } as const;
    return { ...fixed, sentUs: sentS * 1e6, ...more };
  };
  const first = query(0);
  const early = query(0.0005); // before the first is answered
  const known = query(3.9, { ttlS: 1 });
  const doubtful = query(4.5); // within the last second
  const other = query(3, { type: 'AAAA' });
  const failed = query(10, { name: 'b', rcode: -1 });
  const afterFailure = query(11, { name: 'b' });
  const one = { queries: [first, known, failed], lookups: [] };
  const two = { queries: [early, doubtful, other, afterFailure], lookups: [] };
  const { hits, misses } = classifyQueries([one, two]);
  assert.deepEqual(hits, [known]);
  assert.deepEqual(misses, [first, early, other, doubtful, failed, afterFailure]);
});

test('the workload is the same for a seed, has its rate, and a fifth of unique names', () => {
  const options = { pods: 10, coldLookups: 5, spikeAtS: 5, spikeS: 10, lookupsPerS: 500, seed: 7 };
  const plans = planWorkload(options);
  assert.deepEqual(planWorkload(options), plans);
  const spike = plans.flat().filter(({ atUs }) => atUs >= 5e6);
  assert.equal(plans.flat().length - spike.length, 50);
  assert.ok(Math.abs(spike.length - 5000) < 300, `${spike.length} look-ups`);
  const unique = spike.filter(({ name }) => name.endsWith('.sessions.example.net'));
  assert.ok(Math.abs(unique.length / spike.length - 0.2) < 0.02);
  assert.equal(new Set(unique.map(({ name }) => name)).size, unique.length);
});
