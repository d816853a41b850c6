/**
 * The orders of eviction of all server blocks, and which of them gives an entry up where what they share is short: slots,
 * or the slab's octets. A block's own capacities are the business of its orders alone.
 */
import { assert } from '../base/invariant.ts';
import type { EvictionOrder } from './eviction.ts';

/**
 * Random names are mostly denied, and cost nothing to make up; a denial carries an SOA and often proofs, and saves one query
 * for a name that has no answer. So where octets are short denials keep less than a third, and answers the rest.
 */
const DENIAL_SHARE_MAX = 0.3;

/** The orders and counters of one server block. */
export interface BlockOrders {
  readonly success: EvictionOrder;
  readonly denial: EvictionOrder;
  successEvictions: number;
  denialEvictions: number;
}

/** Who gives up a slot: the order with the most entries. At least one block is open. */
export function orderGivingSlot(blocks: Iterable<BlockOrders>): EvictionOrder {
  const orders = [...blocks].flatMap(({ success, denial }) => [success, denial]);
  return largest(orders, ({ count }) => count);
}

/** Who gives up octets: the largest order of the class whose turn it is. At least one block is open. */
export function orderGivingOctets(blocks: Iterable<BlockOrders>, slabBytes: number): EvictionOrder {
  const all = [...blocks];
  const success = largest(
    all.map(({ success }) => success),
    bytesOf,
  );
  const denials = all.map(({ denial }) => denial);
  const denialBytes = denials.reduce((sum, { bytes }) => sum + bytes, 0);
  const isDenialsTurn = denialBytes > DENIAL_SHARE_MAX * slabBytes || success.count === 0;
  return isDenialsTurn ? largest(denials, bytesOf) : success;
}

const bytesOf = ({ bytes }: EvictionOrder) => bytes;

function largest(
  orders: readonly EvictionOrder[],
  sizeOf: (order: EvictionOrder) => number,
): EvictionOrder {
  assert(orders.length > 0, 'a block is open');
  return orders.reduce((first, second) => (sizeOf(second) > sizeOf(first) ? second : first));
}
