/** `reload`: interval and jitter. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, failureOf } from './server-block.ts';

test('an interval and a jitter of at most half of it', () => {
  const cases: [string, number, number][] = [
    ['reload', 30_000, 15_000],
    ['reload 10s', 10_000, 5_000],
    ['reload 10s 2s', 10_000, 2_000],
    ['reload 2s 0s', 2_000, 0],
    ['reload 1m 1m', 60_000, 30_000],
  ];
  for (const [line, intervalMs, jitterMs] of cases) {
    assert.deepEqual(configOf(line).reload, { intervalMs, jitterMs }, line);
  }
  assert.equal(configOf('errors').reload, undefined);
});

test('of several the first counts', () => {
  const warnings: string[] = [];
  assert.equal(configOf('reload 4s\nreload 8s', {}, warnings).reload?.intervalMs, 4_000);
  assert.deepEqual(warnings, ['3:1 reload: ignored: the one at line 2 counts']);
});

test('what CoreDNS refuses is refused', () => {
  assert.match(failureOf('reload foo'), /expected a duration/);
  assert.match(failureOf('reload 10s foo'), /expected a duration/);
  assert.match(failureOf('reload 10s 5s foo'), /unexpected 'foo'/);
  assert.match(failureOf('reload 1s'), /expected a duration of at least 2s/);
  assert.match(failureOf('reload 0s'), /expected a duration of at least 2s/);
  assert.match(failureOf('reload 3s 0.5s'), /expected a jitter of 0 or at least 1s/);
  assert.match(failureOf('reload 3s -1s'), /at least 0s/);
});
