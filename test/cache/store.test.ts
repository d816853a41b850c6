/**
 * The store against a naive model: lists with capacities, of what is on probation and of what was asked again. With memory to
 * spare the two agree in everything; where memory is short, in everything but which entries had to go.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ENTRY, ENTRY_FLAG, entryBytes, flagsOf, readBody } from '../../src/cache/entry.ts';
import { ReaderEpoch } from '../../src/cache/epochs.ts';
import type { CacheKey } from '../../src/cache/key.ts';
import { keyText } from '../../src/cache/key.ts';
import { markHit, marksOf } from '../../src/cache/marks.ts';
import { type CacheMemory, CacheMemory as Memory, UNIT } from '../../src/cache/memory.ts';
import { CacheStore, keyOfEntry } from '../../src/cache/store.ts';
import { CHAIN_MAX } from '../../src/cache/table.ts';
import { bodyOf, keyOf, planOf, policyOf, sharedMemory, timesOf } from './fixtures.ts';

/** One above ten, so that a tenth is more than one entry. */
const CAPACITY = { success: 24, denial: 4 };
const POLICY = policyOf({
  success: { capacity: CAPACITY.success },
  denial: { capacity: CAPACITY.denial },
});
const BLOCKS = [1, 2];
/** As many slots as any store here has: a sweep that looks at all of them. */
const SLOTS_MAX = 256;

/** A hundred names in two blocks, block by block in turn; some keys share their hash, some their bucket only. */
const KEYS: readonly CacheKey[] = Array.from({ length: 200 }, (_, index) => {
  const name = index >> 1;
  const hash = [5, 5, 21, name][name & 3]!;
  // A chain of half of all keys would be too long.
  return keyOf({ name: `name-${name}`, block: BLOCKS[index & 1]!, hash: name < 20 ? hash : name });
});

interface ModelEntry {
  readonly key: CacheKey;
  readonly mark: number;
  readonly size: number;
  readonly flags: number;
  readonly staleUntilMs: number;
  isOnProbation: boolean;
  frontedAtMs: number;
  hitAtMs: number;
}

/** What the store should hold. Each list has the entry that was fronted last at its end, both parts in one. */
class Model {
  readonly lists = new Map<string, ModelEntry[]>();
  readonly evictions = new Map<string, number>();
  /** Where memory is short, what has to go is the store's own choice. */
  readonly #evicts: boolean;

  constructor(evicts: boolean) {
    this.#evicts = evicts;
  }

