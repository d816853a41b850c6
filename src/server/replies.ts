/**
 * Replies that the resolver makes: from the cache by its own answerers, from a fresh response, or a failure. Each is written
 * over a copy of its query, counted, shown to the block's observers, and handed to its client.
 */
import { assert } from '../base/invariant.ts';
import type { Log } from '../base/log.ts';
import type { CacheMemory } from '../cache/memory.ts';
import type {
  Provenance,
  Question,
  ReplyReport,
  Resolution,
  StageName,
} from '../directives/resolution.ts';
import { rowBase } from '../metrics/counter-rows.ts';
import {
  countCacheHit,
  countCacheMiss,
  countCacheResponse,
  countChainlessResponse,
  countRequest,
} from '../metrics/counter-words.ts';
import { addExtendedError, type ExtendedError } from '../wire/extended-error.ts';
import { QueryFields, readQuery } from '../wire/query.ts';
import { responseWithTtl } from '../wire/records.ts';
import { FLAG, HEADER_SIZE, MESSAGE_SIZE_MAX } from '../wire/registry.ts';
import {
  BodySource,
  buildUpstreamQuery,
  udpLimit,
  writeEmptyReply,
  writeReply,
} from '../wire/reply.ts';
import { type Response, readResponse } from '../wire/response.ts';
import { type Answerer, OUTCOME } from './answer.ts';
import type { Block } from './block.ts';
import type { Arrival, Peer } from './client.ts';
import type { ZonePlan } from './plan.ts';
import type { StaleAnswer } from './stale.ts';

export interface Failure {
  readonly rcode: number;
  /** For the `errors` log, if for it. */
  readonly reason: string | undefined;
  readonly provenance?: Provenance | undefined;
}

/** One who waits for an answer: a client, or a stage before the cache that asks in its name. */
export interface Waiter {
  readonly arrival: Arrival;
  readonly zone: ZonePlan;
  /** Takes the outcome in the client's place. */
  readonly take?: (outcome: Outcome) => void;
}

/** What those who wait for a question get. */
export type Outcome =
  /** A response with this TTL in seconds for all records, or -1: as it is. */
  | {
      readonly code: 'response';
      readonly response: Response;
      readonly ttlS: number;
      readonly by: StageName;
      readonly provenance?: Provenance | undefined;
    }
  | { readonly code: 'stale'; readonly stale: StaleAnswer }
  | { readonly code: 'failure'; readonly failure: Failure };

export interface RepliesDependencies {
  readonly memory: CacheMemory;
  readonly rowCount: number;
  /** This thread's number among those that count. */
  readonly writer: number;
  readonly nowMs: () => number;
  readonly log: Log;
  /** Counts a response that a directive other than `cache` wrote. */
  readonly countResponse: (row: number, rcode: number, by: string) => void;
  readonly onPanic: () => void;
  /** Where a listener is bound; an empty host is every address. */
  readonly localOf: (listener: number) => Peer;
}

export class Replies {
  readonly #deps: RepliesDependencies;
  /** The reply under construction; its words begin with the message. */
  readonly #scratch = new Uint8Array(MESSAGE_SIZE_MAX + 1);
  readonly #words = new Int32Array(this.#scratch.buffer);
  readonly #query = new QueryFields();
  readonly #source = new BodySource();

  constructor(deps: RepliesDependencies) {
    this.#deps = deps;
  }

