/**
 * The table: chains of colliding entries, their bound, and walks during which the chain is changed. The latter are made exact
 * by letting the writer act between two given loads of the walk.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { entryAt, entryBytes, readBody, writeEntry } from '../../src/cache/entry.ts';
import type { CacheMemory } from '../../src/cache/memory.ts';
import { Slab } from '../../src/cache/slab.ts';
import {
  CHAIN_MAX,
  chainLength,
  findEntry,
  linkEntry,
  replaceEntry,
  unlinkEntry,
} from '../../src/cache/table.ts';
import { bodyOf, keyOf, sharedMemory, timesOf } from './fixtures.ts';

/** Keys that collide: the same hash, or the same bucket only. */
function key(index: number, hash = 3) {
  return keyOf({ name: `name-${index}.example.org`, hash });
}

class Table {
  readonly memory: CacheMemory = sharedMemory();
  readonly #slab = new Slab(this.memory);

  /** A complete entry that is not linked; its unit. */
  write(index: number, mark = index, hash?: number): number {
    const body = bodyOf(mark);
    const own = key(index, hash);
    const unit = this.#slab.allocate(entryBytes(own.size, body));
    writeEntry(this.memory, entryAt(this.memory, unit), own, index, 0, body, timesOf(), 0);
    return unit;
  }

  add(index: number, hash?: number): number {
    const unit = this.write(index, index, hash);
    linkEntry(this.memory, unit);
    return unit;
  }

  /** The mark of the entry found, or undefined. */
  find(index: number, hash?: number): number | undefined {
    const at = findEntry(this.memory, key(index, hash));
    if (at === 0) return undefined;
    const { octets } = readBody(this.memory, at);
    return [index, 100 + index].find((mark) => Buffer.from(bodyOf(mark).octets).equals(octets));
  }
}

test('finds what is linked, by all of its key', () => {
  const table = new Table();
  for (const index of [0, 1, 2]) table.add(index);
  table.add(3, 3 + table.memory.plan.bucketCount);
  assert.deepEqual(
    [0, 1, 2].map((index) => table.find(index)),
    [0, 1, 2],
  );
  assert.equal(table.find(3), undefined, 'the same bucket, another hash');
  assert.equal(table.find(3, 3 + table.memory.plan.bucketCount), 3);
  assert.equal(table.find(4), undefined);
  assert.equal(table.find(0, 4), undefined, 'another bucket');
});

test('takes entries out of and replaces them at every place of a chain', () => {
  for (let place = 0; place < 4; place++) {
    const table = new Table();
    const units = [0, 1, 2, 3].map((index) => table.add(index));
    replaceEntry(table.memory, table.write(place, 100 + place), units[place]!);
    assert.equal(table.find(place), 100 + place);
    assert.equal(chainLength(table.memory, 3), 4);
    const other = (place + 1) % 4;
    unlinkEntry(table.memory, units[other]!);
    assert.equal(table.find(other), undefined);
    for (const index of [0, 1, 2, 3]) {
      if (index !== other) assert.notEqual(table.find(index), undefined);
    }
    assert.throws(() => unlinkEntry(table.memory, units[other]!), /not linked/);
  }
});

test('walks to the bound of a chain and no further', () => {
  const table = new Table();
  for (let index = 0; index <= CHAIN_MAX; index++) table.add(index);
  assert.equal(chainLength(table.memory, 3), CHAIN_MAX);
  // The newest is at the head, so the oldest is the one beyond.
  assert.equal(table.find(0), undefined);
  for (let index = 1; index <= CHAIN_MAX; index++) assert.equal(table.find(index), index);
});

/** Runs `walk` with `act` between its loads number `after` and `after + 1`; false where it has not so many. */
function interrupt(t: TestContext, after: number, act: () => void, walk: () => void): boolean {
  const load = Atomics.load;
  let count = 0;
  const mock = t.mock.method(Atomics, 'load', (words: Int32Array, index: number) => {
    const value = load(words, index);
    if (++count === after) {
      mock.mock.restore();
      act();
    }
    return value;
  });
  walk();
  mock.mock.restore();
  return count >= after;
}

const INDEXES = [0, 1, 2, 3];

test('a walk during any change finds every entry that stays, and of a replaced one the old or the new', (t) => {
  const changes = ['unlink', 'replace', 'link'] as const;
  for (const change of changes) {
    for (const target of INDEXES) {
      for (const sought of INDEXES) {
        for (let after = 1; ; after++) {
          const table = new Table();
          const units = INDEXES.map((index) => table.add(index));
          const spare = table.write(target, 100 + target);
          const act = () => {
            if (change === 'unlink') unlinkEntry(table.memory, units[target]!);
            else if (change === 'replace') replaceEntry(table.memory, spare, units[target]!);
            else table.add(50);
          };
          let found: number | undefined;
          const isInterrupted = interrupt(t, after, act, () => {
            found = table.find(sought);
          });
          const expected: (number | undefined)[] = [sought];
          if (sought === target && change === 'unlink') expected.push(undefined);
          if (sought === target && change === 'replace') expected.push(100 + sought);
          assert.ok(expected.includes(found), `${change} ${target}, ${sought}: ${found}`);
          if (!isInterrupted) break;
        }
      }
    }
  }
});

test('a walk that stands on an entry goes on through the chain after all before it left', (t) => {
  // Chain 3, 2, 1, 0: the walk has loaded the link to 3, then 3, 2 and 1 are taken out one by one.
  const table = new Table();
  const units = INDEXES.map((index) => table.add(index));
  const act = () => {
    for (const index of [3, 2, 1]) unlinkEntry(table.memory, units[index]!);
  };
  let found: number | undefined;
  assert.ok(
    interrupt(t, 1, act, () => {
      found = table.find(0);
    }),
  );
  assert.equal(found, 0);
});
