/**
 * The spike in its short form: what decides holds on any machine, busy or not; `npm run lab:spike` gives the figures.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSpike, type SpikeOptions } from './spike-run.ts';
import { spikeTable } from './spike-table.ts';

const OPTIONS: SpikeOptions = {
  nodes: 6,
  podsPerNode: 2,
  scale: 1 / 4,
  spikeS: 4,
  replicas: 'in-order',
  seed: 1,
};

test('a spike breaks look-ups that go directly, and none through Zerohop', async (t) => {
  const direct = await runSpike(t, 'direct', OPTIONS);
  const zerohop = await runSpike(t, 'zerohop', OPTIONS);
  t.diagnostic(`\n${spikeTable([direct, zerohop])}`);
  assert.ok(direct.spike.lookups.errors > 0);
  assert.equal(zerohop.cold.lookups.errors + zerohop.spike.lookups.errors, 0);
  assert.ok(zerohop.spike.packets.dropped.mean < direct.spike.packets.dropped.mean / 2);
  assert.ok(zerohop.spike.lookups.p99 < direct.spike.lookups.p99);
});