  /** Lets an answerer try; the size of the reply, which `finishCached` sends before anything else is looked up, or its OUTCOME. */
  fromCache(answerer: Answerer, arrival: Arrival, nowMs: number): number {
    const { query, listener, receivedAtMs } = arrival;
    this.#scratch.set(query);
    answerer.beginBatch(nowMs);
    const size = answerer.answer(this.#scratch, this.#words, 0, query.length, listener);
    answerer.endBatch(microseconds(nowMs - receivedAtMs));
    return size;
  }

  /** Sends what `fromCache` has just made; the block's observers see it, unless it is a refusal (undefined). */
  finishCached(arrival: Arrival, size: number, block: Block | undefined): void {
    this.#deliver(arrival, size, block, undefined);
  }

  /**
   * The cache's answer to a question of a stage before it, TTLs counted down; undefined: it has none. Expired ones are
   * answered, and refreshes asked for, as the block's settings say.
   */
  lookUp(
    answerer: Answerer,
    question: Question,
    zone: ZonePlan,
    nowMs: number,
  ): Response | undefined {
    // With AD: all that is known is asked for; what the client may see of it is decided when it gets the reply.
    const query = buildUpstreamQuery(question, MESSAGE_SIZE_MAX);
    this.#scratch.set(query);
    answerer.beginBatch(nowMs);
    const size = answerer.lookUp(this.#scratch, this.#words, 0, query.length, zone);
    answerer.endBatch(0);
    if (size === OUTCOME.MISS) return undefined;
    const questionEnd = HEADER_SIZE + question.qname.length + 4;
    const response = readResponse(this.#scratch.subarray(0, size), questionEnd, 0);
    assert(response !== undefined, 'what the cache writes is well formed');
    return response;
  }

  /** Gives an outcome to one who waits for it. */
  settle(waiter: Waiter, outcome: Outcome, block: Block): void {
    if (waiter.take !== undefined) waiter.take(outcome);
    else if (outcome.code === 'stale') this.#sendStale(waiter, outcome.stale, block);
    else if (outcome.code === 'failure') this.#sendFailure(waiter, outcome.failure, block);
    else this.#send(waiter, outcome, block);
  }

  #send(
    waiter: Waiter,
    { response: { body }, ttlS, by, provenance }: Outcome & { code: 'response' },
    block: Block,
  ): void {
    this.#source.setBody(body, ttlS);
    const size = this.#write(waiter, body.extendedError);
    const base = this.#count(waiter, size);
    if (by === 'cache') countCacheResponse(this.#deps.memory.words, base, body.rcode);
    else this.#deps.countResponse(waiter.zone.row, body.rcode, by);
    this.#deliver(waiter.arrival, size, block, undefined, provenance);
  }

  /** Sends an expired answer of the cache in the place of a fresh one. */
  #sendStale(waiter: Waiter, stale: StaleAnswer, block: Block): void {
    this.#source.setBody(stale.body, stale.ttlS);
    // CoreDNS sets AA on what comes from its cache.
    this.#source.flags |= FLAG.AA;
    const size = this.#write(waiter);
    const base = this.#count(waiter, size);
    this.#countStale(base, stale);
    countCacheResponse(this.#deps.memory.words, base, stale.body.rcode);
    this.#deliver(waiter.arrival, size, block, undefined);
  }

  /** Sends an rcode without records. */
  #sendFailure(waiter: Waiter, failure: Failure, block: Block): void {
    const { arrival } = waiter;
    this.#read(arrival);
    const size = writeEmptyReply(this.#scratch, 0, this.#query, failure.rcode, 0);
    const base = this.#count(waiter, size);
    countChainlessResponse(this.#deps.memory.words, base, failure.rcode);
    this.#deliver(arrival, size, block, failure.reason, failure.provenance);
  }

  /** Counts an expired answer that a stage before the cache gets. */
  countStaleHit({ zone }: Waiter, stale: StaleAnswer): void {
    this.#countStale(this.#rowAt(zone.row), stale);
  }

  #countStale(base: number, { isDenial }: StaleAnswer): void {
    countCacheHit(this.#deps.memory.words, base, isDenial ? 1 : 0, 1);
  }

  countMiss({ zone }: Waiter): void {
    countCacheMiss(this.#deps.memory.words, this.#rowAt(zone.row));
  }

  /** A source broke an invariant: its clients get SERVFAIL, and the log the place. */
  countPanic(error: unknown): void {
    this.#deps.onPanic();
    this.#deps.log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  /** Writes the reply from the source that was set. */
  #write({ arrival, zone }: Waiter, error?: ExtendedError): number {
    this.#read(arrival);
    const isStream = arrival.client.protocol === 'tcp';
    const limit = isStream
      ? MESSAGE_SIZE_MAX
      : udpLimit(this.#query, arrival.query.length, zone.udpSizeMax);
    const size = writeReply(this.#scratch, 0, this.#query, this.#source, limit);
    if (error === undefined || !this.#query.hasOpt) return size;
    return addExtendedError(this.#scratch, size, limit, error);
  }

  #read({ query }: Arrival): void {
    this.#scratch.set(query);
    readQuery(this.#scratch, 0, query.length, this.#query);
  }

  #count({ arrival, zone }: Waiter, size: number): number {
    const base = this.#rowAt(zone.row);
    const { qtype, dnssecOk } = this.#query;
    const us = microseconds(this.#deps.nowMs() - arrival.receivedAtMs);
    const { words } = this.#deps.memory;
    countRequest(words, base, qtype, dnssecOk ? 1 : 0, arrival.query.length, size, us);
    return base;
  }

  #deliver(
    arrival: Arrival,
    size: number,
    block: Block | undefined,
    failure: string | undefined,
    provenance?: Provenance | undefined,
  ): void {
    const reply = this.#scratch.subarray(0, size);
    const observers = block?.parts.observers ?? [];
    if (observers.length > 0) {
      const { client, query, receivedAtMs } = arrival;
      const report: ReplyReport = {
        query,
        reply,
        protocol: client.protocol,
        durationMs: this.#deps.nowMs() - receivedAtMs,
        peer: () => client.peer(),
        local: () => this.#deps.localOf(arrival.listener),
        failure,
        provenance,
      };
      for (const observer of observers) observer.replied(report);
    }
    arrival.client.send(reply);
  }

  #rowAt(row: number): number {
    const { memory, rowCount, writer } = this.#deps;
    return memory.countersAt + rowBase(rowCount, writer, row);
  }
}

function microseconds(ms: number): number {
  return Math.max(0, Math.round(ms * 1000));
}

/** What a stage before the cache sees of an outcome: the TTLs that a client would see are in the response. */
export function resolutionOf(outcome: Outcome, question: Question): Resolution {
  if (outcome.code === 'failure') return { ok: false, ...outcome.failure };
  if (outcome.code === 'stale') {
    const { body, ttlS } = outcome.stale;
    return { ok: true, response: responseWithTtl(body, question, ttlS), by: 'cache' };
  }
  const { response, ttlS, by, provenance } = outcome;
  const shown = ttlS < 0 ? response : responseWithTtl(response.body, question, ttlS);
  return { ok: true, response: shown, by, provenance };
}
