/**
 * What a responder must know of the configuration, as plain data (it crosses to threads): which zones are served at each
 * listener, and which server block and counter row belong to them. And the choice among them.
 *
 * Choice, as CoreDNS makes it: the longest zone that the name is in. A DS question about a zone's own name is its parent's
 * business (RFC 4035 §3.1.4.1), so the zone must be shorter then, if there is one.
 */
import type { CacheKey } from '../cache/key.ts';
import { u8 } from '../wire/octets.ts';
import type { QueryFields } from '../wire/query.ts';
import { QCLASS, QTYPE } from '../wire/registry.ts';

export interface ZonePlan {
  /** Lower-case, uncompressed. */
  readonly zone: Uint8Array;
  readonly labelCount: number;
  /** The server block's number in cache keys. */
  readonly block: number;
  /** Row of the shared counters; each protocol has its own. */
  readonly row: number;
  /** Whether a cached answer may leave without passing the resolver. */
  readonly isDirect: boolean;
  /** Whether stages before the cache may change what it holds: never direct, and no reply without them. */
  readonly hasFront: boolean;
  /** The largest reply over UDP, whatever the client says it takes. */
  readonly udpSizeMax: number;
  /** Whether classes other than IN are let through (the block forwards). */
  readonly takesAnyClass: boolean;
}

export interface ListenerPlan {
  /** More labels first, so that the first match is the longest. */
  readonly zones: readonly ZonePlan[];
  /** Row for what no zone takes. */
  readonly droppedRow: number;
}

export interface ResponderPlan {
  /** By listener number. */
  readonly listeners: Readonly<Record<number, ListenerPlan>>;
}

/** The zone that serves the query, whose lower-case name is in `key`; undefined: REFUSED. Allocates nothing. */
export function chooseZone(
  listener: ListenerPlan,
  query: QueryFields,
  key: CacheKey,
): ZonePlan | undefined {
  const { zones } = listener;
  let own: ZonePlan | undefined;
  for (let index = 0; index < zones.length; index++) {
    const zone = zones[index]!;
    if (!isInZone(zone, query, key)) continue;
    if (query.qtype !== QTYPE.DS || zone.labelCount < query.labelCount) return zone;
    own = zone;
  }
  return own;
}

function isInZone(zone: ZonePlan, query: QueryFields, key: CacheKey): boolean {
  const skipped = query.labelCount - zone.labelCount;
  if (skipped < 0) return false;
  const from = query.labelAt[skipped]!;
  const size = query.qnameSize - from;
  if (zone.zone.length !== size) return false;
  for (let at = 0; at < size; at++) {
    if (u8(key.octets, from + at) !== u8(zone.zone, at)) return false;
  }
  return true;
}

/** Whether the zone's block answers this class at all; else REFUSED, as in CoreDNS. */
export function takesClass(zone: ZonePlan, qclass: number): boolean {
  return qclass === QCLASS.IN || zone.takesAnyClass;
}

/** The number of a listener that serves the block; -1: none does. */
export function listenerOf({ listeners }: ResponderPlan, block: number): number {
  for (const [id, { zones }] of Object.entries(listeners)) {
    if (zones.some((zone) => zone.block === block)) return Number(id);
  }
  return -1;
}
