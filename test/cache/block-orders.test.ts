/**
 * Who gives an entry up where slots or octets are short.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenInvariant } from '../../src/base/invariant.ts';
import {
  type BlockOrders,
  orderGivingOctets,
  orderGivingSlot,
} from '../../src/cache/block-orders.ts';
import { EvictionOrder } from '../../src/cache/eviction.ts';
import { SlotLinks } from '../../src/cache/slot-links.ts';
import { sharedMemory } from './fixtures.ts';

const SLAB_BYTES = 1000;

/** A block whose orders have entries of these octets. */
function blockOf({ success = [], denial = [] }: { success?: number[]; denial?: number[] }) {
  const memory = sharedMemory();
  const links = new SlotLinks(memory.plan.slotCount);
  let slot = 0;
  const orderOf = (sizes: readonly number[]) => {
    const order = new EvictionOrder(memory, 100, links);
    for (const bytes of sizes) order.add(slot++, bytes, 0);
    return order;
  };
  return {
    success: orderOf(success),
    denial: orderOf(denial),
    successEvictions: 0,
    denialEvictions: 0,
  } satisfies BlockOrders;
}

test('a slot comes from the order with the most entries, whatever their octets', () => {
  const large = blockOf({ success: [500, 500], denial: [10] });
  const long = blockOf({ success: [500], denial: [1, 1, 1] });
  assert.equal(orderGivingSlot([large, long]), long.denial);
  assert.equal(orderGivingSlot([large]), large.success);
});

test('octets come from the largest order of answers while denials of all blocks hold 30 %', () => {
  const first = blockOf({ success: [100], denial: [200] });
  const second = blockOf({ success: [60, 60, 60], denial: [50, 50] });
  assert.equal(orderGivingOctets([first, second], SLAB_BYTES), second.success);
});

test('octets come from the largest order of denials when they hold more', () => {
  const first = blockOf({ success: [100], denial: [150] });
  const second = blockOf({ success: [600], denial: [90, 70] });
  assert.equal(orderGivingOctets([first, second], SLAB_BYTES), second.denial);
});

test('octets come from denials where there is no answer', () => {
  const first = blockOf({ denial: [10] });
  const second = blockOf({ denial: [20] });
  assert.equal(orderGivingOctets([first, second], SLAB_BYTES), second.denial);
});

test('without a block there is nobody to give', () => {
  assert.throws(() => orderGivingSlot([]), BrokenInvariant);
  assert.throws(() => orderGivingOctets([], SLAB_BYTES), BrokenInvariant);
});
