/**
 * One `forward` line: its upstreams and the queries under way to them. Whether a name is its business (FROM, `except`), and
 * what becomes of the answer, is the caller's. Memory is bounded: each upstream holds a bounded number of queries and each
 * query ends at its deadline.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { Newest } from '../base/newest.ts';
import type { UpstreamContext } from './context.ts';
import { Exchange, type ExchangeHost } from './exchange.ts';
import type { UpstreamResult } from './failure.ts';
import type { HostLookUp } from './host-look-up.ts';
import { HostNames } from './host-names.ts';
import { questionEndOf } from './message.ts';
import type { UpstreamObserver } from './observer.ts';
import type { Endpoint, ForwardOptions } from './options.ts';
import { createPolicy, type OrderChoice } from './policy.ts';
import { RandomPool, type RandomSource } from './random.ts';
import { TRIAL_PAUSE_MIN_MS } from './silence.ts';
import { Timer, TimerWheel } from './timer-wheel.ts';
import { Upstream, type UpstreamSnapshot, upstreamKey } from './upstream.ts';

/** A second less than glibc and Go wait, so that their resolvers hear of a failure instead of asking on top. */
export const DEADLINE_MS = 4000;
/** Questions asked twice may be a fifth of all, so that an upstream that is slow from load gets little more of it ... */
const HEDGE_SHARE = 0.2;
/** ... but a stalled connection or two may be emptied at once. */
const HEDGE_BURST = 128;

/** Questions that wait for silent upstreams, and so survive a short break: all of a usual node's. In a flood the others fail at once. */
const PARKED_MAX = 1024;
/** Each answer lets so many of them go: the upstream sets the pace, and all have gone after a dozen round trips. */
const RELEASED_BY_ANSWER = 2;

export interface ForwardDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: UpstreamObserver;
  /** Undefined: the system's generator. */
  readonly random?: RandomSource;
  /** For host names in TO without a `resolver`; undefined: the system's. */
  readonly lookUp?: HostLookUp;
}

export interface ForwardSnapshot {
  /** Client queries under way. */
  readonly exchanges: number;
  readonly upstreams: readonly UpstreamSnapshot[];
}

/** A question on its way to whichever upstream. */
interface Asked {
  readonly message: Uint8Array;
  readonly questionEnd: number;
  readonly transport: 'udp' | 'tcp';
}

export interface ExchangeOptions {
  /** The client's. */
  readonly transport: 'udp' | 'tcp';
  readonly deadlineMs?: number;
  readonly nowMs?: number;
}

export class Forward implements ExchangeHost {
  readonly options: ForwardOptions;
  readonly observer: UpstreamObserver;
  readonly random: RandomSource;
  readonly wheel: TimerWheel;
  readonly #clock: Clock;
  readonly #context: UpstreamContext;
  readonly #order: OrderChoice;
  readonly #hostNames: HostNames;
  #upstreams: Upstream[];
  /** Their host name does not lead to them any more; they still owe answers. */
  readonly #retired = new Set<Upstream>();
  /** In order of arrival. */
  readonly #parked = new Set<Exchange>();
  readonly #parkTimer = new Timer({ timerExpired: (nowMs) => this.#tryParked(nowMs) });
  /** With its attempts, and what carried them. */
  readonly #newest = new Newest<Exchange>();
  #exchanges = 0;
  #hedgesAllowed = HEDGE_BURST;
  #closing: PromiseWithResolvers<void> | undefined;

  /** Resolves once each host name of TO was looked up; at once where there is none. */
  readonly ready: Promise<void>;

  /** Throws where a certificate or key cannot be read. */
  constructor(options: ForwardOptions, dependencies: ForwardDependencies) {
    const { clock, log, observer, random = new RandomPool(), lookUp } = dependencies;
    this.options = options;
    this.observer = observer;
    this.random = random;
    this.wheel = new TimerWheel(clock);
    this.#clock = clock;
    this.#context = { options, clock, log, observer, random, wheel: this.wheel };
    this.#order = createPolicy(options.policy, random);
    this.#hostNames = new HostNames(this.#context, (endpoints) => this.#replace(endpoints), lookUp);
    this.#upstreams = this.#hostNames.addresses.map(
      (endpoint) => new Upstream(this.#context, endpoint),
    );
    this.ready = this.#hostNames.start();
  }

  /**
   * Asks the upstreams. `query` is a whole message with one question, its id is not used and it is not written to; it must
   * stay as it is until the result is there. Who has just looked at the clock says what it was: a miss is asked in so little time
   * that each further look shows.
   */
  exchange(
    query: Uint8Array,
    { transport, deadlineMs = DEADLINE_MS, nowMs = this.#clock.nowMs() }: ExchangeOptions,
  ): Promise<UpstreamResult> {
    const message = query;
    const deadlineAtMs = nowMs + deadlineMs;
    const question = {
      message,
      questionEnd: questionEndOf(message),
      transport: this.#transport(transport),
    };
    if (!this.#hostNames.isFirst || this.#upstreams.length > 0) {
      return this.#ask(question, deadlineAtMs, nowMs);
    }
    return this.#whenLookedUp(deadlineAtMs).then(() =>
      this.#ask(question, deadlineAtMs, this.#clock.nowMs()),
    );
  }

