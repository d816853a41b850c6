import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  ARRIVAL_TO_SEND_BUCKETS,
  BATCH_SIZE_BUCKETS,
  COUNTED_TYPES,
  countBatch,
  countCacheHit,
  countCacheMiss,
  countCacheResponse,
  countChainlessResponse,
  countIgnoredDatagram,
  countMissRingFull,
  countReceiveQueueDrops,
  countRefreshRingFull,
  countRequest,
  countSendFailures,
  DURATION_BUCKETS,
  doublingBucket,
  observeArrivalToSend,
  RCODE_WORDS,
  ROW,
  ROW_WORDS,
  SIZE_BUCKETS,
  sizeBucket,
  typeIndex,
  WRITER,
  WRITER_WORDS,
} from '../../src/metrics/counter-words.ts';

/** The first bound not below `value`, as prom-client and client_golang search it. */
function naiveBucket(bounds: readonly number[], value: number): number {
  const index = bounds.findIndex((bound) => value <= bound);
  return index === -1 ? bounds.length : index;
}

/** The words that are not zero, by offset. */
function written(words: Int32Array): Record<number, number> {
  return Object.fromEntries([...words.entries()].filter(([, value]) => value !== 0));
}

describe('buckets', () => {
  test('every message size has the bucket of a naive search', () => {
    for (let size = 0; size <= 0xffff; size++) {
      assert.equal(sizeBucket(size), naiveBucket(SIZE_BUCKETS, size), `size ${size}`);
    }
  });

  test('every batch size has the bucket of a naive search', () => {
    for (let size = 1; size <= 200; size++) {
      assert.equal(doublingBucket(size, 1, 7), naiveBucket(BATCH_SIZE_BUCKETS, size));
    }
  });

  for (const [name, bounds, firstUs] of [
    ['request duration', DURATION_BUCKETS, 250],
    ['arrival to send', ARRIVAL_TO_SEND_BUCKETS, 10],
  ] as const) {
    const boundsUs = bounds.map((bound) => Math.round(bound * 1e6));

    test(`${name}: on and beside each bound`, () => {
      for (const us of [0, ...boundsUs.flatMap((bound) => [bound - 1, bound, bound + 1])]) {
        assert.equal(doublingBucket(us, firstUs, 16), naiveBucket(boundsUs, us), `${us} us`);
      }
    });

    test(`${name}: any duration`, () => {
      fc.assert(
        fc.property(fc.nat(), (us) => {
          assert.equal(doublingBucket(us, firstUs, 16), naiveBucket(boundsUs, us));
        }),
      );
    });
  }

  test('durations are those of CoreDNS', () => {
    assert.equal(DURATION_BUCKETS[0], 0.00025);
    assert.equal(DURATION_BUCKETS.at(-1), 8.192);
    assert.equal(DURATION_BUCKETS.length, 16);
  });
});

describe('types', () => {
  test('each counted type has its index, every other type the last', () => {
    const indexes = new Map(COUNTED_TYPES.map(([, qtype], index) => [qtype, index]));
    for (let qtype = 0; qtype <= 0xffff; qtype++) {
      assert.equal(typeIndex(qtype), indexes.get(qtype) ?? COUNTED_TYPES.length);
    }
  });
});

