import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNIT } from '../../src/cache/memory.ts';
import { sizeMemory } from '../../src/control/sizing.ts';
import { parseCorefile } from '../../src/corefile/parser.ts';
import { readServerBlocks } from '../../src/directives/server-config.ts';

const MIB = 1024 * 1024;
const files = { read: () => ({ code: 'failed', reason: 'none' }) as const, glob: () => [] };

function servers(text: string) {
  const blocks = parseCorefile(text, { file: 'Corefile', environment: {}, files });
  return readServerBlocks(blocks, { defaultPort: 53, files, warn: () => {} });
}

const STOCK = servers(`cluster.local {
  cache {
    success 9984 30
    denial 9984 5
  }
}
. {
  cache 30
}`);

test('the capacities of all blocks have their slots and octets', () => {
  const large = servers('. {\n cache {\n success 200000\n denial 100000\n }\n}');
  const { plan } = sizeMemory(large, 0, 2, undefined);
  assert.ok(plan.slotCount >= 299_000);
  assert.ok(plan.unitCount * UNIT >= plan.slotCount * 300);
  assert.equal(Math.log2(plan.bucketCount) % 1, 0);
  assert.ok(plan.bucketCount >= 2 * plan.slotCount);
});

test('a small Corefile leaves room for a larger one', () => {
  assert.ok(sizeMemory(STOCK, 0, 2, undefined).plan.slotCount >= 65_536);
});

test('the container’s limit bounds it', () => {
  const { plan } = sizeMemory(STOCK, 0, 2, 30 * MIB);
  assert.ok(plan.unitCount * UNIT <= 11 * MIB);
  assert.ok(plan.unitCount * UNIT >= 10 * MIB);
});

test('a tiny limit still leaves a cache', () => {
  assert.ok(sizeMemory(STOCK, 0, 2, MIB).plan.unitCount * UNIT >= 4 * MIB);
});

test('a budget that is given counts as it is', () => {
  const { plan } = sizeMemory(STOCK, 5 * MIB, 2, 30 * MIB);
  assert.equal(plan.unitCount, (5 * MIB) / UNIT + 2);
});

test('many zones have their rows', () => {
  const zones = Array.from({ length: 100 }, (_, index) => `z${index}.example.org {\n}`).join('\n');
  assert.equal(sizeMemory(servers(zones), 0, 2, undefined).rowCount, 1600);
  assert.equal(sizeMemory(STOCK, 0, 2, undefined).rowCount, 256);
});

test('questions under way are bounded by the container’s limit', () => {
  const questionsOf = (limit: number | undefined) =>
    sizeMemory(STOCK, 0, 2, limit).inFlight.questions;
  assert.equal(questionsOf(undefined), 16_384);
  assert.equal(questionsOf(4096 * MIB), 16_384);
  assert.equal(questionsOf(96 * MIB), 2457);
  assert.equal(questionsOf(MIB), 1024);
  const { questions, waiters } = sizeMemory(STOCK, 0, 2, 96 * MIB).inFlight;
  assert(waiters > questions);
});
