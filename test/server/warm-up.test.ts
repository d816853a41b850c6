import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { WarmUp } from '../../src/server/warm-up.ts';

const START_BYTES = 5e6;
const GROWN_BYTES = START_BYTES + 2e6;

describe('the collection of what warming up has left', () => {
  let heapBytes = START_BYTES;
  let looks = 0;
  let collections = 0;
  let warmUp: WarmUp;

  beforeEach(() => {
    heapBytes = START_BYTES;
    collections = 0;
    warmUp = new WarmUp(
      () => (collections += 1),
      () => {
        looks += 1;
        return heapBytes;
      },
    );
    looks = 0;
  });

  /** So many rounds between two ticks. */
  function serve(rounds: number): void {
    for (let count = 0; count < rounds; count++) warmUp.round(false);
    warmUp.round(true);
  }

  test('comes in a quiet time, when the heap has grown', () => {
    heapBytes = GROWN_BYTES;
    serve(100);
    assert.equal(collections, 1);
  });

  test('does not come for a heap that has hardly grown', () => {
    heapBytes = START_BYTES + 0.9e6;
    serve(100);
    assert.equal(collections, 0);
  });

  test('waits while many queries come', () => {
    heapBytes = GROWN_BYTES;
    serve(1000);
    serve(1000);
    assert.equal(collections, 0);
    serve(20);
    assert.equal(collections, 1);
  });

  test('looks at the heap once in a hundred rounds: an idle responder has one or two between two ticks', () => {
    for (let tick = 0; tick < 99; tick++) serve(0);
    assert.equal(looks, 0);
    serve(0);
    assert.equal(looks, 1);
    heapBytes = GROWN_BYTES;
    for (let tick = 0; tick < 49; tick++) serve(1);
    assert.deepEqual([looks, collections], [1, 0]);
    serve(1);
    assert.equal(collections, 1);
  });

  test('waits for a tick', () => {
    heapBytes = GROWN_BYTES;
    for (let count = 0; count < 150; count++) warmUp.round(false);
    assert.equal(collections, 0);
  });

  test('comes again for as much again, three times at most', () => {
    for (const expected of [1, 2, 3, 3]) {
      heapBytes += 2e6;
      serve(150);
      serve(150);
      assert.equal(collections, expected);
    }
  });

  test('does not come where nobody can say how large the heap is', (t) => {
    const byNode = new WarmUp(() => (collections += 1));
    t.mock.method(process, 'memoryUsage', () => {
      throw new Error('EMFILE: too many open files, uv_resident_set_memory');
    });
    for (let tick = 0; tick < 100; tick++) byNode.round(true);
    assert.equal(collections, 0);
  });
});
