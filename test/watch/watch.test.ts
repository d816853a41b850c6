/** Whoever takes the figures, housekeeping or a viewer, at whatever moments: all that was counted is in the history. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { countRequest } from '../../src/metrics/counter-words.ts';
import { OwnQueries } from '../../src/watch/own-queries.ts';
import { Watch } from '../../src/watch/watch.ts';
import { createMetrics } from '../metrics/scrape.ts';

test('looks and housekeeping within one second lose nothing of the history', () => {
  const { words, rows, metrics, open } = createMetrics();
  const { base } = open({});
  let nowMs = 0;
  const watch = new Watch({
    clock: { nowMs: () => nowMs },
    log: createLog(() => {}),
    families: metrics.families,
    rows,
    rings: () => [],
    others: () => ({ coalesced: 0, refreshes: 0, own: new OwnQueries() }),
    slowMs: 0,
  });
  const askedUntil = (atMs: number, queries: number) => {
    for (let count = 0; count < queries; count++) countRequest(words, base, 1, 0, 40, 80, 10);
    nowMs = atMs;
    watch.refresh();
  };
  askedUntil(1200, 0);
  askedUntil(1500, 60);
  askedUntil(2200, 0);
  askedUntil(2900, 10);
  askedUntil(3200, 10);
  assert.deepEqual(watch.figures.queriesPerS.map(Math.round), [0, 60, 20]);
  const { before, now } = watch.figures.window();
  assert.equal(now.byType[0]! - before.byType[0]!, 80);
});
