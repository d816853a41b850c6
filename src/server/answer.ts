/**
 * The hot path: one query, in the octets it came in, becomes its answer in place, or a miss. Everything a responder decides
 * is here; there is no system call and no allocation.
 *
 *   read -> zone -> key -> entry -> reply
 *     |       |              |- none, stale and to be verified, too large for the buffer: MISS
 *     |       |- no zone, wrong class: REFUSED
 *     |- malformed: FORMERR; unknown opcode: NOTIMP; EDNS version: BADVERS; a response: nothing
 *
 * Call `beginBatch`, `answer` for each query, `endBatch`: entries may be read only in between (cache/epochs.ts). Or, for what has
 * come together, `read` for all, `lookAhead`, `reply` for each: then the waits for memory of all of them overlap.
 */

import { assert } from '../base/invariant.ts';
import { bodyAt, ENTRY, ENTRY_FLAG, flagsOf, ttlCountOf, ttlsAt } from '../cache/entry.ts';
import { ReaderEpoch } from '../cache/epochs.ts';
import type { HashSeed } from '../cache/key.ts';
import { remainingTtlS } from '../cache/lifetime.ts';
import { LookAhead } from '../cache/look-ahead.ts';
import { isPopular, markHit, marksOf, takeRefreshTurn } from '../cache/marks.ts';
import type { CacheMemory } from '../cache/memory.ts';
import { RefreshRing } from '../cache/refresh-ring.ts';
import { findEntry } from '../cache/table.ts';
import { rowBase, writerBase } from '../metrics/counter-rows.ts';
import {
  countBatch,
  countCacheHit,
  countCacheResponse,
  countChainlessResponse,
  countIgnoredDatagram,
  countRefreshRingFull,
  countRequest,
} from '../metrics/counter-words.ts';
import { type Octets, word } from '../wire/octets.ts';
import { VERDICT } from '../wire/query.ts';
import { FLAG, MESSAGE_SIZE_MAX, RCODE } from '../wire/registry.ts';
import {
  BodySource,
  udpLimit,
  writeEmptyReply,
  writeHeaderReply,
  writeReply,
} from '../wire/reply.ts';
import { AskedQuery } from './asked-query.ts';
import type { ResponderPlan, ZonePlan } from './plan.ts';

/** What `answer` returns beside the size of a reply. */
export const OUTCOME = { NOTHING: 0, MISS: -1 } as const;

export interface AnswererOptions {
  /** This reader's number in the cache memory, and its writer's number in the counters. */
  readonly reader: number;
  readonly rowCount: number;
  readonly hashSeed: HashSeed;
  /** Room for a reply in the query's buffer. */
  readonly bufferSize: number;
  readonly batchMax: number;
  /** Replies go over TCP: no bound but a message's own. */
  readonly isStream: boolean;
  /** Answers from the cache also for zones that are not direct: the resolver, who does the rest of their chain. */
  readonly answersIndirect: boolean;
}

export class Answerer {
  readonly #memory: CacheMemory;
  readonly #options: AnswererOptions;
  readonly #epoch: ReaderEpoch;
  readonly #refreshRing: RefreshRing;
  readonly #marksAt: number;
  /** By place in a batch: the first for queries that are answered one by one, the others made when they are first needed. */
  readonly #asked = [new AskedQuery()];
  readonly #lookAhead: LookAhead;
  readonly #source = new BodySource();
  readonly #countersAt: number;
  /** Milliseconds of the monotonic clock, in an array so that no number object is made of it. */
  readonly #now = new Float64Array(1);
  #plan: ResponderPlan = { listeners: {} };
  /** What is counted once the batch's duration is known. */
  readonly #counted: { row: Int32Array; qtype: Int32Array; sizes: Int32Array };
  #countedCount = 0;
  /** Refresh requests made in this batch. */
  refreshRequests = 0;

  constructor(memory: CacheMemory, options: AnswererOptions) {
    this.#memory = memory;
    this.#options = options;
    this.#epoch = new ReaderEpoch(memory, options.reader);
    this.#refreshRing = new RefreshRing(memory, options.reader);
    this.#marksAt = marksOf(memory, options.reader);
    this.#lookAhead = new LookAhead(memory, this.#marksAt, options.batchMax);
    this.#countersAt = memory.countersAt;
    this.#source.octets = memory.octets;
    this.#source.ttlOffsets = memory.halves;
    const list = (perQuery: number) => new Int32Array(options.batchMax * perQuery);
    this.#counted = { row: list(1), qtype: list(1), sizes: list(2) };
  }

  /** The first counter word that belongs to this writer as a whole. */
  get writerAt(): number {
    return this.#countersAt + writerBase(this.#options.rowCount, this.#options.reader);
  }

