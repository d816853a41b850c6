/**
 * The system's clock: monotonic, in milliseconds, the same as node's own reading of CLOCK_MONOTONIC.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';

test('reads CLOCK_MONOTONIC in milliseconds', () => {
  const before = Number(process.hrtime.bigint()) / 1e6;
  const nowMs = systemClock.nowMs();
  const after = Number(process.hrtime.bigint()) / 1e6;
  // A double of 1e9 ms has a grain of 1e-7 ms; the two readings round differently.
  assert.ok(before - 0.001 <= nowMs && nowMs <= after + 0.001, `${before} ${nowMs} ${after}`);
});

test('never goes back', () => {
  let last = systemClock.nowMs();
  for (let reading = 0; reading < 1000; reading++) {
    const next = systemClock.nowMs();
    assert.ok(next >= last);
    last = next;
  }
});
