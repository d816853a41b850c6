/**
 * The miss ring against queues that take turns: whatever goes in comes out, whole, each source's in order, round the ring's end and
 * past the counters' wrap; a full ring refuses and loses nothing.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import {
  createMissRing,
  CONTROL_AT as HEADER_SIZE,
  MISSES_MAX_BYTES,
  MissRing,
  TAKEN,
  WRITTEN,
} from '../../src/server/miss-ring.ts';
import { MissTaker } from '../../src/server/miss-taker.ts';

/** A record's octets. */
const LARGE = 4096;
/** Records that go from one thread to another: the ring is gone round twenty times. */
const THREADED = 100_000;

interface Miss {
  readonly query: Uint8Array;
  readonly peer: Uint8Array;
  readonly control: Uint8Array;
  readonly socket: number;
  readonly receivedAtMs: number;
}

/** Deterministic octets, so that large sequences stay cheap. */
function octets(size: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => Math.imul(seed, 97) + at * 3);
}

function missOf(number: number, querySize: number, hasControl = false, source = 1): Miss {
  return {
    query: octets(querySize, number),
    // One source: alone it may fill the ring.
    peer: octets(16, source),
    control: octets(hasControl ? 96 : 0, number + 2),
    socket: number,
    receivedAtMs: number + 0.25,
  };
}

/** Of its record, without a control block. */
function sizeOf({ query }: Miss): number {
  return (HEADER_SIZE + query.length + 7) & ~7;
}

class RingPair {
  readonly buffer = createMissRing();
  readonly responder = new MissRing(this.buffer);
  readonly resolver: MissTaker;

  /** `start`: where the counters of octets stand, a multiple of 8. */
  constructor(start = 0) {
    const words = new Int32Array(this.buffer);
    words[WRITTEN] = words[TAKEN] = start;
    this.resolver = new MissTaker(this.buffer);
  }

  /** A ring whose next record would stand there, a multiple of 8, since this one before it waits: an empty one is begun anew. */
  static at(offset: number, start = 0): { pair: RingPair; waiting: Miss[] } {
    const pair = new RingPair(start);
    const waiting: Miss[] = [];
    for (let left = offset; left > 0; ) {
      const size = left < 2 * LARGE ? left : LARGE;
      const miss = missOf(left, size - HEADER_SIZE);
      assert.ok(pair.push(miss));
      waiting.push(miss);
      left -= size;
    }
    while (waiting.length > 1) pair.expect(waiting.shift());
    return { pair, waiting };
  }

  push({ query, peer, control, socket, receivedAtMs }: Miss): boolean {
    // All three somewhere in one array, as in a batch.
    const all = Buffer.concat([new Uint8Array(5), query, peer, control]);
    const peerAt = 5 + query.length;
    const controlAt = peerAt + peer.length;
    return this.responder.push(
      all,
      5,
      query.length,
      peerAt,
      peer.length,
      controlAt,
      control.length,
      socket,
      receivedAtMs,
    );
  }

  /** Octets that the responder cannot use. */
  get held(): number {
    const words = new Int32Array(this.buffer);
    return (words[WRITTEN]! - words[TAKEN]!) | 0;
  }

  /** The next record must be this one. */
  expect(miss: Miss | undefined): void {
    const record = this.resolver.take();
    assert.deepEqual(record && { ...record, query: Uint8Array.from(record.query) }, miss);
  }
}

test('a record comes out as it went in', () => {
  const pair = new RingPair();
  const misses = [missOf(1, 12), missOf(2, 512, true), missOf(3, 4096, true), missOf(4, 0)];
  for (const miss of misses) assert.ok(pair.push(miss));
  for (const miss of misses) pair.expect(miss);
  pair.expect(undefined);
});

const offsets = fc.constantFrom(
  0,
  64,
  MISSES_MAX_BYTES - LARGE,
  MISSES_MAX_BYTES - 64,
  MISSES_MAX_BYTES - 8,
);
const starts = fc.constantFrom(
  0,
  2 ** 31 - 1024,
  2 ** 32 - 1024,
  2 ** 31 - MISSES_MAX_BYTES,
  -MISSES_MAX_BYTES,
);
const sizes = fc.oneof(fc.nat(60), fc.nat(4096), fc.constantFrom(4088, 4089, 4095, 4096));
const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ push: fc.array(sizes, { maxLength: 300 }) }) },
    { weight: 2, arbitrary: fc.record({ take: fc.nat(80) }) },
  ),
  { maxLength: 30 },
);

