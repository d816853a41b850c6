/**
 * What responders cannot answer: misses, TCP clients, and zones whose chain does more than the cache. On the main thread.
 *
 *   arrival -> answerer (cache, refusals) -> reply
 *                |- miss -> in-flight table -> sources of the block -> admit -> reply to all who wait
 *   refresh requests of responders ----------^  (nobody waits)
 *
 * Bounded: questions under way and those who wait for them; beyond, the client gets SERVFAIL at once.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../base/clock.ts';
import { ENTRY, ENTRY_FLAG, flagsOf, readBody } from '../cache/entry.ts';
import {
  CacheKey,
  finishKey,
  type HashSeed,
  KEY_FLAG,
  keyFlags,
  keyText,
  setKeyName,
} from '../cache/key.ts';
import type { CachePolicy } from '../cache/policy.ts';
import { drainRefreshRings } from '../cache/refresh-ring.ts';
import { type CacheStore, keyOfEntry } from '../cache/store.ts';
import type { Question, Resolution } from '../directives/resolution.ts';
import { InFlightTable } from '../upstream/in-flight.ts';
import type { Octets } from '../wire/octets.ts';
import { QueryFields, readQuery, VERDICT } from '../wire/query.ts';
import { FLAG, RCODE } from '../wire/registry.ts';
import { admit } from './admission.ts';
import { type Answerer, OUTCOME } from './answer.ts';
import type { Block } from './block.ts';
import type { Arrival } from './client.ts';
import { chooseZone, type ListenerPlan, type ResponderPlan, type ZonePlan } from './plan.ts';
import type { Failure, Replies, StaleAnswer, Waiter } from './replies.ts';

/**
 * A waiting question costs about 2 kB with its upstream query: 16,384 are some 30 MB, or two seconds of 8,000 misses a
 * second with every upstream silent.
 */
const QUESTIONS_MAX = 16_384;
const WAITERS_MAX = 65_536;

export interface ResolverDependencies {
  readonly clock: Clock;
  readonly store: CacheStore;
  readonly hashSeed: HashSeed;
  /** Answers from the cache on this thread: for datagrams, and for frames of a stream. */
  readonly udpAnswerer: Answerer;
  readonly tcpAnswerer: Answerer;
  readonly replies: Replies;
  /** A refresh was started; `at` is the entry. */
  readonly onRefresh: (block: number) => void;
}

/** What the resolver knows of the configuration. */
export interface ResolverPlan {
  readonly udp: ResponderPlan;
  /** The same zones with the rows of TCP. */
  readonly tcp: ResponderPlan;
  readonly blocks: ReadonlyMap<number, Block>;
}

