/**
 * The cost of a message is linear in its size, whoever made it: work is counted in blocks of code run, the same on every machine,
 * and the time it takes is told beside it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryFields, readQuery } from '../../src/wire/query.ts';
import { questionEnd } from '../../src/wire/record.ts';
import { readResponse } from '../../src/wire/response.ts';
import { BlockCoverage } from '../fuzz/block-coverage.ts';
import { HONEST, HOSTILE } from './hostile-responses.ts';

const NOW_S = 1_700_000_000;
/** An octet of a name of many short labels is read, looked up and written: 13 blocks. */
const BLOCKS_PER_OCTET_MAX = 20;
/** A hostile message may take so many times what the costliest honest one takes; three were seen. */
const TIME_RATIO_MAX = 10;
const RUNS = 101;

const fields = new QueryFields();
const READERS: Readonly<Record<string, (message: Uint8Array) => void>> = {
  readResponse: (message) => readResponse(message, questionEnd(message), NOW_S),
  readQuery: (message) => readQuery(message, 0, message.length, fields),
};

/** The same records behind a header that a query may have. */
function queries(): Record<string, Uint8Array> {
  const all: Record<string, Uint8Array> = { 'options, 16,000 of them': manyOptions() };
  for (const [what, make] of Object.entries(HOSTILE)) {
    const message = make();
    message.set([0x01, 0x00, 0, 1, 0, 1, 0, 1, 0, 2], 2);
    all[what] = message;
  }
  return all;
}

function manyOptions(): Uint8Array {
  const message = new Uint8Array(65_535);
  message.set([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 41]);
  const size = message.length - 28;
  message.set([(size - (size % 4)) >> 8, (size - (size % 4)) & 0xff], 26);
  return message;
}

const RESPONSES = Object.fromEntries(Object.entries(HOSTILE).map(([what, make]) => [what, make()]));
const MESSAGES = { readResponse: RESPONSES, readQuery: queries() };

/** Milliseconds, the quickest of many runs: whatever else the machine does only adds to one. */
function quickestMs(run: () => void): number {
  const times = Array.from({ length: RUNS }, () => {
    const startedAt = performance.now();
    run();
    return performance.now() - startedAt;
  });
  return Math.min(...times);
}

test('honest messages are read whole', () => {
  for (const [what, make] of Object.entries(HONEST)) {
    const message = make();
    assert.ok(readResponse(message, questionEnd(message), NOW_S), what);
  }
});

test('no message takes many times as long as an honest one', (t) => {
  const honestMs = Object.values(HONEST).map((make) => {
    const message = make();
    return quickestMs(() => READERS['readResponse']!(message));
  });
  const yardstickMs = Math.max(...honestMs);
  t.diagnostic(`readResponse, honest: ${yardstickMs.toFixed(3)} ms`);
  for (const [reader, messages] of Object.entries(MESSAGES)) {
    const times = Object.entries(messages).map(([what, message]) => {
      return { what, ms: quickestMs(() => READERS[reader]!(message)) };
    });
    const worst = times.reduce((left, right) => (right.ms > left.ms ? right : left));
    t.diagnostic(`${reader}, at worst: ${worst.ms.toFixed(3)} ms, ${worst.what}`);
    assert.ok(worst.ms < TIME_RATIO_MAX * yardstickMs, worst.what);
  }
});

// Behind the test of time: code whose blocks have been counted stays slower.
test('no message costs more than so many blocks an octet', (t) => {
  const coverage = new BlockCoverage(/\/src\/wire\//);
  t.after(() => coverage.stop());
  for (const [reader, messages] of Object.entries(MESSAGES)) {
    for (const [what, message] of Object.entries(messages)) {
      const work = coverage.workOf(() => READERS[reader]!(message)) / message.length;
      assert.ok(work < BLOCKS_PER_OCTET_MAX, `${reader}, ${what}: ${work.toFixed(1)} an octet`);
    }
  }
});
