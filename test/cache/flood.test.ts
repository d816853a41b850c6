/**
 * A flood of random names, as water torture and a scan send it: it may neither push out what is in use, nor make denials of
 * the whole memory.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENTRY_FLAG } from '../../src/cache/entry.ts';
import { markHit, marksOf } from '../../src/cache/marks.ts';
import type { MemoryPlan } from '../../src/cache/memory.ts';
import { CacheStore } from '../../src/cache/store.ts';
import type { ResponseBody } from '../../src/wire/response.ts';
import { bodyOf, keyOf, policyOf, sharedMemory, timesOf } from './fixtures.ts';

/** Ten queries a millisecond. */
const QUERY_EVERY_MS = 0.1;
const ANSWER = 0;
const DENIAL = ENTRY_FLAG.DENIAL;
const KINDS = [ANSWER, DENIAL];
const HOT_BODY = bodyOf(0, 100);

interface Setting {
  readonly plan: Partial<MemoryPlan>;
  /** Of each class. */
  readonly capacity: number;
  /** Octets of a random name's body. */
  readonly floodBodySize?: number;
}

/** A cache that is asked: a hit is marked, a miss admitted. */
class AskedCache {
  readonly store: CacheStore;
  readonly #floodBody: ResponseBody;
  #nowMs = 1000;
  #randomNames = 0;

  constructor({ plan, capacity, floodBodySize = 100 }: Setting) {
    this.store = new CacheStore(sharedMemory({ bucketCount: 2 ** 14, ...plan }));
    this.store.openBlock(1, policyOf({ success: { capacity }, denial: { capacity } }));
    this.#floodBody = bodyOf(0, floodBodySize);
  }

  /** Whether it was a hit. */
  ask(name: string, kind: number, body = HOT_BODY): boolean {
    this.#nowMs += QUERY_EVERY_MS;
    const { memory } = this.store;
    const key = keyOf({ name, seed: { low: 7, high: 9 } });
    const at = this.store.find(key);
    if (at !== 0) markHit(memory.words, marksOf(memory, 1), at, this.#nowMs);
    else assert.ok(this.store.admit(key, body, kind, timesOf(), this.#nowMs));
    return at !== 0;
  }

  /** Names that nobody has asked for, each kind in turn. */
  flood(count: number, kinds = KINDS): void {
    for (let index = 0; index < count; index++) {
      const name = `random-${this.#randomNames++}.example.org`;
      this.ask(name, kinds[index % kinds.length]!, this.#floodBody);
    }
  }

  /** Asks for each name of a set of 200, half of them denied; the number of hits. */
  askHotSet(): number {
    let hits = 0;
    for (let index = 0; index < 200; index++) {
      hits += Number(this.ask(`hot-${index}.example.org`, KINDS[index & 1]!));
    }
    return hits;
  }
}

const ROOMY = { slotCount: 24_000, unitCount: 2 ** 18 };
const SETTINGS: Readonly<Record<string, Setting>> = {
  'the smallest capacities': { plan: ROOMY, capacity: 1024 },
  'the usual capacities': { plan: ROOMY, capacity: 9984 },
  'few octets': { plan: { ...ROOMY, unitCount: 8192 }, capacity: 9984 },
  'few octets, and answers of 4,000': {
    plan: { ...ROOMY, unitCount: 8192 },
    capacity: 9984,
    floodBodySize: 4000,
  },
  'few slots': { plan: { ...ROOMY, slotCount: 2000 }, capacity: 9984 },
};
const FLOOD = 20_000;
const ROUNDS = 3;

for (const [title, setting] of Object.entries(SETTINGS)) {
  test(`names in use stay while ${FLOOD} others pass between two hits: ${title}`, (t) => {
    const cache = new AskedCache(setting);
    cache.askHotSet();
    assert.equal(cache.askHotSet(), 200);
    let hits = 0;
    for (let round = 0; round < ROUNDS; round++) {
      cache.flood(FLOOD);
      hits += cache.askHotSet();
    }
    const ratio = hits / (ROUNDS * 200);
    const { successEvictions, denialEvictions } = cache.store.usage(1);
    t.diagnostic(`hit ratio ${(100 * ratio).toFixed(2)} %`);
    t.diagnostic(`evicted: ${successEvictions} answers, ${denialEvictions} denials`);
    assert.ok(ratio >= 0.99, `${ratio}`);
  });
}

/** Where all entries are of one size, and nothing but octets is short. */
const EVEN: Setting = { plan: { slotCount: 24_000, unitCount: 4098 }, capacity: 20_000 };

/** The part of the slab that denials hold. */
function denialShare({ store }: AskedCache): number {
  const { successCount, denialCount } = store.usage(1);
  return ((denialCount / (successCount + denialCount)) * store.usedBytes) / store.capacityBytes;
}

test('a flood of denials takes 30 % of the octets from answers, and no more', (t) => {
  const cache = new AskedCache(EVEN);
  cache.flood(2000, [ANSWER]);
  const answersBefore = cache.store.usage(1).successCount;
  let most = 0;
  for (let step = 0; step < 100; step++) {
    cache.flood(50, [DENIAL]);
    most = Math.max(most, denialShare(cache));
  }
  t.diagnostic(`denials hold ${(100 * most).toFixed(2)} % of the octets at most`);
  assert.ok(most > 0.29 && most <= 0.3 + 1 / answersBefore, `${most}`);
});

test('denials may fill what nobody needs, and give it back to answers down to 30 %', (t) => {
  const cache = new AskedCache(EVEN);
  cache.flood(2000, [DENIAL]);
  assert.ok(denialShare(cache) > 0.99);
  assert.ok(cache.store.usage(1).denialEvictions > 0);
  cache.flood(5000, [ANSWER]);
  const share = denialShare(cache);
  t.diagnostic(`denials hold ${(100 * share).toFixed(2)} % of the octets`);
  assert.ok(share > 0.29 && share <= 0.3, `${share}`);
  assert.ok(cache.store.usage(1).successEvictions > 0);
});
