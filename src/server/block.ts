/**
 * A server block at work: what the resolver needs to answer its questions. Made by control from the block's settings; a block
 * that a reload leaves unchanged hands its number, hence its cache entries, and its connections to the new one.
 */
import type { CachePolicy } from '../cache/policy.ts';
import type { LoopDetector } from '../directives/loop-detector.ts';
import {
  chainOf,
  type Next,
  type Observer,
  type Resolution,
  type Stage,
} from '../directives/resolution.ts';
import { isBelow, nameFromText } from '../wire/name.ts';
import type { Octets } from '../wire/octets.ts';
import { RCODE } from '../wire/registry.ts';

export interface BlockParts {
  /** In cache keys; not given to another block while entries of this one may be there. */
  readonly number: number;
  readonly cache: CachePolicy | undefined;
  /** Before the cache, in the chain's order. */
  readonly front: readonly Stage[];
  /** Behind the cache, in the chain's order. */
  readonly stages: readonly Stage[];
  readonly observers: readonly Observer[];
  readonly loop: LoopDetector | undefined;
  /** Whether no directive of the block handles queries: all are refused, as in CoreDNS. */
  readonly isEmpty: boolean;
}

/** As CoreDNS says it where no plugin takes a query. */
const NOBODY: Resolution = { ok: false, rcode: RCODE.SERVFAIL, reason: 'no next plugin found' };
const NOTHING: Resolution = { ...NOBODY, rcode: RCODE.REFUSED };

export class Block {
  readonly parts: BlockParts;
  /** Asks the stages behind the cache. */
  readonly ask: Next;
  /** Whether an answer may be the asker's own, so that identical questions do not wait for it together. */
  readonly isPersonal: boolean;
  readonly #cacheZones: readonly Octets[];
  readonly #successDisabled: readonly Octets[];
  readonly #denialDisabled: readonly Octets[];

  constructor(parts: BlockParts) {
    this.parts = parts;
    this.ask = chainOf(parts.stages, () => Promise.resolve(parts.isEmpty ? NOTHING : NOBODY));
    this.isPersonal = parts.stages.some((stage) => stage.isPersonal === true);
    this.#cacheZones = namesOf(parts.cache?.zones ?? []);
    this.#successDisabled = namesOf(parts.cache?.success.disabledZones ?? []);
    this.#denialDisabled = namesOf(parts.cache?.denial.disabledZones ?? []);
  }

  /** The policy for a name, undefined where it is not cached: no `cache`, or one for other zones. */
  cacheFor(qname: Octets): CachePolicy | undefined {
    return this.#cacheZones.some((zone) => isBelow(qname, zone)) ? this.parts.cache : undefined;
  }

  /** Whether `cache`'s `disable` leaves out this class of answer for the name. */
  isDisabled(qname: Octets, isDenial: boolean): boolean {
    const zones = isDenial ? this.#denialDisabled : this.#successDisabled;
    return zones.some((zone) => isBelow(qname, zone));
  }
}

function namesOf(names: readonly string[]): Octets[] {
  return names.map((name) => nameFromText(name)!);
}