  snapshot(): ForwardSnapshot {
    return {
      exchanges: this.#exchanges,
      upstreams: this.#upstreams.map((upstream) => upstream.snapshot()),
    };
  }

  /** Takes no more queries; resolves once those under way have ended, which their deadlines bound, and all is closed. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = Promise.withResolvers();
      this.#hostNames.close();
      if (this.#exchanges === 0) this.#shut();
    }
    return this.#closing.promise;
  }

  takeHedge(): boolean {
    if (this.#hedgesAllowed < 1) return false;
    this.#hedgesAllowed--;
    return true;
  }

  park(exchange: Exchange, nowMs: number): boolean {
    if (this.#parked.size === PARKED_MAX) return false;
    this.#parked.add(exchange);
    this.wheel.scheduleBy(this.#parkTimer, nowMs + TRIAL_PAUSE_MIN_MS);
    return true;
  }

  heard(nowMs: number): void {
    for (let count = 0; count < RELEASED_BY_ANSWER; count++) this.#release(nowMs);
  }

  exchangeDone(exchange: Exchange): void {
    this.#parked.delete(exchange);
    this.#exchanges--;
    if (this.#exchanges === 0 && this.#closing !== undefined) this.#shut();
  }

  #ask(question: Asked, deadlineAtMs: number, nowMs: number): Promise<UpstreamResult> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.resolve(refusal);
    this.#exchanges++;
    if (this.#hedgesAllowed < HEDGE_BURST) this.#hedgesAllowed += HEDGE_SHARE;
    const { promise, resolve } = Promise.withResolvers<UpstreamResult>();
    const order = this.#order(this.#upstreams);
    const exchange = new Exchange(this, order, question, deadlineAtMs, resolve);
    this.#newest.hold(exchange).start(nowMs);
    return promise;
  }

  /** A question that comes before the first address waits for it, as far as its deadline goes. */
  #whenLookedUp(deadlineAtMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = new Timer({ timerExpired: () => resolve() });
    this.wheel.schedule(timer, deadlineAtMs);
    void this.ready.then(() => {
      this.wheel.cancel(timer);
      resolve();
    });
    return promise;
  }

  #release(nowMs: number): void {
    const { value: first } = this.#parked.values().next();
    if (first === undefined) return;
    this.#parked.delete(first);
    first.resume(nowMs);
  }

  /** The first that waits asks again, or goes on waiting; without new questions nobody else would try. */
  #tryParked(nowMs: number): void {
    this.#release(nowMs);
    if (this.#parked.size > 0) {
      this.wheel.scheduleBy(this.#parkTimer, nowMs + TRIAL_PAUSE_MIN_MS);
    }
  }

  #refusal(): UpstreamResult | undefined {
    const { maxConcurrent } = this.options;
    if (this.#closing !== undefined) return { ok: false, failure: { code: 'closed' } };
    if (maxConcurrent > 0 && this.#exchanges >= maxConcurrent) {
      this.observer.maxConcurrentRejected();
      return { ok: false, failure: { code: 'max_concurrent', maximum: maxConcurrent } };
    }
    if (this.#upstreams.length === 0) {
      return { ok: false, failure: { code: 'unresolved', hosts: this.#hostNames.names } };
    }
    return undefined;
  }

  #transport(client: 'udp' | 'tcp'): 'udp' | 'tcp' {
    switch (this.options.protocol) {
      case 'force_tcp':
        return 'tcp';
      case 'prefer_udp':
        return 'udp';
      case 'client':
        return client;
    }
  }

  /** A host name has other addresses: what is still meant stays as it is. */
  #replace(endpoints: readonly Endpoint[]): void {
    const before = new Map(this.#upstreams.map((upstream) => [upstream.key, upstream]));
    this.#upstreams = endpoints.map((endpoint) => {
      const kept = before.get(upstreamKey(endpoint));
      before.delete(upstreamKey(endpoint));
      return kept ?? new Upstream(this.#context, endpoint);
    });
    for (const upstream of before.values()) this.#retire(upstream);
  }

  #retire(upstream: Upstream): void {
    this.#retired.add(upstream);
    const timerExpired = (nowMs: number) => {
      this.#retired.delete(upstream);
      upstream.close(nowMs);
    };
    this.wheel.schedule(new Timer({ timerExpired }), this.#clock.nowMs() + DEADLINE_MS);
  }

  #shut(): void {
    const nowMs = this.#clock.nowMs();
    for (const upstream of [...this.#upstreams, ...this.#retired]) upstream.close(nowMs);
    this.wheel.close();
    this.#closing?.resolve();
  }
}
