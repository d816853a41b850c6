import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProcessStats } from '../../src/metrics/process-stats.ts';
import { CONNECTIONS_MAX, connectionsMax } from '../../src/server/connections-max.ts';

for (const [what, maxFdCount, openFdCount, connections] of [
  ['a container’s usual limit', 1_048_576, 40, CONNECTIONS_MAX],
  ['a shell’s', 1024, 40, 480],
  ['a small one', 64, 24, 8],
  ['none left', 40, 40, 1],
] as const) {
  test(`clients over TCP may hold half of the descriptors that a start leaves: ${what}`, () => {
    const stats = { ...readProcessStats()!, maxFdCount, openFdCount };
    assert.equal(connectionsMax(stats), connections);
  });
}
