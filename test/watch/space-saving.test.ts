/** The sketch against the truth: what it promises holds for any sequence of weights and decays, in bounded memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpaceSaving } from '../../src/watch/space-saving.ts';

/** Rounding of sums of some hundred terms. */
const TINY = 1e-9;

type Step = { readonly key: string; readonly weight: number } | { readonly share: number };

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      // Few keys are frequent, many are rare.
      key: fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.nat(60).map(String)),
      weight: fc.integer({ min: 1, max: 50 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ share: fc.double({ min: 0.1, max: 1, noNaN: true }) }) },
);

function play(capacity: number, steps: readonly Step[]) {
  const sketch = new SpaceSaving(capacity);
  const truth = new Map<string, number>();
  for (const step of steps) {
    if ('share' in step) {
      sketch.decay(step.share);
      for (const [key, weight] of truth) truth.set(key, weight * step.share);
    } else {
      sketch.add(step.key, step.weight);
      truth.set(step.key, (truth.get(step.key) ?? 0) + step.weight);
    }
  }
  return { sketch, truth };
}

const CASE = [fc.integer({ min: 1, max: 12 }), fc.array(STEP, { maxLength: 400 })] as const;

test('a counter is off by its excess at most, and never too low', () => {
  fc.assert(
    fc.property(...CASE, (capacity, steps) => {
      const { sketch, truth } = play(capacity, steps);
      for (const { key, weight, excess } of sketch.heaviest(capacity)) {
        const own = truth.get(key)!;
        assert(weight >= own - TINY, `${key}: ${weight} of ${own}`);
        assert(weight - excess <= own + TINY, `${key}: ${weight} - ${excess} of ${own}`);
      }
    }),
  );
});

test('whoever has more than its part of the total is there', () => {
  fc.assert(
    fc.property(...CASE, (capacity, steps) => {
      const { sketch, truth } = play(capacity, steps);
      const kept = new Set(sketch.heaviest(capacity).map(({ key }) => key));
      const total = truth.values().reduce((sum, weight) => sum + weight, 0);
      assert(Math.abs(sketch.total - total) <= TINY * Math.max(1, total));
      for (const [key, weight] of truth) {
        if (weight > total / capacity + TINY)
          assert(kept.has(key), `${key}: ${weight} of ${total}`);
      }
    }),
  );
});

test('with room for all keys it is exact', () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 200 }), (steps) => {
      const { sketch, truth } = play(100, steps);
      const heaviest = sketch.heaviest(100);
      assert.equal(heaviest.length, truth.size);
      for (const { key, weight, excess } of heaviest) {
        assert.equal(excess, 0);
        assert(Math.abs(weight - truth.get(key)!) <= TINY);
      }
      const weights = heaviest.map(({ weight }) => weight);
      assert.deepEqual(
        weights,
        weights.toSorted((left, right) => right - left),
      );
    }),
  );
});

test('a flood of keys seen once hides nobody who asks more than all of them in turn', () => {
  const sketch = new SpaceSaving(64);
  for (let number = 0; number < 20_000; number++) {
    sketch.add(`flood-${number}`, 1);
    if (number % 20 === 0) sketch.add('hot', 1);
  }
  assert.equal(sketch.heaviest(1)[0]!.key, 'hot');
  assert.equal(sketch.heaviest(1000).length, 64);
});

test('cleared, it has forgotten everything', () => {
  const sketch = new SpaceSaving(2);
  for (const key of ['a', 'b', 'c']) sketch.add(key, 3);
  sketch.clear();
  assert.deepEqual([sketch.total, sketch.heaviest(9)], [0, []]);
  sketch.add('d', 1);
  assert.deepEqual(sketch.heaviest(9), [{ key: 'd', weight: 1, excess: 0 }]);
});