  find(key: CacheKey): ModelEntry | undefined {
    const text = keyText(key);
    for (const list of this.lists.values()) {
      const found = list.find((entry) => keyText(entry.key) === text);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  admit(entry: ModelEntry, nowMs: number): void {
    const replaced = this.find(entry.key);
    const list = this.listOf(entry);
    const keepsPlace = replaced !== undefined && list.includes(replaced);
    const isFull = list.length === capacityOf(entry.flags);
    if (this.#evicts && !keepsPlace && isFull) this.#evict(entry, nowMs);
    // Its marks stay: the slot is the same.
    if (replaced !== undefined) {
      this.remove(replaced);
      entry.hitAtMs = replaced.hitAtMs;
      entry.isOnProbation = false;
    }
    list.push(entry);
  }

  remove(entry: ModelEntry): void {
    const list = this.listOf(entry);
    list.splice(list.indexOf(entry), 1);
  }

  closeBlock(block: number): void {
    for (const name of this.lists.keys()) if (name.startsWith(`${block} `)) this.lists.delete(name);
    for (const name of this.evictions.keys()) {
      if (name.startsWith(`${block} `)) this.evictions.delete(name);
    }
  }

  sweep(nowMs: number): void {
    for (const list of this.lists.values()) {
      for (const entry of [...list]) if (entry.staleUntilMs <= nowMs) this.remove(entry);
    }
  }

  listOf({ key, flags }: Pick<ModelEntry, 'key' | 'flags'>): ModelEntry[] {
    const name = `${key.block} ${className(flags)}`;
    const list = this.lists.get(name) ?? [];
    this.lists.set(name, list);
    return list;
  }

  #evict(newcomer: ModelEntry, nowMs: number): void {
    const list = this.listOf(newcomer);
    let victim: ModelEntry | undefined;
    for (let look = 0; look < 8 && victim === undefined; look++) {
      const tail = givingPart(list)[0]!;
      if (tail.hitAtMs <= tail.frontedAtMs) victim = tail;
      else {
        this.remove(tail);
        list.push(Object.assign(tail, { isOnProbation: false, frontedAtMs: nowMs }));
      }
    }
    const part = givingPart(list);
    victim ??= part.at(part[0]!.isOnProbation ? -1 : 0)!;
    this.remove(victim);
    const name = `${newcomer.key.block} ${className(newcomer.flags)}`;
    this.evictions.set(name, (this.evictions.get(name) ?? 0) + 1);
  }
}

/** Those on probation where they are a tenth of the list or more, by number or by octets, else the others. */
function givingPart(list: readonly ModelEntry[]): ModelEntry[] {
  const bytesOf = (entries: readonly ModelEntry[]) =>
    entries.reduce((sum, { key, mark, size }) => {
      return sum + Math.ceil(entryBytes(key.size, bodyOf(mark, size)) / UNIT) * UNIT;
    }, 0);
  const probation = list.filter(({ isOnProbation }) => isOnProbation);
  const gives = probation.length * 10 >= list.length || bytesOf(probation) * 10 >= bytesOf(list);
  return gives ? probation : list.filter(({ isOnProbation }) => !isOnProbation);
}

/** In the one millisecond of each 49.7 days in which the wrapping clock is 0, which stands for "never", a hit is noted as of the next. */
function notedAtMs(nowMs: number): number {
  return (nowMs | 0) === 0 ? nowMs + 1 : nowMs;
}

function className(flags: number): 'success' | 'denial' {
  return (flags & ENTRY_FLAG.DENIAL) !== 0 ? 'denial' : 'success';
}

function capacityOf(flags: number): number {
  return CAPACITY[className(flags)];
}

/** Of few keys, so that all kinds of steps meet the same entry. */
const someKey = fc.nat(31);
/** Many of one block, so that its orders are full soon. */
const crowdKey = fc.nat(KEYS.length / 2 - 1).map((name) => 2 * name);
const admissionOf = (key: fc.Arbitrary<number>) =>
  fc.record({
    kind: fc.constant('admit' as const),
    key,
    isDenial: fc.nat(2).map((number) => number === 0),
    size: fc.nat(400),
    ttlMs: fc.nat(300),
  });
const hitOf = (key: fc.Arbitrary<number>) => fc.record({ kind: fc.constant('hit' as const), key });
const wait = fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(100) });
const step = fc.oneof(
  { weight: 6, arbitrary: admissionOf(someKey) },
  { weight: 4, arbitrary: hitOf(someKey) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), key: someKey }) },
  { weight: 3, arbitrary: wait },
  fc.record({ kind: fc.constant('sweep' as const) }),
  fc.record({ kind: fc.constant('reopen' as const), block: fc.constantFrom(...BLOCKS) }),
  fc.record({ kind: fc.constant('read' as const), reader: fc.nat(1), key: someKey }),
  fc.record({ kind: fc.constant('leave' as const), reader: fc.nat(1) }),
);
/** What makes the orders full and keeps them so, with most of what they hold hit. */
const crowdingStep = fc.oneof(
  { weight: 4, arbitrary: admissionOf(crowdKey) },
  { weight: 8, arbitrary: hitOf(crowdKey) },
  { weight: 3, arbitrary: wait },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A store and its model, brought through the same steps. */
class Pair {
  readonly memory: CacheMemory;
  readonly store: CacheStore;
  readonly model: Model;
  /** Whether memory is short: the model then follows what the store gave up. */
  readonly #isShort: boolean;
  readonly #readers: { epoch: ReaderEpoch; held: { at: number; octets: Uint8Array } | undefined }[];
  #nowMs: number;
  #mark = 0;
  #refused = 0;
  readonly #admitted = new Set<CacheKey>();

  constructor(memory: CacheMemory, startMs: number, isShort: boolean) {
    this.memory = memory;
    this.store = new CacheStore(memory);
    this.model = new Model(!isShort);
    for (const block of BLOCKS) this.store.openBlock(block, POLICY);
    this.#nowMs = startMs;
    this.#isShort = isShort;
    this.#readers = [0, 1].map((reader) => ({
      epoch: new ReaderEpoch(memory, reader),
      held: undefined,
    }));
  }

  take(command: Step): void {
    switch (command.kind) {
      case 'admit':
        this.#admit(command);
        break;
      case 'hit':
        this.#hit(KEYS[command.key]!);
        break;
      case 'remove':
        this.#remove(KEYS[command.key]!);
        break;
      case 'wait':
        this.#nowMs += command.ms;
        break;
      case 'sweep':
        this.store.sweep(this.#nowMs, SLOTS_MAX);
        // A reader may have held up the sweep of a short store; what it dropped is seen all the same.
        if (!this.#isShort) this.model.sweep(this.#nowMs);
        break;
      case 'reopen':
        this.store.closeBlock(command.block);
        this.store.openBlock(command.block, POLICY);
        this.model.closeBlock(command.block);
        break;
      case 'read':
        this.#read(command.reader, KEYS[command.key]!);
        break;
      case 'leave':
        this.#leave(command.reader);
    }
  }

  #admit({ key: index, isDenial, size, ttlMs }: Extract<Step, { kind: 'admit' }>): void {
    const key = KEYS[index]!;
    const mark = this.#mark++;
    this.#admitted.add(key);
    const flags = isDenial ? ENTRY_FLAG.DENIAL : 0;
    const expiresAtMs = this.#nowMs + ttlMs;
    const times = timesOf({ expiresAtMs });
    if (this.store.admit(key, bodyOf(mark, size), flags, times, this.#nowMs)) {
      const entry = { key, mark, size, flags, staleUntilMs: expiresAtMs };
      const isNew = { isOnProbation: true, frontedAtMs: this.#nowMs, hitAtMs: 0 };
      this.model.admit({ ...entry, ...isNew }, this.#nowMs);
    } else {
      assert.ok(this.#isShort, 'refused with memory to spare');
      this.#refused += 1;
    }
  }

  #hit(key: CacheKey): void {
    const at = this.store.find(key);
    if (at === 0) return;
    markHit(this.memory.words, marksOf(this.memory, 1), at, this.#nowMs);
    const entry = this.model.find(key);
    if (entry !== undefined) entry.hitAtMs = notedAtMs(this.#nowMs);
  }

  #remove(key: CacheKey): void {
    const at = this.store.find(key);
    if (at === 0) return;
    this.store.remove(at);
    const entry = this.model.find(key);
    if (entry !== undefined) this.model.remove(entry);
  }

  /** A reader enters if it is not in, and holds on to an entry until it leaves. */
  #read(reader: number, key: CacheKey): void {
    this.#leave(reader);
    const { epoch } = this.#readers[reader]!;
    epoch.enter();
    const at = this.store.find(key);
    const octets = readBody(this.memory, at === 0 ? this.memory.slabAt : at).octets;
    this.#readers[reader]!.held = at === 0 ? undefined : { at, octets };
  }

  #leave(reader: number): void {
    const { epoch, held } = this.#readers[reader]!;
    if (held !== undefined) {
      assert.deepEqual(readBody(this.memory, held.at).octets, held.octets, 'reused while read');
    }
    this.#readers[reader]!.held = undefined;
    epoch.leave();
  }

  check(): void {
    if (this.#isShort) this.#forgetWhatWasGivenUp();
    for (const key of this.#admitted) {
      const at = this.store.find(key);
      const entry = this.model.find(key);
      assert.equal(at !== 0, entry !== undefined);
      if (entry === undefined) continue;
      const { key: _, ...body } = { key, ...readBody(this.memory, at) };
      assert.deepEqual(body, bodyOf(entry.mark, entry.size));
      assert.equal(flagsOf(this.memory.words, at), entry.flags);
      assert.equal(keyText(keyOfEntry(this.memory, at)), keyText(key));
      assert.equal(this.store.entryOfSlot(this.memory.words[at + ENTRY.SLOT]!), at);
    }
    assert.equal(this.store.refusedCount, this.#refused);
    assert.ok(this.store.usedBytes <= this.store.capacityBytes);
    this.checkUsage();
  }

  checkUsage(): void {
    let count = 0;
    for (const block of BLOCKS) {
      const usage = this.store.usage(block);
      const countOf = (name: string) => this.model.lists.get(`${block} ${name}`)?.length ?? 0;
      assert.equal(usage.successCount, countOf('success'));
      assert.equal(usage.denialCount, countOf('denial'));
      assert.ok(usage.successCount <= CAPACITY.success && usage.denialCount <= CAPACITY.denial);
      count += usage.successCount + usage.denialCount;
      if (this.#isShort) continue;
      const evictionsOf = (name: string) => this.model.evictions.get(`${block} ${name}`) ?? 0;
      assert.equal(usage.successEvictions, evictionsOf('success'));
      assert.equal(usage.denialEvictions, evictionsOf('denial'));
    }
    assert.equal(this.store.entryCount, count);
  }

  /** Entries of the model that the store has no more; what it has, the model must have. */
  #forgetWhatWasGivenUp(): void {
    for (const list of this.model.lists.values()) {
      for (const entry of [...list]) if (this.store.find(entry.key) === 0) this.model.remove(entry);
    }
  }

  end(): void {
    for (const reader of [0, 1]) this.#leave(reader);
    for (const block of BLOCKS) this.store.closeBlock(block);
    this.store.sweep(this.#nowMs, SLOTS_MAX);
    assert.equal(this.store.usedBytes, 0, 'all memory comes back');
    assert.equal(this.store.entryCount, 0);
  }
}

/** Also across the wrap of the milliseconds' 32 bits. */
const starts = fc.constantFrom(1000, 2 ** 31 - 300, 2 ** 32 - 300);
const sequences = fc.array(step, { maxLength: 150, size: 'max' });
const crowdingSequences = fc.array(crowdingStep, { minLength: 400, maxLength: 500, size: 'max' });

test('equals the model for any sequence, with memory to spare', () => {
  fc.assert(
    fc.property(starts, sequences, (startMs, sequence) => {
      const pair = new Pair(sharedMemory(), startMs, false);
      for (const command of sequence) {
        pair.take(command);
        pair.check();
      }
      pair.end();
    }),
    { numRuns: 100 },
  );
});

test('equals the model where the orders are full', (t) => {
  let evictions = 0;
  fc.assert(
    fc.property(starts, crowdingSequences, (startMs, sequence) => {
      const pair = new Pair(sharedMemory(), startMs, false);
      for (const command of sequence) {
        pair.take(command);
        pair.checkUsage();
      }
      pair.check();
      evictions += pair.store.usage(1).successEvictions + pair.store.usage(1).denialEvictions;
      pair.end();
    }),
    { numRuns: 100 },
  );
  t.diagnostic(`${evictions} evictions`);
  assert.ok(evictions > 1000);
});

test('equals the model but for what had to go, where octets or slots are short', () => {
  const plans = fc.record({
    unitCount: fc.integer({ min: 12, max: 60 }),
    slotCount: fc.integer({ min: 4, max: 30 }),
  });
  fc.assert(
    fc.property(plans, sequences, (plan, sequence) => {
      const pair = new Pair(sharedMemory(plan), 1000, true);
      for (const command of sequence) {
        pair.take(command);
        pair.check();
      }
      pair.end();
    }),
    { numRuns: 150 },
  );
});

/** A store with one open block; `add` admits a body that tells its number. */
function smallStore(plan: Parameters<typeof planOf>[0] = {}, capacity = 1000) {
  const memory = sharedMemory(plan);
  const store = new CacheStore(memory);
  store.openBlock(1, policyOf({ success: { capacity }, denial: { capacity } }));
  const add = (index: number, hash?: number, size = 16) =>
    store.admit(numbered(index, hash), bodyOf(index, size), 0, timesOf(), 1000);
  return { memory, store, add };
}

function numbered(index: number, hash?: number): CacheKey {
  return keyOf({ name: `name-${index}`, ...(hash === undefined ? {} : { hash }) });
}

test('a chain of colliding keys grows to its bound, and no further', () => {
  const { store, add } = smallStore();
  for (let index = 0; index < CHAIN_MAX; index++) assert.ok(add(index, 9));
  assert.equal(add(CHAIN_MAX, 9), false);
  assert.equal(store.refusedCount, 1);
  for (let index = 0; index < CHAIN_MAX; index++)
    assert.notEqual(store.find(numbered(index, 9)), 0);
  store.remove(store.find(numbered(30, 9)));
  assert.ok(add(CHAIN_MAX, 9));
  assert.equal(store.find(numbered(30, 9)), 0);
  assert.notEqual(store.find(numbered(0, 9)), 0);
});

test('a reader that stands still makes the store refuse, and it recovers', () => {
  const { memory, store, add } = smallStore({ slotCount: 8 });
  const reader = new ReaderEpoch(memory, 0);
  for (let index = 0; index < 8; index++) assert.ok(add(index));
  reader.enter();
  // Each replacement leaves one more unit that the reader may be on.
  for (let round = 0; round < 8; round++) assert.ok(add(round));
  assert.ok(store.isStuck);
  assert.equal(add(0), false);
  assert.equal(store.refusedCount, 1);
  assert.equal(store.entryCount, 8, 'what is there stays');
  // Even so everything can be dropped.
  store.closeBlock(1);
  assert.equal(store.entryCount, 0);
  store.openBlock(1, POLICY);
  assert.equal(add(0), false);
  reader.leave();
  assert.ok(add(0));
  assert.equal(store.isStuck, false);
});

test('a reader in the middle of its batch costs a bounded number of entries', () => {
  const { memory, store, add } = smallStore({ slotCount: 2048, unitCount: 2002 });
  for (let index = 0; index < 1000; index++) add(index);
  const before = store.entryCount;
  const reader = new ReaderEpoch(memory, 0);
  reader.enter();
  // Nothing that is evicted now can be used again before the reader has passed.
  for (let index = 1000; index < 1100; index++) add(index);
  assert.ok(before - store.entryCount <= 64, `${before - store.entryCount} were evicted`);
  reader.leave();
  assert.ok(add(2000));
});

test('an answer that needs the room of many small ones gets it', () => {
  const { store, add } = smallStore({ unitCount: 202 });
  for (let index = 0; index < 100; index++) assert.ok(add(index));
  assert.ok(add(1000, undefined, 60 * 64));
  assert.notEqual(store.find(numbered(1000)), 0);
});

test('a popular entry stays while others pass', () => {
  const { memory, store } = smallStore({}, 10);
  const add = (index: number, nowMs: number) =>
    store.admit(numbered(index), bodyOf(index), 0, timesOf(), nowMs);
  add(0, 0);
  for (let index = 1; index < 200; index++) {
    markHit(memory.words, marksOf(memory, 0), store.find(numbered(0)), 10 * index);
    add(index, 10 * index + 1);
  }
  assert.notEqual(store.find(numbered(0)), 0);
  assert.equal(store.usage(1).successCount, 10);
  assert.equal(store.usage(1).successEvictions, 190);
});

test('a refreshed entry keeps its marks, also after a month of refreshes', () => {
  const { memory, store } = smallStore();
  const dayMs = 24 * 3600 * 1000;
  const key = numbered(0);
  const marksAt = marksOf(memory, 0);
  const times = timesOf({ prefetchHits: 2, prefetchPauseMs: 1000 });
  for (let day = 1; day < 60; day++) {
    const nowMs = day * dayMs;
    store.admit(key, bodyOf(day), 0, times, nowMs);
    markHit(memory.words, marksAt, store.find(key), nowMs + 1);
    store.admit(key, bodyOf(day), 0, times, nowMs + 2);
    markHit(memory.words, marksAt, store.find(key), nowMs + 3);
    const slot = memory.words[store.find(key) + ENTRY.SLOT]!;
    assert.equal(memory.words[marksAt + 4 * slot + 1], 2, `day ${day}`);
  }
});

test('the sweep drops what can be served no more, and nothing else', () => {
  const { store } = smallStore({ slotCount: 1000 });
  for (let index = 0; index < 600; index++) {
    const times = timesOf({ expiresAtMs: 100, staleUntilMs: index % 2 === 0 ? 100 : 200 });
    store.admit(numbered(index), bodyOf(index), 0, times, 0);
  }
  const sweepAll = (nowMs: number) => {
    for (let turn = 0; turn < 4; turn++) store.sweep(nowMs, 250);
    return store.entryCount;
  };
  assert.equal(sweepAll(99), 600);
  assert.equal(sweepAll(100), 300);
  assert.notEqual(store.find(numbered(1)), 0);
  assert.equal(sweepAll(200), 0);
  assert.equal(store.usedBytes, 0);
});

test('works in the memory that the daemon makes', () => {
  const pair = new Pair(Memory.create(planOf()), 1000, false);
  fc.sample(step, { numRuns: 300, seed: 1 }).forEach((command) => {
    pair.take(command);
  });
  pair.check();
  pair.end();
});
