/**
 * An Answerer over a small memory: a store to fill it, a plan of a few zones, a clock that is turned by hand, and queries as
 * they come from the wire.
 */
import assert from 'node:assert/strict';
import { ENTRY, type EntryTimes } from '../../src/cache/entry.ts';
import { drainRefreshRings } from '../../src/cache/refresh-ring.ts';
import { CacheStore } from '../../src/cache/store.ts';
import { counterBytes, rowBase, writerBase } from '../../src/metrics/counter-rows.ts';
import { ROW, WRITER } from '../../src/metrics/counter-words.ts';
import { Answerer, type AnswererOptions } from '../../src/server/answer.ts';
import type { ZonePlan } from '../../src/server/plan.ts';
import { lowerName } from '../../src/wire/name.ts';
import type { ResponseBody } from '../../src/wire/response.ts';
import { readResponse } from '../../src/wire/response.ts';
import { type KeyFields, keyOf, policyOf, sharedMemory, timesOf } from '../cache/fixtures.ts';
import { encodeName, encodeQuery, type NameText, type QueryInput } from '../support/messages.ts';
import { buildResponse, endOfQuestion, type RecordFields } from '../wire/responses.ts';

const ROW_COUNT = 4;
const SEED = { low: 0x5eed, high: 0x0dd };
/** A slot's place in the buffer, and its size. */
export const AT = 64;
export const BUFFER_SIZE = 4096;
export const LISTENER = 7;
export const DROPPED_ROW = 3;

export function zonePlan(text: string, fields: Partial<ZonePlan> = {}): ZonePlan {
  const zone = lowerName(new Uint8Array(encodeName(text)));
  const labelCount = text.split('.').filter((label) => label !== '').length;
  return {
    zone,
    labelCount,
    block: 1,
    row: 0,
    isDirect: true,
    hasFront: false,
    udpSizeMax: 1232,
    takesAnyClass: false,
    ...fields,
  };
}

/** Most labels first, as the plan's maker sorts them. */
export const ZONES: readonly ZonePlan[] = [
  zonePlan('indirect.cluster.local', { block: 4, row: 2, isDirect: false }),
  zonePlan('cluster.local', { block: 1, row: 0 }),
  zonePlan('local', { block: 3, row: 2 }),
  zonePlan('example.org', { block: 2, row: 1, takesAnyClass: true }),
];

export interface EntryFields extends KeyFields {
  readonly records?: readonly RecordFields[];
  readonly body?: Partial<ResponseBody>;
  /** `ENTRY_FLAG`s. */
  readonly entryFlags?: number;
  readonly times?: Partial<EntryTimes>;
}

export class AnswererFixture {
  readonly memory = sharedMemory({ readerCount: 2, counterBytes: counterBytes(ROW_COUNT, 2) });
  readonly store = new CacheStore(this.memory);
  readonly answerer: Answerer;
  readonly octets = new Uint8Array(2 * BUFFER_SIZE);
  readonly words = new Int32Array(this.octets.buffer);
  nowMs = 1_000_000;

  constructor(options: Partial<AnswererOptions> = {}, zones = ZONES) {
    this.answerer = new Answerer(this.memory, {
      reader: 1,
      rowCount: ROW_COUNT,
      hashSeed: SEED,
      bufferSize: BUFFER_SIZE,
      batchMax: 64,
      isStream: false,
      answersIndirect: false,
      ...options,
    });
    this.answerer.apply({ listeners: { [LISTENER]: { zones, droppedRow: DROPPED_ROW } } });
    for (const block of [1, 2, 3, 4]) this.store.openBlock(block, policyOf());
  }

  /** Caches an answer to a query with the same fields, by default an address with 30 s to go; its slot. */
  admit({ records, body, entryFlags = 0, times, ...key }: EntryFields): number {
    const message = buildResponse({ name: key.name, records: records ?? [address(key.name)] });
    const read = readResponse(message, endOfQuestion(key.name), 0)!.body;
    const whole = timesOf({ expiresAtMs: this.nowMs + 30_000, ...times });
    const own = keyOf({ seed: SEED, ...key });
    assert.ok(this.store.admit(own, { ...read, ...body }, entryFlags, whole, this.nowMs));
    return this.memory.words[this.store.find(own) + ENTRY.SLOT]!;
  }

  /** One query in a batch of its own: an OUTCOME, or the reply's octets. */
  ask(input: QueryInput, durationUs = 10): number | Buffer {
    const query = encodeQuery(input);
    this.octets.fill(0xa5);
    this.octets.set(query, AT);
    this.answerer.beginBatch(this.nowMs);
    const size = this.answerer.answer(this.octets, this.words, AT, query.length, LISTENER);
    this.answerer.endBatch(durationUs);
    assert.ok(this.octets.subarray(0, AT).every((octet) => octet === 0xa5));
    assert.ok(this.octets.subarray(AT + BUFFER_SIZE).every((octet) => octet === 0xa5));
    if (size > 0) return Buffer.from(this.octets.subarray(AT, AT + size));
    // What goes the long way goes as it came.
    assert.deepEqual(Buffer.from(this.octets.subarray(AT, AT + query.length)), query);
    return size;
  }

  /** As many queries in one batch that is read as a whole, and as many outcomes. */
  askAll(inputs: readonly QueryInput[], durationUs = 10): (number | Buffer)[] {
    const octets = new Uint8Array(inputs.length * BUFFER_SIZE);
    const words = new Int32Array(octets.buffer);
    const { answerer } = this;
    answerer.beginBatch(this.nowMs);
    for (const [place, input] of inputs.entries()) {
      const query = encodeQuery(input);
      octets.set(query, place * BUFFER_SIZE);
      answerer.read(place, octets, words, place * BUFFER_SIZE, query.length, LISTENER);
    }
    answerer.lookAhead(inputs.length);
    const outcomes = inputs.map((_, place) => {
      const size = answerer.reply(place, octets);
      return size > 0 ? Buffer.from(octets.subarray(place * BUFFER_SIZE).subarray(0, size)) : size;
    });
    answerer.endBatch(durationUs);
    return outcomes;
  }

  /** The reply to a query that is answered here. */
  reply(input: QueryInput): Buffer {
    const reply = this.ask(input);
    assert.ok(typeof reply !== 'number', `outcome ${reply}`);
    return reply;
  }

  /** Slots that the resolver was asked to refresh. */
  refreshed(): number[] {
    const slots: number[] = [];
    drainRefreshRings(this.memory, (slot) => slots.push(slot));
    return slots;
  }

  rowWord(row: number, word: number): number {
    return this.memory.words[this.memory.countersAt + rowBase(ROW_COUNT, 1, row) + word]!;
  }

  counted(row: number, name: keyof typeof ROW, index = 0): number {
    return this.rowWord(row, ROW[name] + index);
  }

  countedByWriter(name: keyof typeof WRITER): number {
    return this.memory.words[this.memory.countersAt + writerBase(ROW_COUNT, 1) + WRITER[name]]!;
  }
}

export function address(owner: NameText, last = 1, ttlS = 300): RecordFields {
  return { section: 0, owner, type: 1, ttlS, rdata: [[192, 0, 2, last]] };
}