test('equals a queue for any sequence, wherever the ring stands', () => {
  fc.assert(
    fc.property(offsets, starts, steps, (offset, start, sequence) => {
      const { pair, waiting: queue } = RingPair.at(offset, start);
      let number = 0;
      for (const step of sequence) {
        if ('push' in step) {
          for (const size of step.push) {
            const miss = missOf(number++, size, size % 3 === 0);
            if (pair.push(miss)) queue.push(miss);
            else assert.ok(queue.length > 200, 'refused with room');
          }
        } else {
          for (let count = 0; count < step.take; count++) pair.expect(queue.shift());
        }
      }
      for (const miss of queue) pair.expect(miss);
      pair.expect(undefined);
    }),
    { numRuns: 40 },
  );
});

test('a full ring refuses, loses nothing, and takes again what has room', () => {
  for (const offset of [0, 4096, MISSES_MAX_BYTES - 56]) {
    const { pair, waiting: queue } = RingPair.at(offset);
    for (let number = 0; ; number++) {
      const miss = missOf(number, 3000);
      if (!pair.push(miss)) break;
      queue.push(miss);
    }
    // Less than two records' room is left: one that does not fit, and the rest at the ring's end.
    const held = queue.reduce((sum, miss) => sum + sizeOf(miss), 0);
    assert.ok(held > MISSES_MAX_BYTES - 2 * sizeOf(missOf(0, 3000)), `${held} octets`);
    pair.expect(queue.shift());
    pair.expect(queue.shift());
    const late = missOf(9999, 3000);
    assert.ok(pair.push(late));
    queue.push(late);
    for (const miss of queue) pair.expect(miss);
    pair.expect(undefined);
  }
});

test('what is left at the ring’s end counts as used', () => {
  const pair = new RingPair();
  const queue: Miss[] = [];
  for (let number = 0; pair.push(missOf(number, 3000)); number++) queue.push(missOf(number, 3000));
  // One record's room, and 2,112 octets at the end that no record of this size fits into.
  pair.expect(queue.shift());
  assert.equal(pair.push(missOf(1, 3008)), false);
  pair.expect(queue.shift());
  assert.ok(pair.push(missOf(1, 3008)));
  for (const miss of [...queue, missOf(1, 3008)]) pair.expect(miss);
  pair.expect(undefined);
});

test('begins anew whenever it is empty: no more memory is used than misses have waited in', () => {
  const pair = new RingPair();
  const misses = [missOf(1, 100), missOf(2, 40, true), missOf(3, 300)];
  for (let round = 0; round < 10_000; round++) {
    for (const miss of misses) assert.ok(pair.push(miss));
    for (const miss of misses) pair.expect(miss);
  }
  const records = new Uint8Array(pair.buffer).subarray(-MISSES_MAX_BYTES);
  assert.ok(records.subarray(0, 100).some((octet) => octet !== 0));
  assert.ok(records.subarray(1024).every((octet) => octet === 0));
});

test('between two threads: what is read is whole and each source’s in order, however often the ring is empty or full', async (t) => {
  const buffer = createMissRing();
  const writer = new Worker(new URL('./miss-ring-writer.ts', import.meta.url), {
    workerData: { buffer, count: THREADED },
  });
  t.after(() => writer.terminate());
  const ring = new MissTaker(buffer);
  // Three sources in turns: each one's next number.
  const expected = [0, 1, 2];
  for (let taken = 0; taken < THREADED; ) {
    const record = ring.take();
    if (record === undefined) {
      await nextTurn();
      continue;
    }
    const { socket: number, query } = record;
    assert.deepEqual([number, query.length], [expected[number % 3], 8 + (number % 700)]);
    assert.equal(Buffer.from(query).readInt32LE(0), number);
    assert.ok(
      query.subarray(4).every((octet) => octet === (number & 0xff)),
      `record ${number}`,
    );
    expected[number % 3]! += 3;
    taken += 1;
  }
  await once(writer, 'exit');
  assert.equal(ring.take(), undefined);
});

