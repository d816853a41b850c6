/** `timeouts`: durations with and without unit, and the queries of a connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TimeoutOptions } from '../../src/directives/timeouts.ts';
import { configOf, failureOf } from './server-block.ts';

const DEFAULTS: TimeoutOptions = {
  readMs: 3_000,
  writeMs: 5_000,
  idleMs: 10_000,
  maxTcpQueries: undefined,
};

test('each option replaces one default', () => {
  const cases: [string, Partial<TimeoutOptions>][] = [
    ['read 30s', { readMs: 30_000 }],
    ['read 1m\nwrite 2m', { readMs: 60_000, writeMs: 120_000 }],
    ['idle 24h', { idleMs: 86_400_000 }],
    ['read 10\nwrite 20\nidle 60', { readMs: 10_000, writeMs: 20_000, idleMs: 60_000 }],
    ['maxtcpqueries 128', { maxTcpQueries: 128 }],
    ['maxtcpqueries 128\nmaxtcpqueries -1', {}],
  ];
  for (const [lines, expected] of cases) {
    assert.deepEqual(
      configOf(`timeouts {\n${lines}\n}`).timeouts,
      { ...DEFAULTS, ...expected },
      lines,
    );
  }
  assert.deepEqual(configOf('errors').timeouts, DEFAULTS);
});

test('what CoreDNS refuses is refused', () => {
  const block = /expected a block with read, write, idle or maxtcpqueries/;
  assert.match(failureOf('timeouts'), block);
  assert.match(failureOf('timeouts {\n}'), block);
  const cases: [string, RegExp][] = [
    ['giraffe 30s', /unknown option 'giraffe'/],
    ['read 10s 20s', /unexpected '20s'/],
    ['write snake', /expected a duration/],
    ['idle 0s', /at least 1s and at most 24h/],
    ['read 48h', /at least 1s and at most 24h/],
    ['maxtcpqueries 0', /expected -1 \(no bound\) or a positive integer/],
    ['maxtcpqueries -2', /expected an integer of at least -1/],
    ['maxtcpqueries snake', /expected an integer/],
  ];
  for (const [line, expected] of cases)
    assert.match(failureOf(`timeouts {\n${line}\n}`), expected, line);
});
