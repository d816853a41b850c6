/** Figures from the shared counters: rates of the window, a history with a bound, percentiles as bounds of buckets. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  countCacheHit,
  countCacheMiss,
  countCacheResponse,
  countChainlessResponse,
  countRequest,
  DURATION_BUCKETS,
} from '../../src/metrics/counter-words.ts';
import { Figures, HISTORY_S, quantileBound, sum, WINDOW_S } from '../../src/watch/figures.ts';
import { OwnQueries } from '../../src/watch/own-queries.ts';
import { createMetrics } from '../metrics/scrape.ts';

const NONE = { coalesced: 0, refreshes: 0, own: new OwnQueries() };

function start(isReported = true) {
  const { words, rows, open } = createMetrics();
  const figures = new Figures(rows, -1000);
  const { base } = open({ isReported });
  const { base: other } = open({ protocol: 'tcp', isReported }, 1);
  const add = (nowMs: number, totals = NONE) => {
    rows.fold();
    figures.add(nowMs, totals);
  };
  const ask = (at: number, qtype: number, us: number) =>
    countRequest(words, at, qtype, 0, 40, 80, us);
  return { words, figures, base, other, add, ask };
}

suite('figures', () => {
  test('of all rows and writers, reported or not', () => {
    const { words, figures, base, other, add, ask } = start(false);
    add(0);
    ask(base, 1, 100);
    ask(other, 28, 9000);
    countCacheHit(words, base, 0, 0);
    countCacheHit(words, base, 1, 1);
    countCacheMiss(words, other);
    countCacheResponse(words, base, 3);
    countChainlessResponse(words, other, 2);
    figures.countForwarded(0);
    figures.countForwarded(4000);
    add(1000, { ...NONE, coalesced: 5, refreshes: 1 });
    const { before, now } = figures.window();
    assert.equal(sum(before.byType), 0);
    assert.deepEqual([now.byType[0], now.byType[1], sum(now.byType)], [1, 1, 2]);
    assert.deepEqual([now.hits, now.denials, now.stale, now.misses], [1, 1, 1, 1]);
    assert.deepEqual([...now.byRcode.subarray(0, 4), now.byRcode.at(-1)], [1, 0, 1, 1, 1]);
    assert.equal(now.saved, 1 + 1 + 5 - 1);
    assert.deepEqual(figures.queriesPerS, [0, 2]);
    assert.deepEqual(figures.hitRatios, [null, 2 / 3]);
  });

  test('of clients: what we ask ourselves is taken out', () => {
    const { words, figures, base, add, ask } = start();
    const own = new OwnQueries();
    add(0);
    for (let count = 0; count < 3; count++) {
      ask(base, 1, 100);
      countChainlessResponse(words, base, 4);
    }
    own.count(1, 4);
    own.count(1, 4);
    add(1000, { ...NONE, own });
    const { now } = figures.window();
    assert.deepEqual([now.byType[0], now.byRcode[4]], [1, 1]);
    assert.deepEqual(figures.queriesPerS, [0, 1]);
    own.count(1, 4);
    own.count(1, 4);
    add(2000, { ...NONE, own });
    assert.deepEqual(figures.queriesPerS, [0, 1, 0], 'another process answered one of them');
  });

  test('a second in which nobody asks has no hit ratio', () => {
    const { figures, add } = start();
    add(0);
    add(1000);
    assert.deepEqual([figures.queriesPerS.at(-1), figures.hitRatios.at(-1)], [0, null]);
  });

  test('a quiet second does not hide what comes in the next, of whatever it is', () => {
    const { words, figures, base, add, ask } = start();
    let at = 0;
    const second = (totals = NONE) => {
      at += 1000;
      add(at, totals);
    };
    const quiet = () => {
      second();
      second();
    };
    quiet();
    const { before, now } = figures.window();
    assert.equal(now.byType, before.byType);
    ask(base, 1, 10);
    quiet();
    assert.deepEqual(figures.queriesPerS.slice(-2), [1, 0]);
    countCacheMiss(words, base);
    quiet();
    assert.deepEqual(figures.hitRatios.slice(-2), [0, null]);
    figures.countForwarded(3);
    quiet();
    assert.equal(figures.window().now.byRcode[3], 1);
    figures.countAnswer('192.0.2.1:53');
    quiet();
    assert.equal(figures.window().now.answers.get('192.0.2.1:53'), 1);
    second({ ...NONE, coalesced: 1 });
    assert.equal(figures.window().now.saved, 1);
  });

  test('rates are right where a second takes longer', () => {
    const { figures, base, add, ask } = start();
    add(0);
    for (let count = 0; count < 30; count++) ask(base, 1, 10);
    add(3000);
    assert.equal(figures.queriesPerS.at(-1), 10);
  });

  test('seconds in which nobody took the totals share what was counted', () => {
    const { figures, base, add, ask } = start();
    add(0);
    for (let count = 0; count < 30; count++) ask(base, 1, 10);
    assert(!figures.isDue(999));
    assert(figures.isDue(1000));
    add(2100);
    assert.deepEqual(figures.queriesPerS.slice(1), [30 / 2.1, 30 / 2.1]);
    assert(!figures.isDue(2999));
    assert(figures.isDue(3000));
  });

  test('the window is ten seconds and the last step at most, however often the totals are taken', () => {
    const { figures, add } = start();
    for (let ms = 0; ms <= 60_000; ms += ms % 3000 === 0 ? 1000 : 2000) add(ms);
    const { before, now } = figures.window();
    assert(now.atMs - before.atMs >= 1000 * WINDOW_S);
    assert(now.atMs - before.atMs < 1000 * WINDOW_S + 2000);
    add(1e9);
    assert.equal(figures.window().now.atMs, 1e9);
    assert.equal(figures.queriesPerS.length, HISTORY_S);
  });

  test('window and history have their bounds', () => {
    const { figures, add } = start();
    assert.deepEqual(figures.window().before, figures.window().now);
    for (let second = 0; second <= HISTORY_S + 50; second++) add(1000 * second);
    assert.equal(figures.queriesPerS.length, HISTORY_S);
    const { before, now } = figures.window();
    assert.equal(now.atMs - before.atMs, 1000 * WINDOW_S);
  });

  test('answers of upstreams, of so many at most', () => {
    const { figures, add } = start();
    for (let number = 0; number < 3; number++) figures.countAnswer('192.0.2.1:53');
    add(0);
    for (let number = 0; number < 1000; number++) figures.countAnswer(`192.0.2.1:${number}`);
    add(1000);
    const { now } = figures.window();
    assert(now.answers.size <= 256);
    assert.equal(now.answers.get('192.0.2.1:999'), 1);
  });

  test('a percentile is the bound of its bucket', () => {
    const { figures, base, add, ask } = start();
    add(0);
    const bound = (share: number) => {
      const { before, now } = figures.window();
      return quantileBound(before.durations, now.durations, DURATION_BUCKETS, share);
    };
    assert.equal(bound(0.5), undefined);
    for (let count = 0; count < 98; count++) ask(base, 1, 100);
    ask(base, 1, 3000);
    ask(base, 1, 30_000_000);
    add(1000);
    assert.deepEqual(
      [bound(0.5), bound(0.98), bound(0.99), bound(0.999)],
      [0.00025, 0.00025, 0.004, Number.POSITIVE_INFINITY],
    );
  });
});
