import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { BrokenInvariant } from '../../src/base/invariant.ts';
import {
  CounterRows,
  counterBytes,
  type RowLabels,
  rowBase,
  writerBase,
} from '../../src/metrics/counter-rows.ts';
import {
  countRequest,
  ROW,
  ROW_WORDS,
  WRITER,
  WRITER_WORDS,
} from '../../src/metrics/counter-words.ts';

const LABELS: RowLabels = {
  server: 'dns://192.0.2.53:53',
  zone: 'example.org.',
  protocol: 'udp',
  family: 1,
  cacheZones: 'example.org.',
  isReported: true,
};

function createRows(rowCount: number, writerCount: number) {
  const words = new Int32Array(new SharedArrayBuffer(counterBytes(rowCount, writerCount)));
  return { words, rows: new CounterRows(words, rowCount, writerCount) };
}

describe('layout', () => {
  test('blocks and rows start on cache lines and do not overlap', () => {
    const taken = new Set<number>();
    for (let writer = 0; writer < 3; writer++) {
      const starts: [number, number][] = [[writerBase(5, writer), WRITER_WORDS]];
      for (let row = 0; row <= 5; row++) starts.push([rowBase(5, writer, row), ROW_WORDS]);
      for (const [start, count] of starts) {
        assert.equal((start * 4) % 64, 0);
        for (let word = start; word < start + count; word++) {
          assert.ok(!taken.has(word));
          taken.add(word);
        }
      }
    }
    assert.equal(taken.size * 4, counterBytes(5, 3));
  });

  test('memory that is too small is a broken invariant', () => {
    const words = new Int32Array(counterBytes(2, 2) / 4 - 1);
    assert.throws(() => new CounterRows(words, 2, 2), BrokenInvariant);
  });
});

describe('fold', () => {
  /** What a writer adds to its word between two folds: up to one octet below a whole turn of 2^32. */
  const growth = fc.oneof(fc.nat({ max: 1000 }), fc.integer({ min: 0, max: 0xffff_ffff }));
  const step = fc.record({
    growths: fc.array(growth, { minLength: 2, maxLength: 2 }),
    takes: fc.boolean(),
  });

  test('gives the exact total for any growths and folds, over any number of turns', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.array(fc.integer(), { minLength: 2, maxLength: 2 }),
        (steps, starts) => {
          const { words, rows } = createRows(3, 2);
          const at = [0, 1].map((writer) => rowBase(3, writer, 0) + ROW.responseOctets);
          for (const [writer, start] of starts.entries()) words[at[writer]!] = start;
          const row = rows.open(LABELS);
          let expected = 0;
          let total = 0;
          for (const { growths, takes } of steps) {
            for (const [writer, amount] of growths.entries()) {
              words[at[writer]!]! += amount;
              expected += amount;
            }
            rows.fold();
            if (takes) total += rows.takeRow(row, ROW.responseOctets);
          }
          total += rows.takeRow(row, ROW.responseOctets);
          assert.equal(total, expected);
        },
      ),
    );
  });

  test('sums durations exactly where one word of microseconds would have wrapped many times', () => {
    const { words, rows } = createRows(1, 1);
    const row = rows.open(LABELS);
    const count = 20_000;
    for (let index = 0; index < count; index++) {
      countRequest(words, rowBase(1, 0, row), 1, 0, 40, 40, 5_000_001);
    }
    rows.fold();
    const us = rows.takeRow(row, ROW.durationFineUs) + 64 * rows.takeRow(row, ROW.durationCoarse);
    assert.equal(us, count * 5_000_001);
  });

  test('adds the words of all writers', () => {
    const { words, rows } = createRows(1, 3);
    for (let writer = 0; writer < 3; writer++) {
      words[writerBase(1, writer) + WRITER.missRingFull] = 10 ** writer;
    }
    rows.fold();
    assert.equal(rows.takeWriters(WRITER.missRingFull), 111);
    assert.equal(rows.takeWriters(WRITER.missRingFull), 0);
  });

  test('does not write what a writer owns', () => {
    const { words, rows } = createRows(2, 2);
    rows.open(LABELS);
    words.forEach((_, index) => {
      words[index] = index * 2_654_435_761;
    });
    const before = words.slice();
    rows.fold();
    rows.retain(new Set());
    rows.open(LABELS);
    assert.deepEqual(words, before);
  });

  test('misses nothing that two threads count while it reads', async () => {
    const { words, rows } = createRows(1, 2);
    const row = rows.open(LABELS);
    const count = 200_000;
    const workers = [0, 1].map(
      (writer) =>
        new Worker(new URL('./counting-worker.ts', import.meta.url), {
          workerData: { words, base: rowBase(1, writer, row), count },
        }),
    );
    let running = workers.length;
    const ends = workers.map((worker) => once(worker, 'exit').then(() => running--));
    let total = 0;
    while (running > 0) {
      rows.fold();
      total += rows.takeRow(row, ROW.requestOctets);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(ends);
    rows.fold();
    total += rows.takeRow(row, ROW.requestOctets);
    assert.equal(total, 2 * count * 40);
    assert.equal(rows.takeRow(row, ROW.cacheHitsSuccess), 2 * count);
  });
});

describe('open and retain', () => {
  test('equal labels share a row, each differing label has its own', () => {
    const { rows } = createRows(8, 1);
    const row = rows.open(LABELS);
    assert.equal(rows.open({ ...LABELS }), row);
    const others: Partial<RowLabels>[] = [
      { server: 'dns://192.0.2.54:53' },
      { zone: '.' },
      { protocol: 'tcp' },
      { family: 2 },
      { cacheZones: undefined as never },
      { isReported: false },
    ];
    const opened = others.map((other) => rows.open({ ...LABELS, ...other }));
    assert.equal(new Set([row, ...opened]).size, 7);
    assert.equal(rows.opened().length, 7);
  });

  test('more label sets than rows count in a row that is never shown', () => {
    const { words, rows } = createRows(1, 2);
    const row = rows.open(LABELS);
    const overflow = rows.open({ ...LABELS, zone: '.' });
    assert.equal(rows.open({ ...LABELS, zone: 'example.' }), overflow);
    assert.notEqual(overflow, row);
    assert.equal(rows.overflowCount, 2);
    for (const writer of [0, 1]) words[rowBase(1, writer, overflow) + ROW.cacheMisses] = 5;
    rows.fold();
    assert.deepEqual(rows.opened(), [[row, LABELS]]);
    assert.equal(rows.takeRow(row, ROW.cacheMisses), 0);
    rows.retain(new Set());
    assert.equal(rows.open({ ...LABELS, zone: '.' }), row);
  });

  test('a row that is kept goes on, one that is given away starts at zero', () => {
    const { words, rows } = createRows(2, 2);
    const kept = rows.open(LABELS);
    const closed = rows.open({ ...LABELS, zone: 'closed.example.' });
    for (const row of [kept, closed]) words[rowBase(2, 1, row) + ROW.cacheMisses] = 5;
    rows.fold();
    rows.retain(new Set([kept]));
    assert.deepEqual(rows.opened(), [[kept, LABELS]]);
    // A late writer still counts for the zone that is gone.
    words[rowBase(2, 1, closed) + ROW.cacheMisses] = 6;
    const reused = rows.open({ ...LABELS, zone: 'new.example.' });
    assert.equal(reused, closed);
    words[rowBase(2, 0, reused) + ROW.cacheMisses] = 1;
    rows.fold();
    assert.equal(rows.takeRow(kept, ROW.cacheMisses), 5);
    assert.equal(rows.takeRow(reused, ROW.cacheMisses), 1);
  });
});
