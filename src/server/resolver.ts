/**
 * What responders cannot answer: misses, and zones whose chain does more than the cache. On the main thread.
 *
 *   arrival -> answerer (cache, refusals) -> reply
 *     |          |- miss -> in-flight table -> stages of the block -> admit -> reply to all who wait
 *     |                      ^         ^-- refresh requests of responders (nobody waits)
 *     |- stages before the cache, where the block has any: they ask the cache, then as above
 *
 * Bounded: questions under way and those who wait for them; beyond, the client gets SERVFAIL at once.
 */

import type { Clock } from '../base/clock.ts';
import { assert } from '../base/invariant.ts';
import { Newest } from '../base/newest.ts';
import { CacheKey, type HashSeed, keyText } from '../cache/key.ts';
import { drainRefreshRings } from '../cache/refresh-ring.ts';
import { type CacheStore, keyOfEntry } from '../cache/store.ts';
import {
  chainOf,
  type HostPort,
  type Next,
  type Question,
  type Resolution,
  spanned,
} from '../directives/resolution.ts';
import {
  type FlightKey,
  type InFlightCounts,
  type InFlightLimits,
  InFlightTable,
} from '../upstream/in-flight.ts';
import { VERDICT } from '../wire/query.ts';
import { FLAG, OPCODE, RCODE } from '../wire/registry.ts';
import { admit } from './admission.ts';
import { type Answerer, OUTCOME } from './answer.ts';
import type { AskedQuery } from './asked-query.ts';
import type { Block } from './block.ts';
import type { Arrival } from './client.ts';
import { InnerQuestions } from './inner-questions.ts';
import { type ListenerPlan, listenerOf, type ResponderPlan, takesClass } from './plan.ts';
import { ArrivalAsker, keyOfQuestion, questionOf, refreshArrival, zoneOf } from './question.ts';
import { type Outcome, type Replies, resolutionOf, type Waiter } from './replies.ts';
import { isDue, StaleAnswers } from './stale.ts';

/** As a TTL: each record's own. */
const AS_IT_IS = -1;

const asItIs = (resolution: Resolution) => resolution;

const REFUSED: Resolution = { ok: false, rcode: RCODE.REFUSED, reason: undefined };

const FULL: Outcome = {
  code: 'failure',
  failure: { rcode: RCODE.SERVFAIL, reason: 'too many queries in flight' },
};

export interface ResolverDependencies {
  readonly clock: Clock;
  readonly store: CacheStore;
  readonly hashSeed: HashSeed;
  /** Answers from the cache on this thread: for datagrams, and for frames of a stream. */
  readonly udpAnswerer: Answerer;
  readonly tcpAnswerer: Answerer;
  readonly replies: Replies;
  readonly inFlight: InFlightLimits;
  /** Where a listener is bound; an empty host is every address. */
  readonly localOf: (listener: number) => HostPort;
  /** A refresh was started. */
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
  readonly #inFlight: InFlightTable<Waiter>;
  readonly #stale: StaleAnswers;
  readonly inner = new InnerQuestions();
  /** Of the question whose answer has come. */
  readonly #answeredKey = new CacheKey();
  #plan: ResolverPlan = { udp: { listeners: {} }, tcp: { listeners: {} }, blocks: new Map() };
  /** Each with its client: those of both protocols are of different classes. */
  readonly #newest = { udp: new Newest<Question>(), tcp: new Newest<Question>() };
  #loneQuestions = 0;
  #onIdle: () => void = () => {};

  constructor(deps: ResolverDependencies) {
    this.#deps = deps;
    this.#inFlight = new InFlightTable(deps.inFlight, ({ arrival }) => arrival.client.source);
    this.#stale = new StaleAnswers(deps.store, deps.clock);
  }

