/**
 * A client's query after it was read and before anything is looked up: its fields, who serves it, and its key. One object is
 * used again for every query in the same place of a batch.
 */
import { CacheKey, finishKey, type HashSeed, keyFlags, setKeyName } from '../cache/key.ts';
import type { Octets } from '../wire/octets.ts';
import { QueryFields, readQuery, VERDICT, type Verdict } from '../wire/query.ts';
import { FLAG } from '../wire/registry.ts';
import { chooseZone, type ListenerPlan, takesClass, type ZonePlan } from './plan.ts';

const NO_PLAN: ListenerPlan = { zones: [], droppedRow: 0 };

export class AskedQuery {
  readonly fields = new QueryFields();
  readonly key = new CacheKey();
  plan = NO_PLAN;
  verdict: Verdict = VERDICT.IGNORE;
  /** Of one that is well formed (`verdict`). Undefined: refused. */
  zone: ZonePlan | undefined = undefined;
  /** Its answer may be in the cache, and leave from there; then its key is whole. */
  isForCache = false;
  /** Where its message stands. */
  at = 0;
  size = 0;

  /** `words` is the same memory as `octets`; `answersIndirect`: as in `AnswererOptions`. */
  read(
    octets: Octets,
    words: Int32Array,
    at: number,
    size: number,
    plan: ListenerPlan,
    seed: HashSeed,
    answersIndirect: boolean,
  ): void {
    const { fields, key } = this;
    this.plan = plan;
    this.at = at;
    this.size = size;
    this.isForCache = false;
    this.verdict = readQuery(octets, at, size, fields);
    if (this.verdict !== VERDICT.ACCEPT) return;
    setKeyName(key, words, at >> 2, fields.qnameSize);
    const zone = chooseZone(plan, fields, key);
    this.zone = zone !== undefined && takesClass(zone, fields.qclass) ? zone : undefined;
    if (this.zone === undefined || (fields.flags & FLAG.OPCODE) !== 0) return;
    if (!this.zone.isDirect && (!answersIndirect || this.zone.hasFront)) return;
    this.isForCache = true;
    finishKey(key, fields, this.zone.block, keyFlags(fields), seed);
  }

  /** The key of a query that `zone` takes, whole also where the query is not for the cache. */
  wholeKey(zone: ZonePlan, seed: HashSeed): CacheKey {
    const { fields, key } = this;
    if (!this.isForCache) finishKey(key, fields, zone.block, keyFlags(fields), seed);
    return key;
  }

  /** A query of our own, in a zone that is chosen; it is well formed. */
  readOwn(
    octets: Octets,
    words: Int32Array,
    at: number,
    size: number,
    zone: ZonePlan,
    seed: HashSeed,
  ): void {
    const { fields, key } = this;
    this.at = at;
    this.size = size;
    this.zone = zone;
    this.verdict = readQuery(octets, at, size, fields);
    setKeyName(key, words, at >> 2, fields.qnameSize);
    finishKey(key, fields, zone.block, keyFlags(fields), seed);
  }
}
