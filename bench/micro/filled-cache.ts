/**
 * A cache memory with any number of names in it, and the hot path in front of it, in one thread and without a socket. Queries
 * are made in place from a number, as a network card would leave them in the receive buffers: what is asked is warm, what is
 * cached may be anywhere in memory.
 */
import assert from 'node:assert/strict';
import { CacheKey, finishKey, keyFlags, setKeyName } from '../../src/cache/key.ts';
import { CacheMemory } from '../../src/cache/memory.ts';
import { CacheStore } from '../../src/cache/store.ts';
import { counterBytes } from '../../src/metrics/counter-rows.ts';
import { BATCH_MAX, BUFFER_SIZE } from '../../src/os/datagram-batch.ts';
import { Answerer } from '../../src/server/answer.ts';
import { QueryFields, readQuery, VERDICT } from '../../src/wire/query.ts';
import { type ResponseBody, readResponse } from '../../src/wire/response.ts';
import { ANSWER_GROWTH_MAX, writeAnswer } from '../load/answer.ts';
import { HEADER_OCTETS } from '../load/protocol.ts';
import { encodeQuestions, numberedQuestions } from '../load/questions.ts';

const LISTENER = 0;
const BLOCK = 1;
const READER = 1;
const ROW_COUNT = 2;
const SEED = { low: 0x5eed, high: 0x0dd };
/** Octets of the first label: its length, `h`, eight digits. */
const DIGITS_AT = HEADER_OCTETS + 2;
const DIGITS = 8;
/** An address takes three units of 64 octets in the slab; one more for what is not in use. */
const UNITS_PER_ENTRY = 4;
const TTL_MS = 3_600_000;

export class FilledCache {
  readonly memory: CacheMemory;
  readonly store: CacheStore;
  readonly answerer: Answerer;
  /** The slots of a batch, and the same as words. */
  readonly octets = new Uint8Array(BATCH_MAX * BUFFER_SIZE);
  readonly words = new Int32Array(this.octets.buffer);
  readonly querySize: number;
  readonly body: ResponseBody;
  readonly #query = new QueryFields();
  nowMs = 1_000_000;

  /** `capacity`: entries at most. */
  constructor(capacity: number) {
    this.memory = CacheMemory.create({
      slotCount: capacity,
      bucketCount: 2 ** Math.ceil(Math.log2(2 * capacity)),
      unitCount: UNITS_PER_ENTRY * capacity + 1024,
      readerCount: 1 + READER,
      counterBytes: counterBytes(ROW_COUNT, 1 + READER),
    });
    this.store = new CacheStore(this.memory);
    const limits = { capacity, ttlMaxS: 3600, ttlMinS: 5, disabledZones: [] };
    const rest = { zones: [], prefetch: undefined, stale: undefined, servfailMs: 5000 };
    this.store.openBlock(BLOCK, { ...rest, keepTtl: false, success: limits, denial: limits });
    this.answerer = this.#newAnswerer();
    const set = encodeQuestions(numberedQuestions(1, 'h', 'bench.example.org', 'A'), PLAIN);
    assert(!(set instanceof Error));
    this.querySize = set.octets.length;
    for (let slot = 0; slot < BATCH_MAX; slot++) this.octets.set(set.octets, slot * BUFFER_SIZE);
    this.body = bodyOf(Buffer.from(set.octets));
  }

  /** Makes slot `slot` a query for name number `index`; where it stands. */
  ask(slot: number, index: number): number {
    const at = slot * BUFFER_SIZE;
    const { octets } = this;
    octets[at + 2] = 1; // RD: what stands there is the reply before
    octets[at + 3] = 0;
    for (let count = 4; count < HEADER_OCTETS; count++) octets[at + count] = count === 5 ? 1 : 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      const value = (index >>> (28 - 4 * digit)) & 15;
      octets[at + DIGITS_AT + digit] = value + (value < 10 ? 0x30 : 0x57);
    }
    return at;
  }

  /** Fills `key` as a query for name number `index` has it. */
  keyOf(index: number, key: CacheKey): CacheKey {
    const at = this.ask(0, index);
    const verdict = readQuery(this.octets, at, this.querySize, this.#query);
    assert(verdict === VERDICT.ACCEPT);
    setKeyName(key, this.words, at >> 2, this.#query.qnameSize);
    finishKey(key, this.#query, BLOCK, keyFlags(this.#query), SEED);
    return key;
  }

  /** Admits an address for the name of `key`. */
  insert(key: CacheKey): void {
    const expiresAtMs = this.nowMs + TTL_MS;
    const times = { ...NEVER, expiresAtMs, staleUntilMs: expiresAtMs };
    assert(this.store.admit(key, this.body, 0, times, this.nowMs));
  }

  /** Names from `from` up to `to`. */
  fill(from: number, to: number): void {
    const key = new CacheKey();
    for (let index = from; index < to; index++) this.insert(this.keyOf(index, key));
  }

  /** One batch of queries for the names `indexes[from ...]`, which must be cached. */
  hitBatch(indexes: Int32Array, from: number): void {
    const { answerer, octets, words, querySize } = this;
    answerer.beginBatch(this.nowMs);
    for (let slot = 0; slot < BATCH_MAX; slot++) {
      const at = this.ask(slot, indexes[from + slot]!);
      answerer.read(slot, octets, words, at, querySize, LISTENER);
    }
    answerer.lookAhead(BATCH_MAX);
    for (let slot = 0; slot < BATCH_MAX; slot++) {
      if (answerer.reply(slot, octets) <= 0) throw new Error('not a hit');
    }
    answerer.endBatch(10);
  }

  #newAnswerer(): Answerer {
    const answerer = new Answerer(this.memory, {
      ...{ reader: READER, rowCount: ROW_COUNT, hashSeed: SEED, bufferSize: BUFFER_SIZE },
      ...{ batchMax: BATCH_MAX, isStream: false, answersIndirect: false },
    });
    const zone = { zone: new Uint8Array(1), labelCount: 0, block: BLOCK, row: 0 };
    const rest = { isDirect: true, hasFront: false, udpSizeMax: 1232, takesAnyClass: false };
    const zones = [{ ...zone, ...rest }];
    answerer.apply({ listeners: { [LISTENER]: { zones, droppedRow: 1 } } });
    return answerer;
  }
}

const PLAIN = { edns: false, exactAddress: false };
const NEVER = {
  prefetchAtMs: Number.POSITIVE_INFINITY,
  prefetchHits: 0,
  prefetchPauseMs: 0,
  ttlS: 3600,
  staleTtlS: 0,
};

/** What the upstream answers, as the cache keeps it: the name is in the question alone, so that it fits every name. */
function bodyOf(query: Buffer): ResponseBody {
  const message = Buffer.alloc(query.length + ANSWER_GROWTH_MAX);
  const size = writeAnswer(query, 0, query.length, message, 0);
  const response = readResponse(message.subarray(0, size), query.length, 0);
  assert(response);
  return response.body;
}