  get inFlight(): InFlightCounts {
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

  /** Counts datagrams that were taken by one system call. */
  readonly countBatch = (size: number): void => this.#deps.udpAnswerer.countBatch(size);

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
    if (size === OUTCOME.MISS) {
      this.#take(arrival, answerer.asked);
    } else {
      replies.finishCached(arrival, size, this.#onlookerOf(answerer.asked, plan));
      // Behind the reply: a stage that is asked may look another question up where that one stands.
      if (answerer.refreshRequests > 0) this.refresh();
    }
  };

  /** What the answerer leaves: a miss, or a question of a zone whose chain begins before the cache. */
  #take(arrival: Arrival, asked: AskedQuery): void {
    const { zone, fields } = asked;
    assert(zone !== undefined, 'a miss has a zone');
    const key = asked.wholeKey(zone, this.#deps.hashSeed);
    const waiter = { arrival, zone };
    const block = this.#plan.blocks.get(zone.block)!;
    const opcode = (fields.flags & FLAG.OPCODE) >> 11;
    const question = questionOf(key, {
      opcode,
      transport: arrival.client.protocol,
      asker: new ArrivalAsker(arrival, this.#deps.localOf),
      askAgain: this.inner.limited((inner) => this.#askAgain(arrival, inner)),
    });
    this.#newest[arrival.client.protocol].hold(question);
    if (block.parts.front.length > 0) void this.#askFront(waiter, block, question);
    else this.#miss(waiter, block, key, question);
  }

  /** The chain from its first stage on; what comes out is the client's alone. */
  async #askFront(waiter: Waiter, block: Block, question: Question): Promise<void> {
    const cache: Next = (asked) => this.#lookUp(waiter, block, asked);
    const ask = chainOf(block.parts.front, (asked) => spanned('cache', asked, cache));
    const resolution = await this.#guard(ask, question, asItIs);
    const outcome: Outcome = resolution.ok
      ? { code: 'response', ...resolution, ttlS: AS_IT_IS }
      : { code: 'failure', failure: resolution };
    this.#deps.replies.settle(waiter, outcome, block);
  }

  /** The cache as a stage: its answer, or that of the stages behind it, which goes into the cache. */
  #lookUp({ arrival, zone }: Waiter, block: Block, question: Question): Promise<Resolution> {
    const { replies, clock, tcpAnswerer } = this.#deps;
    const isPlain = question.opcode === OPCODE.QUERY;
    const cached = isPlain && replies.lookUp(tcpAnswerer, question, zone, clock.nowMs());
    if (tcpAnswerer.refreshRequests > 0) this.refresh();
    if (cached) return Promise.resolve({ ok: true, response: cached, by: 'cache' });
    const { promise, resolve } = Promise.withResolvers<Resolution>();
    const waiter: Waiter = {
      arrival,
      zone,
      take: (outcome) => {
        if (outcome.code === 'stale') replies.countStaleHit(waiter, outcome.stale);
        resolve(resolutionOf(outcome, question));
      },
    };
    this.#miss(waiter, block, this.#keyOf(question, zone.block), question);
    return promise;
  }

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
      const stale = block.parts.cache?.stale;
      if (stale !== undefined && this.#stale.isHeld(at, stale)) return;
      const flight = { text: keyText(key), hash: key.hash };
      if (this.#inFlight.join(flight, undefined) !== 'started') return;
      onRefresh(key.block);
      this.#ask(block, this.#refreshQuestion(key, nowMs), flight);
    });
  };