describe('layout', () => {
  const row = [
    [ROW.requestsByType, COUNTED_TYPES.length + 1],
    [ROW.doRequests, 1],
    [ROW.requestSizeBuckets, SIZE_BUCKETS.length + 1],
    [ROW.requestOctets, 1],
    [ROW.responseSizeBuckets, SIZE_BUCKETS.length + 1],
    [ROW.responseOctets, 1],
    [ROW.durationBuckets, DURATION_BUCKETS.length + 1],
    [ROW.durationFineUs, 1],
    [ROW.durationCoarse, 1],
    [ROW.cacheResponsesByRcode, RCODE_WORDS],
    [ROW.chainlessResponsesByRcode, RCODE_WORDS],
    [ROW.cacheHitsSuccess, 1],
    [ROW.cacheHitsDenial, 1],
    [ROW.cacheMisses, 1],
    [ROW.servedStale, 1],
    [ROW.ignoredDatagrams, 1],
  ] as const;
  const writer = [
    [WRITER.batchSizeBuckets, BATCH_SIZE_BUCKETS.length + 1],
    [WRITER.batchedDatagrams, 1],
    [WRITER.arrivalToSendBuckets, ARRIVAL_TO_SEND_BUCKETS.length + 1],
    [WRITER.arrivalToSendFineUs, 1],
    [WRITER.arrivalToSendCoarse, 1],
    [WRITER.receiveQueueDrops, 1],
    [WRITER.missRingFull, 1],
    [WRITER.refreshRingFull, 1],
    [WRITER.sendFailures, 1],
  ] as const;

  for (const [name, fields, fieldCount, wordCount] of [
    ['row', row, Object.keys(ROW).length, ROW_WORDS],
    ['writer', writer, Object.keys(WRITER).length, WRITER_WORDS],
  ] as const) {
    test(`the fields of a ${name} follow each other and fit`, () => {
      assert.equal(fields.length, fieldCount);
      let next = 0;
      for (const [offset, count] of fields) {
        assert.equal(offset, next);
        next += count;
      }
      assert.ok(next <= wordCount);
      assert.equal((wordCount * 4) % 64, 0);
    });
  }
});

describe('counting', () => {
  test('a request', () => {
    const words = new Int32Array(2 * ROW_WORDS);
    countRequest(words, ROW_WORDS, 28, 1, 45, 512, 6007);
    countRequest(words, ROW_WORDS, 28, 0, 45, 512, 6007);
    assert.deepEqual(written(words.subarray(ROW_WORDS)), {
      [ROW.requestsByType + 1]: 2,
      [ROW.doRequests]: 1,
      [ROW.requestSizeBuckets + 1]: 2,
      [ROW.requestOctets]: 90,
      [ROW.responseSizeBuckets + 6]: 2,
      [ROW.responseOctets]: 1024,
      [ROW.durationBuckets + 5]: 2,
      [ROW.durationFineUs]: 2 * (6007 % 64),
      [ROW.durationCoarse]: 2 * Math.floor(6007 / 64),
    });
    assert.deepEqual(written(words.subarray(0, ROW_WORDS)), {});
  });

  test('cache hits and misses', () => {
    const words = new Int32Array(ROW_WORDS);
    countCacheHit(words, 0, 0, 0);
    countCacheHit(words, 0, 1, 1);
    countCacheMiss(words, 0);
    countCacheResponse(words, 0, 3);
    assert.deepEqual(written(words), {
      [ROW.cacheResponsesByRcode + 3]: 1,
      [ROW.cacheHitsSuccess]: 1,
      [ROW.cacheHitsDenial]: 1,
      [ROW.servedStale]: 1,
      [ROW.cacheMisses]: 1,
    });
  });

  test('rcodes beyond the assigned share the last word', () => {
    const words = new Int32Array(ROW_WORDS);
    countChainlessResponse(words, 0, 23);
    countChainlessResponse(words, 0, 24);
    countChainlessResponse(words, 0, 4095);
    countIgnoredDatagram(words, 0);
    assert.deepEqual(written(words), {
      [ROW.chainlessResponsesByRcode + 23]: 1,
      [ROW.chainlessResponsesByRcode + 24]: 2,
      [ROW.ignoredDatagrams]: 1,
    });
  });

  test('what belongs to a writer', () => {
    const words = new Int32Array(WRITER_WORDS);
    countBatch(words, 0, 1);
    countBatch(words, 0, 64);
    observeArrivalToSend(words, 0, 130);
    countReceiveQueueDrops(words, 0, 17);
    countMissRingFull(words, 0);
    countRefreshRingFull(words, 0);
    countSendFailures(words, 0, 3);
    assert.deepEqual(written(words), {
      [WRITER.batchSizeBuckets]: 1,
      [WRITER.batchSizeBuckets + 6]: 1,
      [WRITER.batchedDatagrams]: 65,
      [WRITER.arrivalToSendBuckets + 4]: 1,
      [WRITER.arrivalToSendFineUs]: 2,
      [WRITER.arrivalToSendCoarse]: 2,
      [WRITER.receiveQueueDrops]: 17,
      [WRITER.missRingFull]: 1,
      [WRITER.refreshRingFull]: 1,
      [WRITER.sendFailures]: 3,
    });
  });
});
