/**
 * Small cache memories, keys made the way a query makes them, and bodies whose octets tell what they belong to.
 */
import type { EntryTimes } from '../../src/cache/entry.ts';
import { CacheKey, finishKey, type HashSeed, keyFlags, setKeyName } from '../../src/cache/key.ts';
import { CacheMemory, type MemoryPlan, memoryBytes } from '../../src/cache/memory.ts';
import type { CachePolicy } from '../../src/cache/policy.ts';
import { QueryFields, readQuery, VERDICT } from '../../src/wire/query.ts';
import type { ResponseBody } from '../../src/wire/response.ts';
import { type QueryFields as Ask, encodeQuery } from '../support/messages.ts';

export function planOf(plan: Partial<MemoryPlan> = {}): MemoryPlan {
  return {
    slotCount: 256,
    bucketCount: 16,
    unitCount: 4096,
    readerCount: 2,
    counterBytes: 0,
    ...plan,
  };
}

/** Memory as it is where libc cannot be called; the collector takes it back. */
export function sharedMemory(plan: Partial<MemoryPlan> = {}): CacheMemory {
  const whole = planOf(plan);
  const buffer = new SharedArrayBuffer(memoryBytes(whole));
  return CacheMemory.attach({ kind: 'shared', buffer, plan: whole });
}

export interface KeyFields extends Ask {
  readonly block?: number;
  readonly seed?: HashSeed;
  /** Instead of the one that the words give. */
  readonly hash?: number;
}

/** The key of a query. */
export function keyOf({
  block = 1,
  seed = { low: 0, high: 0 },
  hash,
  ...ask
}: KeyFields): CacheKey {
  const message = encodeQuery(ask);
  // Whole words, as in a receive buffer.
  const octets = new Uint8Array((message.length + 3) & ~3);
  octets.set(message);
  const query = new QueryFields();
  if (readQuery(octets, 0, message.length, query) !== VERDICT.ACCEPT) {
    throw new TypeError('not a query');
  }
  const key = new CacheKey();
  setKeyName(key, new Int32Array(octets.buffer), 0, query.qnameSize);
  finishKey(key, query, block, keyFlags(query), seed);
  if (hash !== undefined) key.hash = hash;
  return key;
}

/** A body of `size` octets that all depend on `mark`; a TTL offset for each 16 of them. */
export function bodyOf(mark: number, size = 16): ResponseBody {
  const octets = Uint8Array.from({ length: size }, (_, at) => Math.imul(mark, 31) + at);
  const ttlCount = size >> 4;
  return {
    octets,
    ttlOffsets: Uint16Array.from({ length: ttlCount }, (_, index) => 16 * index + 6),
    flags: 0x80,
    rcode: mark & 15,
    answerCount: ttlCount,
    authorityCount: mark & 7,
    additionalCount: (mark >> 3) & 7,
  };
}

export function timesOf(times: Partial<EntryTimes> = {}): EntryTimes {
  const { expiresAtMs = 1e12 } = times;
  return {
    expiresAtMs,
    staleUntilMs: expiresAtMs,
    prefetchAtMs: Infinity,
    prefetchHits: 0,
    prefetchPauseMs: 0,
    ttlS: 30,
    staleTtlS: 0,
    ...times,
  };
}

export interface PolicyFields extends Partial<Omit<CachePolicy, 'success' | 'denial'>> {
  readonly success?: Partial<CachePolicy['success']>;
  readonly denial?: Partial<CachePolicy['denial']>;
}

/** CoreDNS's defaults, with what a test changes. */
export function policyOf({ success, denial, ...rest }: PolicyFields = {}): CachePolicy {
  return {
    zones: [],
    prefetch: undefined,
    stale: undefined,
    servfailMs: 5000,
    keepTtl: false,
    ...rest,
    success: { capacity: 9984, ttlMaxS: 3600, ttlMinS: 5, disabledZones: [], ...success },
    denial: { capacity: 9984, ttlMaxS: 1800, ttlMinS: 5, disabledZones: [], ...denial },
  };
}
