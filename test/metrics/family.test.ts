import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import Registry from 'prom-client/lib/registry.js';
import {
  CELLS_MAX,
  counter,
  gauge,
  HistogramFamily,
  histogram,
  ScalarFamily,
} from '../../src/metrics/family.ts';
import { type ParsedFamily, parseExposition } from './exposition.ts';

async function expose(family: ScalarFamily | HistogramFamily): Promise<ParsedFamily> {
  const registry = new Registry();
  registry.registerMetric(family);
  return parseExposition(await registry.metrics()).get(family.name)!;
}

test("prom-client's registry loads alone, at the version whose files are known", () => {
  const require = createRequire(import.meta.url);
  assert.equal(require('prom-client/package.json').version, '15.1.3');
  const loaded = Object.keys(require.cache).filter((path) => path.includes('/prom-client/'));
  const files = loaded.map((path) => path.replace(/^.*\/prom-client\//, '')).sort();
  assert.deepEqual(files, ['lib/registry.js', 'lib/util.js', 'package.json']);
  assert.equal(new Registry().contentType, 'text/plain; version=0.0.4; charset=utf-8');
});

test('cells of equal values are one, and each has its line', async () => {
  const family = new ScalarFamily(counter('queries_total', ['zone', 'proto'], 'Queries.'));
  family.cell('example.org.', 'udp').value += 2;
  family.cell('example.org.', 'tcp').value += 1;
  assert.equal(family.cell('example.org.', 'udp').value, 2);
  assert.deepEqual(await expose(family), {
    name: 'queries_total',
    type: 'counter',
    help: 'Queries.',
    samples: [
      { name: 'queries_total', labels: { zone: 'example.org.', proto: 'udp' }, value: 2 },
      { name: 'queries_total', labels: { zone: 'example.org.', proto: 'tcp' }, value: 1 },
    ],
  });
});

test('any label value comes back as it was', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.string({ unit: 'binary' }), { maxLength: 20 }),
      async (values) => {
        const family = new ScalarFamily(gauge('things', ['name'], 'Things.'));
        for (const value of values) family.cell(value).value = 1;
        const { samples } = await expose(family);
        assert.deepEqual(
          samples.map(({ labels }) => labels.name),
          values,
        );
      },
    ),
  );
});

test('a family without cells has HELP and TYPE only', async () => {
  const family = new ScalarFamily(gauge('things', ['name'], 'Things.'));
  assert.deepEqual((await expose(family)).samples, []);
});

test('any observations fall into the buckets of a naive count', async () => {
  const bounds = [0, 0.5, 1, 10];
  const value = fc.oneof(fc.constantFrom(...bounds), fc.double({ min: 0, max: 20, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(fc.array(value), async (values) => {
      const family = new HistogramFamily(histogram('size', [], bounds, 'Sizes.'));
      for (const observed of values) family.cell().observe(observed);
      family.cell();
      const { samples } = await expose(family);
      const expected = [...bounds, Infinity].map(
        (bound) => values.filter((one) => one <= bound).length,
      );
      assert.deepEqual(
        samples.filter(({ name }) => name === 'size_bucket').map((sample) => sample.value),
        expected,
      );
      const sum = values.reduce((total, one) => total + one, 0);
      assert.equal(samples.find(({ name }) => name === 'size_sum')?.value, sum);
    }),
  );
});

test('label sets have a bound: beyond it they are not shown, and counted', async () => {
  const family = new ScalarFamily(counter('queries_total', ['zone'], 'Queries.'));
  for (let index = 0; index < CELLS_MAX; index++) family.cell(`zone-${index}.example.`);
  assert.equal(family.overflowCount, 0);
  family.cell('one-more.example.').value += 7;
  family.cell('two-more.example.').value += 7;
  assert.equal(family.overflowCount, 2);
  assert.equal((await expose(family)).samples.length, CELLS_MAX);
  family.remove('zone-0.example.');
  family.cell('one-more.example.').value += 1;
  const shown = (await expose(family)).samples.at(-1);
  assert.deepEqual(shown, {
    name: 'queries_total',
    labels: { zone: 'one-more.example.' },
    value: 1,
  });
});

test('retain forgets what it is not told to keep', async () => {
  const family = new ScalarFamily(counter('queries_total', ['server', 'zone'], 'Queries.'));
  for (const zone of ['a.example.', 'b.example.']) family.cell('192.0.2.1', zone).value = 1;
  family.retain(({ zone }) => zone === 'b.example.');
  const { samples } = await expose(family);
  assert.deepEqual(
    samples.map(({ labels }) => labels.zone),
    ['b.example.'],
  );
});