export class Resolver {
  readonly #deps: ResolverDependencies;
  readonly #inFlight = new InFlightTable<Waiter>(
    { questions: QUESTIONS_MAX, waiters: WAITERS_MAX },
    ({ arrival }) => arrival.client.source,
  );
  readonly #query = new QueryFields();
  #key = new CacheKey();
  #plan: ResolverPlan = { udp: { listeners: {} }, tcp: { listeners: {} }, blocks: new Map() };
  #loopQuestions = 0;
  #onIdle: () => void = () => {};

  constructor(deps: ResolverDependencies) {
    this.#deps = deps;
  }

  get inFlight(): Pick<
    InFlightTable<Waiter>,
    'questionCount' | 'waiterCount' | 'coalescedCount' | 'fullCount' | 'unfairCount'
  > {
    return this.#inFlight;
  }

  /** Resolves when no question is under way any more, or after `timeoutMs`. */
  async whenIdle(timeoutMs: number): Promise<void> {
    if (this.#inFlight.questionCount === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    const timer = setTimeout(resolve, timeoutMs);
    await promise;
    clearTimeout(timer);
  }

  apply(plan: ResolverPlan): void {
    this.#plan = plan;
    this.#deps.udpAnswerer.apply(plan.udp);
    this.#deps.tcpAnswerer.apply(plan.tcp);
  }

  /** Counts a datagram that gets no reply because of where it came from. */
  readonly ignore = (listener: number): void => this.#deps.udpAnswerer.ignore(listener);

  /** Answers or asks; the reply goes to the arrival's client, now or later. */
  readonly serve = (arrival: Arrival): void => {
    const { replies, clock } = this.#deps;
    const isStream = arrival.client.protocol === 'tcp';
    const plan = (isStream ? this.#plan.tcp : this.#plan.udp).listeners[arrival.listener];
    const answerer = isStream ? this.#deps.tcpAnswerer : this.#deps.udpAnswerer;
    // Without a plan its listener has gone with a reload.
    const size = plan ? replies.fromCache(answerer, arrival, clock.nowMs()) : OUTCOME.NOTHING;
    if (plan === undefined || size === OUTCOME.NOTHING) {
      arrival.client.drop();
      return;
    }
    if (answerer.refreshRequests > 0) this.refresh();
    if (size === OUTCOME.MISS) {
      const zone = this.#readKey(arrival.query, plan);
      assert(zone !== undefined, 'a miss has a zone');
      this.#miss({ arrival, zone }, this.#key);
    } else {
      replies.finishCached(arrival, size, this.#onlookerOf(arrival, plan));
    }
  };

  /** Looks at what responders want refreshed. */
  readonly refresh = (): void => {
    const { store, clock, onRefresh } = this.#deps;
    const nowMs = clock.nowMs();
    drainRefreshRings(store.memory, (slot) => {
      const at = store.entryOfSlot(slot);
      // The slot may have passed to another entry, or have been refreshed meanwhile.
      if (at === 0 || !isDue(store, at, nowMs)) return;
      const key = keyOfEntry(store.memory, at);
      const block = this.#plan.blocks.get(key.block);
      if (block === undefined) return;
      const flight = keyText(key);
      if (this.#inFlight.join(flight, undefined) !== 'started') return;
      onRefresh(key.block);
      void this.#ask(block, key, questionOf(key, 0, 'udp'), flight);
    });
  };

  #miss(waiter: Waiter, key: CacheKey): void {
    const { arrival, zone } = waiter;
    const block = this.#plan.blocks.get(zone.block)!;
    const opcode = (this.#query.flags & FLAG.OPCODE) >> 11;
    const question = questionOf(key, opcode, arrival.client.protocol);
    const flight = this.#flightOf(block, key, question, arrival);
    this.#deps.replies.countMiss(waiter);
    const joined = this.#inFlight.join(flight, waiter);
    if (joined === 'full') {
      const reason = 'too many queries in flight';
      this.#fail([waiter], block, { rcode: RCODE.SERVFAIL, reason });
    } else if (joined === 'started') {
      this.#verifyInTime(block, key, question, flight);
      void this.#ask(block, key, question, flight);
    }
  }

  /** The question's text in the in-flight table. The loop detector's own question must be asked each time it comes. */
  #flightOf(block: Block, key: CacheKey, question: Question, { client }: Arrival): string {
    const text = question.opcode === 0 ? keyText(key) : `${keyText(key)} ${question.opcode}`;
    const isLoopQuestion =
      block.parts.loop?.sees(question.qname, question.qtype, () => client.peer()) ?? false;
    return isLoopQuestion ? `${text} ${this.#loopQuestions++}` : text;
  }

  async #ask(block: Block, key: CacheKey, question: Question, flight: string): Promise<void> {
    const resolution = await this.#resolve(block, question);
    const { store, clock, replies } = this.#deps;
    const nowMs = clock.nowMs();
    const stale = replaces(resolution) ? undefined : this.#staleBody(block, key, question);
    const waiters = this.#inFlight.finish(flight);
    if (this.#inFlight.questionCount === 0) this.#onIdle();
    if (stale !== undefined) {
      for (const waiter of waiters) replies.sendStale(waiter, stale, block);
      return;
    }
    if (!resolution.ok) {
      this.#fail(waiters, block, resolution);
      return;
    }
    const { response, by } = resolution;
    // A reload may have taken the block away meanwhile, with its room in the cache.
    const isAdmissible = this.#plan.blocks.has(key.block) && question.opcode === 0;
    const ttlS = isAdmissible ? admit(store, block, key, question.qname, response, nowMs) : -1;
    for (const waiter of waiters) replies.send(waiter, response.body, ttlS, by, block);
  }

  async #resolve(block: Block, question: Question): Promise<Resolution> {
    try {
      for (const source of block.parts.sources) {
        const resolution = source.resolve(question);
        if (resolution !== undefined) return await resolution;
      }
    } catch (error) {
      this.#deps.replies.countPanic(error);
      return { ok: false, rcode: RCODE.SERVFAIL, reason: String(error) };
    }
    return { ok: false, rcode: RCODE.SERVFAIL, reason: 'no next plugin found' };
  }

  /** `serve_stale ... verify TIMEOUT`: when the upstream takes longer, those who wait get the stale answer. */
  #verifyInTime(block: Block, key: CacheKey, question: Question, flight: string): void {
    const timeoutMs = block.cacheFor(question.qname)?.stale?.verifyTimeoutMs ?? 0;
    if (timeoutMs === 0 || this.#staleBody(block, key, question) === undefined) return;
    const timer = setTimeout(() => {
      const stale = this.#staleBody(block, key, question);
      if (stale === undefined) return;
      for (const waiter of this.#inFlight.takeWaiters(flight)) {
        this.#deps.replies.sendStale(waiter, stale, block);
      }
    }, timeoutMs);
    timer.unref();
  }

  /** The stale answer that may stand in for a fresh one (RFC 8767 §4), where the block's policy keeps such. */
  #staleBody(block: Block, key: CacheKey, question: Question): StaleAnswer | undefined {
    const policy: CachePolicy | undefined = block.cacheFor(question.qname);
    if (policy?.stale === undefined || question.opcode !== 0) return undefined;
    const { store, clock } = this.#deps;
    const at = store.find(key);
    if (at === 0) return undefined;
    const { words, doubles } = store.memory;
    const flags = flagsOf(words, at);
    const isUsable = clock.nowMs() < doubles[(at + ENTRY.STALE) >> 1]!;
    if (!isUsable || (flags & ENTRY_FLAG.SERVER_ERROR) !== 0) return undefined;
    return {
      body: readBody(store.memory, at),
      isDenial: (flags & ENTRY_FLAG.DENIAL) !== 0,
      ttlS: policy.stale.responseTtlS,
    };
  }

  #fail(waiters: readonly Waiter[], block: Block, failure: Failure): void {
    for (const waiter of waiters) this.#deps.replies.sendFailure(waiter, failure, block);
  }

  /** The block whose observers see a reply from the cache: one that is not direct. A refusal belongs to none. */
  #onlookerOf(arrival: Arrival, plan: ListenerPlan): Block | undefined {
    if (plan.zones.every(({ isDirect }) => isDirect)) return undefined;
    const zone = this.#readKey(arrival.query, plan);
    return zone === undefined ? undefined : this.#plan.blocks.get(zone.block);
  }

  /** Reads a query into a key of its own; the zone that it belongs to, if any. */
  #readKey(query: Octets, plan: ListenerPlan): ZonePlan | undefined {
    if (readQuery(query, 0, query.length, this.#query) !== VERDICT.ACCEPT) return undefined;
    this.#key = new CacheKey();
    const words = new Int32Array(query.buffer, query.byteOffset, (query.length + 3) >> 2);
    setKeyName(this.#key, words, 0, this.#query.qnameSize);
    const zone = chooseZone(plan, this.#query, this.#key);
    if (zone === undefined) return undefined;
    finishKey(this.#key, this.#query, zone.block, keyFlags(this.#query), this.#deps.hashSeed);
    return zone;
  }
}

function isDue(store: CacheStore, at: number, nowMs: number): boolean {
  const { doubles } = store.memory;
  return (
    nowMs >= Math.min(doubles[(at + ENTRY.PREFETCH) >> 1]!, doubles[(at + ENTRY.EXPIRES) >> 1]!)
  );
}

/** RFC 8767 §4, and CoreDNS's verify: only these two say something about the name. */
function replaces(resolution: Resolution): boolean {
  if (!resolution.ok) return false;
  const { rcode } = resolution.response.body;
  return rcode === RCODE.NOERROR || rcode === RCODE.NXDOMAIN;
}

function questionOf(key: CacheKey, opcode: number, transport: 'udp' | 'tcp'): Question {
  const { flags } = key;
  const qname: Octets = key.octets.slice(0, key.qnameSize);
  return {
    qname,
    qtype: key.qtype,
    qclass: key.qclass,
    opcode,
    rd: (flags & KEY_FLAG.RD) !== 0,
    cd: (flags & KEY_FLAG.CD) !== 0,
    dnssecOk: (flags & KEY_FLAG.DO) !== 0,
    transport,
  };
}
