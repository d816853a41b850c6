/** Lists of slots over shared links: any sequence of additions and deletions against plain arrays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BrokenInvariant } from '../../src/base/invariant.ts';
import { SlotLinks, SlotList } from '../../src/cache/slot-links.ts';

const SLOTS = 8;

test('lists that share links are like arrays of their own', () => {
  const step = fc.record({
    isAddition: fc.boolean(),
    list: fc.integer({ min: 0, max: 2 }),
    slot: fc.integer({ min: 0, max: SLOTS - 1 }),
    bytes: fc.integer({ min: 64, max: 65_536 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const links = new SlotLinks(SLOTS);
      const lists = [0, 1, 2].map(() => new SlotList(links));
      const models: { slot: number; bytes: number }[][] = [[], [], []];
      for (const { isAddition, list, slot, bytes } of steps) {
        const model = models[list]!;
        if (isAddition && !models.flat().some((entry) => entry.slot === slot)) {
          lists[list]!.add(slot, bytes);
          model.push({ slot, bytes });
        } else if (!isAddition) {
          const at = model.findIndex((entry) => entry.slot === slot);
          const gone = at === -1 ? undefined : model.splice(at, 1)[0];
          assert.equal(lists[list]!.delete(slot), gone?.bytes ?? 0);
        }
        for (const [index, own] of lists.entries()) {
          const slots = models[index]!.map((entry) => entry.slot);
          assert.deepEqual([...own.slots()], slots);
          assert.deepEqual([own.oldest, own.newest], [slots[0], slots.at(-1)]);
          const sum = models[index]!.reduce((all, entry) => all + entry.bytes, 0);
          assert.deepEqual([own.count, own.bytes], [slots.length, sum]);
        }
      }
    }),
  );
});

test('a slot is in one list', () => {
  const links = new SlotLinks(SLOTS);
  const [one, other] = [new SlotList(links), new SlotList(links)];
  one.add(3, 64);
  assert.throws(() => other.add(3, 64), BrokenInvariant);
  assert.equal(other.delete(3), 0);
  assert.equal(one.delete(3), 64);
});