  #refreshQuestion(key: CacheKey, nowMs: number): Question {
    const arrival = refreshArrival(listenerOf(this.#plan.udp, key.block), nowMs);
    const askAgain = this.inner.limited((asked) => this.#askAgain(arrival, asked));
    return questionOf(key, { opcode: 0, transport: 'udp', asker: undefined, askAgain });
  }

  /** A stage's question to the whole server. It waits for nobody else's, so that two cannot wait for each other. */
  async #askAgain(arrival: Arrival, question: Question): Promise<Resolution> {
    const isStream = arrival.client.protocol === 'tcp';
    const plan = (isStream ? this.#plan.tcp : this.#plan.udp).listeners[arrival.listener];
    const zone = plan && zoneOf(question, plan, this.#deps.hashSeed);
    const block = zone && this.#plan.blocks.get(zone.block);
    if (block === undefined || !takesClass(zone!, question.qclass)) return REFUSED;
    const waiter = { arrival, zone: zone! };
    const ask = chainOf(block.parts.front, (inner) => this.#lookUp(waiter, block, inner));
    return this.#guard(ask, question, asItIs);
  }

  #miss(waiter: Waiter, block: Block, key: CacheKey, question: Question): void {
    const held = this.#stale.findHeld(block, key, question);
    if (held !== undefined) {
      this.#deps.replies.settle(waiter, { code: 'stale', stale: held }, block);
      return;
    }
    const flight = this.#flightOf(block, key, question, waiter.arrival);
    this.#deps.replies.countMiss(waiter);
    const joined = this.#inFlight.join(flight, waiter);
    if (joined === 'full') {
      this.#deps.replies.settle(waiter, FULL, block);
    } else {
      this.#verifyInTime(block, question, flight);
      if (joined === 'started') this.#ask(block, question, flight);
    }
  }

  /** The question in the in-flight table; one of its own where nobody else may wait for the same answer. */
  #flightOf(block: Block, key: CacheKey, question: Question, { client }: Arrival): FlightKey {
    const text = question.opcode === 0 ? keyText(key) : `${keyText(key)} ${question.opcode}`;
    // The loop detector's own question must be asked each time it comes.
    const isLoopQuestion =
      block.parts.loop?.sees(question.qname, question.qtype, () => client.peer()) ?? false;
    const isLone = isLoopQuestion || block.isPersonal || question.isInner === true;
    return { text: isLone ? `${text} ${this.#loneQuestions++}` : text, hash: key.hash };
  }

  /**
   * Without `await`: thousands of questions may wait here, and a suspended function takes half a kilobyte. For the same
   * reason the key is not kept; the question gives it back.
   */
  #ask(block: Block, question: Question, flight: FlightKey): void {
    void this.#guard(block.ask, question, (resolution) => {
      const outcome = this.#conclude(block, question, resolution);
      const waiters = this.#inFlight.finish(flight);
      if (this.#inFlight.questionCount === 0) this.#onIdle();
      for (const waiter of waiters) this.#deps.replies.settle(waiter, outcome, block);
    });
  }

  /** What those who wait get; a response goes into the cache. */
  #conclude(block: Block, question: Question, resolution: Resolution): Outcome {
    const { number } = block.parts;
    const key = keyOfQuestion(question, number, this.#deps.hashSeed, this.#answeredKey);
    const nowMs = this.#deps.clock.nowMs();
    const stale = this.#stale.standIn(block, key, question, resolution);
    if (stale !== undefined) return { code: 'stale', stale };
    if (!resolution.ok) return { code: 'failure', failure: resolution };
    const { response, by, provenance } = resolution;
    // A reload may have taken the block away meanwhile, with its room in the cache.
    const isAdmissible = this.#plan.blocks.has(number) && question.opcode === OPCODE.QUERY;
    const ttlS = isAdmissible
      ? admit(this.#deps.store, block, key, question.qname, response, nowMs)
      : AS_IT_IS;
    return { code: 'response', response, ttlS, by, provenance };
  }

  /** What `use` makes of the answer. A stage that breaks an invariant costs its question a SERVFAIL, not the process. */
  #guard<T>(ask: Next, question: Question, use: (resolution: Resolution) => T): Promise<T> {
    try {
      return ask(question).then(use, (error: unknown) => use(this.#panic(error)));
    } catch (error) {
      return Promise.resolve(use(this.#panic(error)));
    }
  }

  readonly #panic = (error: unknown): Resolution => {
    this.#deps.replies.countPanic(error);
    return { ok: false, rcode: RCODE.SERVFAIL, reason: String(error) };
  };

  /** For each who waits: when the upstream takes longer than `verify` lets it, they get the stale answer. */
  #verifyInTime(block: Block, question: Question, flight: FlightKey): void {
    if (block.parts.cache?.stale === undefined) return;
    const findKey = () => this.#keyOf(question, block.parts.number);
    this.#stale.inTime(block, findKey, question, flight, (stale) => {
      for (const waiter of this.#inFlight.takeWaiters(flight)) {
        this.#deps.replies.settle(waiter, { code: 'stale', stale }, block);
      }
    });
  }

  #keyOf(question: Question, block: number): CacheKey {
    return keyOfQuestion(question, block, this.#deps.hashSeed);
  }

  /** The block whose observers see a reply from the cache: one that is not direct. A refusal belongs to none. */
  #onlookerOf({ verdict, zone }: AskedQuery, plan: ListenerPlan): Block | undefined {
    if (verdict !== VERDICT.ACCEPT || zone === undefined) return undefined;
    const isAllDirect = plan.zones.every(({ isDirect }) => isDirect);
    return isAllDirect ? undefined : this.#plan.blocks.get(zone.block);
  }
}
