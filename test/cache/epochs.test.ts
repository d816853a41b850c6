/**
 * Epoch-based reclamation. First the protocol itself: a model of it is walked through all interleavings of one writer and
 * two readers, each atomic access one step of a sequentially consistent machine, and broken protocols show that the walk finds
 * what is wrong. Then the writer's list, with epochs that wrap.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenInvariant } from '../../src/base/invariant.ts';
import { ReaderEpoch, RetiredUnits } from '../../src/cache/epochs.ts';
import { sharedMemory } from './fixtures.ts';

/** The shared words, and each thread's program counter and registers. An entry's content is its version. */
interface State {
  global: number;
  announced: [number, number];
  /** The version that the link leads to; 0: no link. There is one unit of memory. */
  link: number;
  content: number;
  writer: { at: number; rounds: number; tag: number; retired: number; isScanClear: boolean };
  readers: [Reader, Reader];
}

interface Reader {
  at: number;
  batches: number;
  epoch: number;
  /** The version that the link promised; 0: nothing found. */
  found: number;
}

/** A step returns the index of the next one; -1 ends the program. */
type WriterStep = (state: State) => number;
type ReaderStep = (state: State, self: number) => number;

interface Protocol {
  readonly writer: readonly WriterStep[];
  readonly reader: readonly ReaderStep[];
}

const ROUNDS = 2;
const BATCHES = 2;

const enterLoad: ReaderStep = ({ readers, global }, self) => {
  readers[self]!.epoch = global;
  return readers[self]!.at + 1;
};
const enterStore: ReaderStep = ({ readers, announced }, self) => {
  announced[self] = readers[self]!.epoch;
  return readers[self]!.at + 1;
};
const loadLink: ReaderStep = ({ readers, link }, self) => {
  readers[self]!.found = link;
  return readers[self]!.at + 1;
};
const readEntry: ReaderStep = ({ readers, content }, self) => {
  const { found, at } = readers[self]!;
  if (found !== 0 && content !== found) throw new ReusedEntryRead();
  return at + 1;
};
const leave: ReaderStep = ({ announced, readers }, self) => {
  announced[self] = 0;
  return readers[self]!.at + 1;
};

/** A batch reads the entry twice: at once, and at its end. */
const BATCH = [enterLoad, enterStore, loadLink, readEntry, readEntry, leave];

const unlink: WriterStep = (state) => {
  state.writer.retired = state.link;
  state.link = 0;
  return state.writer.at + 1;
};
const tagEpoch: WriterStep = (state) => {
  state.writer.tag = state.global;
  return state.writer.at + 1;
};
const moveEpoch: WriterStep = (state) => {
  state.global += 1;
  return state.writer.at + 1;
};
/** Looks at one reader; at the last, goes on if all were clear, else starts the scan again. */
function scan(reader: number, isClear = isAfterTag): WriterStep {
  return (state) => {
    const { writer, announced } = state;
    const clear = (reader === 0 || writer.isScanClear) && isClear(announced[reader]!, writer.tag);
    writer.isScanClear = clear;
    if (reader === 0) return writer.at + 1;
    return clear ? writer.at + 1 : writer.at - 1;
  };
}
const isAfterTag = (epoch: number, tag: number) => epoch === 0 || epoch > tag;
const reuse: WriterStep = (state) => {
  state.content = state.writer.retired + 1;
  return state.writer.at + 1;
};
const publish: WriterStep = (state) => {
  state.link = state.writer.retired + 1;
  state.writer.rounds += 1;
  return state.writer.rounds === ROUNDS ? -1 : 0;
};

const PROTOCOL: Protocol = {
  writer: [unlink, tagEpoch, moveEpoch, scan(0), scan(1), reuse, publish],
  reader: BATCH,
};

class ReusedEntryRead extends Error {}

/** Walks through every interleaving; returns the number of states, throws ReusedEntryRead. */
function explore({ writer, reader }: Protocol): number {
  const newReader = (): Reader => ({ at: 0, batches: 0, epoch: 0, found: 0 });
  const start: State = {
    global: 1,
    announced: [0, 0],
    link: 1,
    content: 1,
    writer: { at: 0, rounds: 0, tag: 0, retired: 0, isScanClear: false },
    readers: [newReader(), newReader()],
  };
  const seen = new Set<string>();
  const pending = [start];
  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    const text = JSON.stringify(state);
    if (seen.has(text)) continue;
    seen.add(text);
    if (state.writer.at >= 0) {
      const next = JSON.parse(text) as State;
      next.writer.at = writer[next.writer.at]!(next);
      pending.push(next);
    }
    for (const self of [0, 1]) {
      if (state.readers[self]!.at < 0) continue;
      const next = JSON.parse(text) as State;
      advanceReader(next, self, reader);
      pending.push(next);
    }
  }
  return seen.size;
}

