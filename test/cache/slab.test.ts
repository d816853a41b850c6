/**
 * The slab against a model that remembers who has which units: nothing overlaps, nothing is lost, all of it comes back.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BrokenInvariant } from '../../src/base/invariant.ts';
import { UNIT } from '../../src/cache/memory.ts';
import { Slab } from '../../src/cache/slab.ts';
import { sharedMemory } from './fixtures.ts';

/** A slab, and the owner of each unit as a model; every step checks one against the other. */
class CheckedSlab {
  readonly slab: Slab;
  readonly #memory;
  readonly #ownerOf: Int32Array;
  readonly #sizes = new Map<number, number>();

  constructor(unitCount: number) {
    this.#memory = sharedMemory({ unitCount });
    this.slab = new Slab(this.#memory);
    this.#ownerOf = new Int32Array(unitCount);
    // The first and the last unit are nobody's.
    this.#ownerOf[0] = this.#ownerOf[unitCount - 1] = -1;
  }

  get units(): number[] {
    return [...this.#sizes.keys()];
  }

  allocate(bytes: number): number {
    const size = Math.ceil(bytes / UNIT);
    const unit = this.slab.allocate(bytes);
    // Below 64 units bins are of one size, so room that is there is found.
    if (unit === 0) assert.ok(size >= 64 || this.longestFree() < size);
    else this.#take(unit, size);
    this.check();
    return unit;
  }

  free(unit: number): void {
    const size = this.#sizes.get(unit)!;
    this.#expectPattern(unit, size);
    this.slab.free(unit);
    this.#ownerOf.fill(0, unit, unit + size);
    this.#sizes.delete(unit);
    this.check();
  }

  longestFree(): number {
    const runs = this.#ownerOf.join(',').match(/(?<![-\d])0(,0)*(?!\d)/g) ?? [];
    return Math.max(0, ...runs.map((run) => (run.length + 1) / 2));
  }

  check(): void {
    const used = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
    assert.equal(this.slab.usedBytes, used * UNIT);
  }

  #take(unit: number, size: number): void {
    const owners = this.#ownerOf.subarray(unit, unit + size);
    assert.equal(owners.length, size);
    assert.ok(
      owners.every((owner) => owner === 0),
      'units are given to one only',
    );
    owners.fill(unit);
    this.#sizes.set(unit, size);
    assert.equal(this.slab.bytesOf(unit), size * UNIT);
    // All but word 0 is the owner's to write.
    const at = this.#memory.slabAt + unit * (UNIT / 4);
    this.#memory.words.fill(unit, at + 1, at + size * (UNIT / 4));
  }

  #expectPattern(unit: number, size: number): void {
    const at = this.#memory.slabAt + unit * (UNIT / 4);
    const owned = this.#memory.words.subarray(at + 1, at + size * (UNIT / 4));
    assert.ok(
      owned.every((value) => value === unit),
      'what the owner wrote is untouched',
    );
  }
}

const steps = fc.array(
  fc.oneof(
    fc.record({ allocate: fc.integer({ min: 1, max: 5 * UNIT }) }),
    fc.record({ allocate: fc.integer({ min: 1, max: 90 * UNIT }) }),
    fc.record({ free: fc.nat(1000) }),
  ),
  { maxLength: 120 },
);

test('gives each unit to one only, counts exactly, and joins all that is given back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 300 }), steps, (unitCount, sequence) => {
      const checked = new CheckedSlab(unitCount);
      for (const step of sequence) {
        if ('allocate' in step) checked.allocate(step.allocate);
        else if (checked.units.length > 0) {
          checked.free(checked.units[step.free % checked.units.length]!);
        }
      }
      for (const unit of checked.units) checked.free(unit);
      assert.equal(checked.longestFree(), unitCount - 2);
      // One run again: the whole can be had at once.
      assert.equal(checked.slab.allocate(checked.slab.capacityBytes), 1);
    }),
    { numRuns: 150 },
  );
});

test('is full exactly when all its units are taken', () => {
  const slab = new Slab(sharedMemory({ unitCount: 10 }));
  assert.equal(slab.capacityBytes, 8 * UNIT);
  const units = Array.from({ length: 8 }, () => slab.allocate(1));
  assert.deepEqual(new Set(units).size, 8);
  assert.equal(slab.allocate(1), 0);
  slab.free(units[3]!);
  assert.equal(slab.allocate(UNIT + 1), 0);
  assert.equal(slab.allocate(UNIT), units[3]);
});

test('a run is freed once', () => {
  const slab = new Slab(sharedMemory({ unitCount: 10 }));
  const unit = slab.allocate(1);
  slab.free(unit);
  assert.throws(() => slab.free(unit), BrokenInvariant);
});
