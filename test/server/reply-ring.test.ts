/**
 * The reply ring against a queue: whatever goes in comes out, in order, whole, round the ring's end and past the counters' wrap;
 * a full ring refuses and loses nothing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createReplyRing, REPLIES_MAX_BYTES, ReplyRing } from '../../src/server/reply-ring.ts';

class RingPair {
  readonly buffer = createReplyRing();
  readonly resolver = new ReplyRing(this.buffer);
  readonly responder = new ReplyRing(this.buffer);

  /** `start`: where the counters of octets stand, a multiple of 8. */
  constructor(start = 0) {
    const words = new Int32Array(this.buffer);
    words[0] = words[16] = start;
  }

  /** All records of a turn. */
  take(): [slot: number, generation: number, reply: Buffer][] {
    const taken: [number, number, Buffer][] = [];
    this.responder.beginTurn();
    while (this.responder.next()) {
      const { slot, generation, octets, at, size } = this.responder;
      taken.push([slot, generation, Buffer.from(octets.subarray(at, at + size))]);
      this.responder.release();
    }
    return taken;
  }
}

function replyOf(size: number): Buffer {
  return Buffer.alloc(size, size & 0xff);
}

const sizes = fc.oneof(fc.nat(600), fc.nat(65_535), fc.constantFrom(0, 1, 7, 8, 9, 65_535));
const starts = fc.constantFrom(0, REPLIES_MAX_BYTES - 8, REPLIES_MAX_BYTES - 64, -64, 2 ** 31 - 64);

test('any sequence of replies and turns', () => {
  const operations = fc.array(fc.oneof({ weight: 8, arbitrary: sizes }, fc.constant('take')), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(starts, operations, (start, sequence) => {
      const pair = new RingPair(start);
      let waiting: [number, number, Buffer][] = [];
      for (const [number, operation] of sequence.entries()) {
        if (typeof operation === 'number') {
          const reply = replyOf(operation);
          if (pair.resolver.push(number, ~number, reply)) waiting.push([number, ~number, reply]);
          else assert.ok(sumOf(waiting) + operation + 65_600 > REPLIES_MAX_BYTES, 'there is room');
        } else {
          assert.deepEqual(pair.take(), waiting);
          waiting = [];
        }
      }
      assert.deepEqual(pair.take(), waiting);
    }),
    { numRuns: 50 },
  );
});

function sumOf(records: readonly [number, number, Buffer][]): number {
  return records.reduce((sum, [, , reply]) => sum + 24 + reply.length, 0);
}

test('begins anew whenever it is empty: no more memory is used than replies have waited in', () => {
  const pair = new RingPair();
  for (let round = 0; round < 1000; round++) {
    for (const size of [100, 4000]) pair.resolver.push(1, 1, replyOf(size));
    assert.equal(pair.take().length, 2);
  }
  const records = new Uint8Array(pair.buffer).subarray(-REPLIES_MAX_BYTES);
  assert.ok(records.subarray(0, 100).some((octet) => octet !== 0));
  assert.ok(records.subarray(8192).every((octet) => octet === 0));
});

test('a full ring takes no more, and goes on once it was read', () => {
  const pair = new RingPair();
  let count = 0;
  while (pair.resolver.push(count, 1, replyOf(60_000))) count += 1;
  assert.equal(count, Math.floor(REPLIES_MAX_BYTES / 60_016));
  assert.ok(pair.resolver.isHalfFull);
  assert.equal(pair.take().length, count);
  assert.ok(!pair.resolver.isHalfFull);
  assert.ok(pair.resolver.push(count, 1, replyOf(60_000)));
});

test('what comes during a turn is of the next one, with a wake-up of its own', () => {
  const pair = new RingPair();
  assert.ok(pair.resolver.takeWakeUp());
  pair.resolver.push(1, 1, replyOf(10));
  assert.ok(!pair.resolver.takeWakeUp());
  pair.responder.beginTurn();
  pair.resolver.push(2, 1, replyOf(10));
  assert.ok(pair.resolver.takeWakeUp());
  assert.ok(pair.responder.next());
  pair.responder.release();
  assert.ok(!pair.responder.next());
  assert.deepEqual(
    pair.take().map(([slot]) => slot),
    [2],
  );
});
