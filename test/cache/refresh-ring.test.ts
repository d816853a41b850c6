/**
 * The rings of refresh requests: in order, bounded, round their end and past the counters' wrap, each reader apart.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REFRESH_RING_SIZE } from '../../src/cache/memory.ts';
import { drainRefreshRings, RefreshRing } from '../../src/cache/refresh-ring.ts';
import { sharedMemory } from './fixtures.ts';

function drain(memory: ReturnType<typeof sharedMemory>): number[] {
  const slots: number[] = [];
  drainRefreshRings(memory, (slot) => slots.push(slot));
  return slots;
}

test('a full ring refuses and loses nothing', () => {
  const memory = sharedMemory();
  const ring = new RefreshRing(memory, 1);
  for (let slot = 0; slot < REFRESH_RING_SIZE; slot++) assert.ok(ring.push(slot));
  assert.equal(ring.push(-1), false);
  assert.deepEqual(
    drain(memory),
    Array.from({ length: REFRESH_RING_SIZE }, (_, slot) => slot),
  );
  assert.ok(ring.push(7));
  assert.deepEqual(drain(memory), [7]);
  assert.deepEqual(drain(memory), []);
});

test('equals a queue for any sequence, wherever its counters stand', () => {
  const steps = fc.array(fc.oneof(fc.nat(700), fc.constant('drain' as const)), { maxLength: 20 });
  fc.assert(
    fc.property(steps, fc.constantFrom(0, 2 ** 31 - 300, 2 ** 32 - 300), (sequence, start) => {
      const memory = sharedMemory({ readerCount: 2 });
      // The counters of reader 0: written, and taken on the next line.
      memory.words[memory.ringsAt] = memory.words[memory.ringsAt + 16] = start;
      const rings = [new RefreshRing(memory, 0), new RefreshRing(memory, 1)];
      const queues: number[][] = [[], []];
      let next = 0;
      for (const step of sequence) {
        if (step === 'drain') {
          assert.deepEqual(drain(memory), queues.flat());
          queues.forEach((queue) => {
            queue.length = 0;
          });
          continue;
        }
        const reader = step & 1;
        for (let count = 0; count < step; count++) {
          const isRoom = queues[reader]!.length < REFRESH_RING_SIZE;
          assert.equal(rings[reader]!.push(next), isRoom);
          if (isRoom) queues[reader]!.push(next);
          next += 1;
        }
      }
      assert.deepEqual(drain(memory), queues.flat());
    }),
    { numRuns: 100 },
  );
});