function advanceReader(state: State, self: number, steps: readonly ReaderStep[]): void {
  const reader = state.readers[self]!;
  reader.at = steps[reader.at]!(state, self);
  if (reader.at < steps.length) return;
  reader.batches += 1;
  // Registers are dead between batches; clearing them keeps the number of states small.
  Object.assign(reader, { at: reader.batches === BATCHES ? -1 : 0, epoch: 0, found: 0 });
}

test('no reader reads an entry that is used again, in any interleaving', () => {
  assert.ok(explore(PROTOCOL) > 10_000);
});

const { writer } = PROTOCOL;
const BROKEN: readonly [what: string, protocol: Protocol][] = [
  [
    'the reader announces its epoch after it loaded the link',
    { writer, reader: [enterLoad, loadLink, enterStore, readEntry, readEntry, leave] },
  ],
  [
    'the reader leaves before its last octet was copied',
    { writer, reader: [enterLoad, enterStore, loadLink, readEntry, leave, readEntry] },
  ],
  ['the reader announces nothing', { writer, reader: [loadLink, readEntry, readEntry] }],
  [
    'the writer takes a reader of the tag’s epoch for one that came later',
    {
      writer: [
        unlink,
        tagEpoch,
        moveEpoch,
        scan(0, (epoch, tag) => epoch === 0 || epoch >= tag),
        scan(1, (epoch, tag) => epoch === 0 || epoch >= tag),
        reuse,
        publish,
      ],
      reader: BATCH,
    },
  ],
  [
    'the writer moves the epoch before it removes the link',
    { writer: [tagEpoch, moveEpoch, unlink, scan(0), scan(1), reuse, publish], reader: BATCH },
  ],
  [
    'the writer looks at the readers before it removes the link',
    { writer: [tagEpoch, moveEpoch, scan(0), scan(1), unlink, reuse, publish], reader: BATCH },
  ],
  [
    'the writer looks at one reader only',
    { writer: [unlink, tagEpoch, moveEpoch, scan(0), reuse, publish], reader: BATCH },
  ],
];

for (const [what, protocol] of BROKEN) {
  test(`the walk finds the error when ${what}`, () => {
    assert.throws(() => explore(protocol), ReusedEntryRead);
  });
}

/** A memory of two readers and the writer's list, whose epoch starts where it is told. */
function retiredUnits(limit: number, epoch: number) {
  const memory = sharedMemory({ readerCount: 2 });
  const retired = new RetiredUnits(memory, limit);
  memory.words[memory.epochAt] = epoch;
  const reclaim = () => {
    const units: number[] = [];
    retired.reclaim((unit) => units.push(unit));
    return units;
  };
  return { retired, reclaim, readers: [new ReaderEpoch(memory, 0), new ReaderEpoch(memory, 1)] };
}

/** The first epoch, those about the change of sign, those about the wrap past 0. */
for (const epoch of [1, 2 ** 31 - 2, 2 ** 31 - 1, -3, -2, -1]) {
  test(`units come back once every reader has passed, from epoch ${epoch} on`, () => {
    const { retired, reclaim, readers } = retiredUnits(8, epoch);
    const [one, two] = readers as [ReaderEpoch, ReaderEpoch];
    retired.retire(10);
    assert.deepEqual(reclaim(), [10], 'nobody reads');
    one.enter();
    retired.retire(11);
    two.enter();
    retired.retire(12);
    assert.deepEqual(reclaim(), [], 'the first reader may have found either');
    one.leave();
    assert.deepEqual(reclaim(), [11], 'the second came after the first was removed');
    one.enter();
    two.leave();
    assert.deepEqual(reclaim(), [12]);
    assert.deepEqual([retired.count, reclaim()], [0, []]);
  });

  test(`a reader that enters again holds nothing of before, from epoch ${epoch} on`, () => {
    const { retired, reclaim, readers } = retiredUnits(8, epoch);
    const [one] = readers as [ReaderEpoch];
    for (const unit of [1, 2, 3, 4]) {
      one.enter();
      retired.retire(unit);
      assert.deepEqual(reclaim(), []);
      one.enter();
      assert.deepEqual(reclaim(), [unit]);
    }
  });
}

test('the list is bounded, and goes round its end', () => {
  const { retired, reclaim } = retiredUnits(3, 1);
  for (let first = 0; first < 10; first += 2) {
    retired.retire(first);
    retired.retire(first + 1);
    assert.deepEqual(reclaim(), [first, first + 1]);
  }
  for (const unit of [1, 2, 3]) retired.retire(unit);
  assert.equal(retired.count, 3);
  assert.throws(() => retired.retire(4), BrokenInvariant);
});

test('a stopped reader holds what was retired since, however many epochs pass', () => {
  const { retired, reclaim, readers } = retiredUnits(2000, -1000);
  readers[0]!.enter();
  for (let unit = 0; unit < 2000; unit++) retired.retire(unit);
  assert.deepEqual(reclaim(), []);
  readers[0]!.leave();
  assert.equal(reclaim().length, 2000);
});