test('wakes the resolver once, until it has heard', () => {
  const { responder, resolver } = new RingPair();
  assert.deepEqual([responder.takeWakeUp(), responder.takeWakeUp()], [true, false]);
  resolver.clearWakeUp();
  assert.deepEqual([responder.takeWakeUp(), responder.takeWakeUp()], [true, false]);
});

test('above half, a source that holds its part is refused, the others are not', () => {
  const pair = new RingPair();
  const flood: Miss[] = [];
  const [greedy, modest] = [1, 2];
  assert.ok(pair.push(missOf(0, 40, false, modest)));
  for (let number = 1; ; number++) {
    const miss = missOf(number, 40, false, greedy);
    if (!pair.push(miss)) break;
    flood.push(miss);
  }
  const size = sizeOf(flood[0]!);
  assert.ok(flood.length * size >= MISSES_MAX_BYTES / 2 - 2 * size);
  assert.ok(flood.length * size <= MISSES_MAX_BYTES / 2 + 2 * size);
  for (let count = 0; count < 1000; count++) {
    assert.ok(pair.push(missOf(count, 40, false, modest)), 'the other one has room');
  }
  assert.equal(pair.push(missOf(0, 40, false, greedy)), false);
  // What was taken is no longer held, nor is what was taken behind it.
  const others = [0, ...Array.from({ length: 1000 }, (_, count) => count)];
  for (const [turn, miss] of flood.slice(0, 600).entries()) {
    pair.expect(missOf(others[turn]!, 40, false, modest));
    pair.expect(miss);
  }
  assert.ok(pair.push(missOf(7, 40, false, greedy)));
});

test('a source waits for one query of each other, whatever they have put in front', () => {
  const pair = new RingPair();
  const [flood, other, late] = [1, 2, 3];
  for (let number = 0; number < 1000; number++)
    assert.ok(pair.push(missOf(number, 40, false, flood)));
  for (const source of [other, other, late]) assert.ok(pair.push(missOf(9, 40, true, source)));
  pair.expect(missOf(0, 40, false, flood));
  pair.expect(missOf(9, 40, true, other));
  pair.expect(missOf(9, 40, true, late));
  pair.expect(missOf(1, 40, false, flood));
  pair.expect(missOf(9, 40, true, other));
  for (let number = 2; number < 1000; number++) pair.expect(missOf(number, 40, false, flood));
  pair.expect(undefined);
});

/** Each source's misses, and the sources that wait, in the order in which they have their turns. */
class Queues {
  readonly #waiting = new Map<number, Miss[]>();
  length = 0;

  push(source: number, miss: Miss): void {
    const waiting = this.#waiting.get(source);
    if (waiting === undefined) this.#waiting.set(source, [miss]);
    else waiting.push(miss);
    this.length += 1;
  }

  shift(): Miss | undefined {
    const [turn] = this.#waiting;
    if (turn === undefined) return undefined;
    const [source, waiting] = turn;
    const miss = waiting.shift();
    this.#waiting.delete(source);
    if (waiting.length > 0) this.#waiting.set(source, waiting);
    this.length -= 1;
    return miss;
  }
}

const sourced = fc.array(
  fc.oneof(
    fc.record({ source: fc.nat(4), push: fc.array(sizes, { maxLength: 300 }) }),
    fc.record({ take: fc.nat(80) }),
  ),
  { maxLength: 40 },
);

test('equals queues that take turns, for any sequence of any sources, wherever the ring stands', () => {
  fc.assert(
    fc.property(offsets, starts, sourced, (offset, start, sequence) => {
      const { pair, waiting } = RingPair.at(offset, start);
      const queues = new Queues();
      for (const miss of waiting) queues.push(1, miss);
      let number = 0;
      for (const step of sequence) {
        if ('push' in step) {
          for (const size of step.push) {
            const miss = missOf(number++, size, size % 3 === 0, step.source);
            if (pair.push(miss)) queues.push(step.source, miss);
            else assert.ok(queues.length > 200, 'refused with room');
          }
        } else {
          for (let count = 0; count < step.take; count++) pair.expect(queues.shift());
        }
      }
      while (queues.length > 0) pair.expect(queues.shift());
      pair.expect(undefined);
      assert.equal(pair.held, 0);
    }),
    { numRuns: 40 },
  );
});