  /** Counts datagrams that were taken by one system call. */
  countBatch(size: number): void {
    countBatch(this.#memory.words, this.writerAt, size);
  }

  apply(plan: ResponderPlan): void {
    this.#plan = plan;
  }

  /** What `answer` has just read; the next query's with the next one. */
  get asked(): AskedQuery {
    return this.#asked[0]!;
  }

  /** Whether the plan has this listener. */
  serves(listener: number): boolean {
    return this.#plan.listeners[listener] !== undefined;
  }

  beginBatch(nowMs: number): void {
    this.#now[0] = nowMs;
    this.#countedCount = 0;
    this.refreshRequests = 0;
    this.#epoch.enter();
  }

  /** Ends a batch that began `durationUs` ago: what was answered is counted with that duration. */
  endBatch(durationUs: number): void {
    this.#epoch.leave();
    const { row, qtype, sizes } = this.#counted;
    for (let index = 0; index < this.#countedCount; index++) {
      const type = word(qtype, index);
      countRequest(
        this.#memory.words,
        word(row, index),
        type & 0xffff,
        type >> 16,
        word(sizes, 2 * index),
        word(sizes, 2 * index + 1),
        durationUs,
      );
    }
  }

  /**
   * Answers the query of `size` octets at `octets[at]` (a multiple of four; `words` is the same memory), which came to a
   * listener. Returns the reply's size, which stands where the query stood, or an OUTCOME; on a MISS the query is untouched.
   */
  answer(octets: Octets, words: Int32Array, at: number, size: number, listener: number): number {
    this.read(0, octets, words, at, size, listener);
    return this.reply(0, octets);
  }

  /** The first half of `answer`, for the query in a place of the batch: below `batchMax`, and without gaps. */
  read(
    place: number,
    octets: Octets,
    words: Int32Array,
    at: number,
    size: number,
    listener: number,
  ): void {
    if (place === this.#asked.length) this.#asked.push(new AskedQuery());
    const asked = this.#asked[place]!;
    const { hashSeed, answersIndirect } = this.#options;
    const plan = this.#plan.listeners[listener]!;
    asked.read(octets, words, at, size, plan, hashSeed, answersIndirect);
    this.#lookAhead.set(place, asked.key.hash);
  }

  /** Between the halves: what the replies to the first `count` places will read of the cache. */
  lookAhead(count: number): void {
    if (count > 1) this.#lookAhead.run(count);
  }

  /** The second half of `answer`. */
  reply(place: number, octets: Octets): number {
    const asked = this.#asked[place]!;
    if (asked.verdict !== VERDICT.ACCEPT) return this.#refuse(octets, asked);
    const { zone } = asked;
    if (zone === undefined) return this.#refuseWith(octets, asked, RCODE.REFUSED);
    if (!asked.isForCache) return OUTCOME.MISS;
    const entry = findEntry(this.#memory, asked.key);
    if (entry === 0) return OUTCOME.MISS;
    const reply = this.#hit(octets, asked, entry, zone);
    if (reply === OUTCOME.MISS) return OUTCOME.MISS;
    const base = this.#rowAt(zone.row);
    countCacheResponse(this.#memory.words, base, this.#source.rcode);
    this.#count(base, asked, reply);
    return reply;
  }

  /**
   * The cache as a stage of a zone's chain: like `answer` for a query of our own, in a zone that is chosen. It counts the find,
   * but neither a request nor a response.
   */
  lookUp(octets: Octets, words: Int32Array, at: number, size: number, zone: ZonePlan): number {
    const asked = this.#asked[0]!;
    asked.readOwn(octets, words, at, size, zone, this.#options.hashSeed);
    assert(asked.verdict === VERDICT.ACCEPT, 'our own queries are well formed');
    const entry = findEntry(this.#memory, asked.key);
    return entry === 0 ? OUTCOME.MISS : this.#hit(octets, asked, entry, zone);
  }

  /** Counts a datagram that gets no reply because of where it came from. */
  ignore(listener: number): void {
    const { droppedRow } = this.#plan.listeners[listener]!;
    countIgnoredDatagram(this.#memory.words, this.#rowAt(droppedRow));
  }

  /** Turns the query in a place that has just been called a MISS into a SERVFAIL: nobody has room to ask for it. */
  refuseMiss(place: number, octets: Octets): number {
    return this.#refuseWith(octets, this.#asked[place]!, RCODE.SERVFAIL);
  }

  #hit(octets: Octets, asked: AskedQuery, entry: number, zone: ZonePlan): number {
    const { words, doubles } = this.#memory;
    const nowMs = this.#now[0]!;
    const flags = flagsOf(words, entry);
    const isStale = nowMs >= doubles[(entry + ENTRY.EXPIRES) >> 1]!;
    if (
      isStale &&
      (nowMs >= doubles[(entry + ENTRY.STALE) >> 1]! || (flags & ENTRY_FLAG.VERIFY) !== 0)
    ) {
      return OUTCOME.MISS;
    }
    const limit = this.#options.isStream
      ? MESSAGE_SIZE_MAX
      : udpLimit(asked.fields, asked.size, zone.udpSizeMax);
    const source = this.#source;
    this.#setSource(entry);
    // 11: OPT. A reply that the client would take whole but this buffer cannot hold goes the long way.
    const needed = asked.fields.questionEnd + source.size + 11;
    if (needed > this.#options.bufferSize && limit > this.#options.bufferSize) return OUTCOME.MISS;
    if (isStale) source.ttlS = word(words, entry + ENTRY.STALE_TTL);
    else if ((flags & ENTRY_FLAG.KEEP_TTL) !== 0) source.ttlS = word(words, entry + ENTRY.TTL);
    else source.ttlS = remainingTtlS(doubles[(entry + ENTRY.EXPIRES) >> 1]!, nowMs);
    const reply = writeReply(octets, asked.at, asked.fields, source, limit);
    markHit(words, this.#marksAt, entry, nowMs | 0);
    if (isStale || nowMs >= doubles[(entry + ENTRY.PREFETCH) >> 1]!)
      this.#askRefresh(entry, isStale);
    countCacheHit(words, this.#rowAt(zone.row), flags & ENTRY_FLAG.DENIAL, isStale ? 1 : 0);
    return reply;
  }

  #setSource(entry: number): void {
    const { words } = this.#memory;
    const source = this.#source;
    source.octetsAt = bodyAt(words, entry) * 4;
    source.size = word(words, entry + ENTRY.BODY_SIZE);
    source.ttlOffsetsAt = ttlsAt(words, entry) * 2;
    source.ttlCount = ttlCountOf(words, entry);
    const header = word(words, entry + ENTRY.HEADER);
    // CoreDNS sets AA on every cached answer, where RFC 1035 §4.1.1 keeps it for authorities.
    source.flags = (header & 0xffff) | FLAG.AA;
    source.rcode = header >>> 16;
    const counts = word(words, entry + ENTRY.ANSWERS);
    source.answerCount = counts & 0xffff;
    source.authorityCount = counts >>> 16;
    source.additionalCount = word(words, entry + ENTRY.ADDITIONAL) & 0xffff;
  }

  #askRefresh(entry: number, isStale: boolean): void {
    const { words } = this.#memory;
    if (!isStale && !isPopular(words, this.#marksAt, entry)) return;
    if (!takeRefreshTurn(words, this.#marksAt, entry, this.#now[0]! | 0)) return;
    if (this.#refreshRing.push(word(words, entry + ENTRY.SLOT))) this.refreshRequests += 1;
    else countRefreshRingFull(words, this.writerAt);
  }

  #refuse(octets: Octets, asked: AskedQuery): number {
    const { verdict } = asked;
    if (verdict === VERDICT.IGNORE) {
      countIgnoredDatagram(this.#memory.words, this.#rowAt(asked.plan.droppedRow));
      return OUTCOME.NOTHING;
    }
    if (verdict === VERDICT.BADVERS) return this.#refuseWith(octets, asked, RCODE.BADVERS);
    const rcode = verdict === VERDICT.NOTIMP ? RCODE.NOTIMP : RCODE.FORMERR;
    asked.fields.qtype = 0;
    return this.#countRefusal(asked, writeHeaderReply(octets, asked.at, rcode), rcode);
  }

  #refuseWith(octets: Octets, asked: AskedQuery, rcode: number): number {
    return this.#countRefusal(
      asked,
      writeEmptyReply(octets, asked.at, asked.fields, rcode, 0),
      rcode,
    );
  }

  #countRefusal(asked: AskedQuery, reply: number, rcode: number): number {
    const base = this.#rowAt(asked.plan.droppedRow);
    countChainlessResponse(this.#memory.words, base, rcode);
    this.#count(base, asked, reply);
    return reply;
  }

  #rowAt(row: number): number {
    return this.#countersAt + rowBase(this.#options.rowCount, this.#options.reader, row);
  }

  #count(base: number, { fields, size: querySize }: AskedQuery, reply: number): void {
    const { row, qtype, sizes } = this.#counted;
    const index = this.#countedCount++;
    row[index] = base;
    qtype[index] = fields.qtype | (fields.dnssecOk ? 0x10000 : 0);
    sizes[2 * index] = querySize;
    sizes[2 * index + 1] = reply;
  }
}
