/**
 * One client query on its way through a forward: whom it asks, when it asks again, when it gives up. It may have several
 * questions under way at once; the first good answer ends it, and so does its deadline.
 *
 *     start -> ask ---- answer --------------------------------> done
 *               |   `-- TC over UDP -> ask over TCP
 *               |   `-- failover RCODE -> ask the next upstream
 *               |-- late (hedge) -> ask as well on another connection or upstream, at most twice
 *               |-- every upstream silent -> wait for one of them to answer somebody (forward.ts parks it), or fail at once
 *               |-- connection closed after progress -> ask again at once, costs nothing
 *               `-- failed -> next upstream; after each round over all of them a longer pause
 */

import { Attempt, timeoutOf } from './attempt.ts';
import type { UpstreamFailure, UpstreamResult } from './failure.ts';
import { isTruncated, rcodeOf } from './message.ts';
import type { UpstreamObserver } from './observer.ts';
import type { ForwardOptions } from './options.ts';
import { type RandomSource, randomBelow } from './random.ts';
import { Timer, type TimerTarget, type TimerWheel } from './timer-wheel.ts';
import type { Upstream } from './upstream.ts';
import type { QuerySender, UpstreamQuery } from './upstream-query.ts';

/** Two more questions at most for one that is late, and one when an upstream is silent no more. */
const HEDGES_MAX = 2;
/** A late question looks so often whether there is somebody to ask: two thousand of them cost a fiftieth of a core. */
const SILENT_RECHECK_MS = 100;
/** Connections that may close under a query for nothing: a limit on queries is learnt after two; a query that makes the
 * server crash must not go on for ever. */
const FREE_REASKS_MAX = 8;
/** Pauses before the second, third ... round over the upstreams; the last one repeats until the deadline. */
const ROUND_PAUSES_MS = [0, 50, 100, 200, 400];

/** What the exchanges of a forward share. */
export interface ExchangeHost {
  readonly options: ForwardOptions;
  readonly observer: UpstreamObserver;
  readonly random: RandomSource;
  readonly wheel: TimerWheel;
  /** Whether one more late query may be asked again; counts it. */
  takeHedge(): boolean;
  /** Has it wait until `resume`; false where too many wait. */
  park(exchange: Exchange, nowMs: number): boolean;
  /** An upstream has answered. */
  heard(nowMs: number): void;
  exchangeDone(exchange: Exchange): void;
}

export class Exchange implements QuerySender, TimerTarget {
  readonly #host: ExchangeHost;
  /** In the order to try them, at least one. */
  readonly #upstreams: readonly Upstream[];
  readonly #resolve: (result: UpstreamResult) => void;
  readonly #timer = new Timer(this);
  /** Replaced and not pushed to: what grows takes room for 17. */
  #attempts: readonly Attempt[] = [];
  readonly #deadlineAtMs: number;
  readonly message: Uint8Array;
  readonly questionEnd: number;
  #transport: 'udp' | 'tcp';
  #position = 0;
  #underWay = 0;
  #failures = 0;
  #failovers = 0;
  #hedges = 0;
  #freeReasks = 0;
  #hedgeAtMs = Number.POSITIVE_INFINITY;
  #retryAtMs = Number.POSITIVE_INFINITY;
  /** All upstreams are down: one of them is tried, once. */
  #isLastTry = false;
  #isDone = false;
  #failure: UpstreamFailure | undefined;
  /** A truncated answer, or one with a failover RCODE: better than none. */
  #consolation: UpstreamResult | undefined;

  constructor(
    host: ExchangeHost,
    upstreams: readonly Upstream[],
    question: { message: Uint8Array; questionEnd: number; transport: 'udp' | 'tcp' },
    deadlineAtMs: number,
    resolve: (result: UpstreamResult) => void,
  ) {
    this.#host = host;
    this.#upstreams = upstreams;
    this.#resolve = resolve;
    this.#deadlineAtMs = deadlineAtMs;
    this.message = question.message;
    this.questionEnd = question.questionEnd;
    this.#transport = question.transport;
  }

  start(nowMs: number): void {
    this.#askNext(nowMs);
  }

  answered(query: UpstreamQuery, response: Uint8Array, nowMs: number): void {
    if (this.#isDone) return;
    const attempt = query as Attempt;
    const { upstream, carriage } = attempt;
    const elapsedMs = nowMs - attempt.askedAtMs;
    const rcode = rcodeOf(response);
    this.#end(attempt);
    upstream.latency.add(elapsedMs);
    upstream.silence.heard(nowMs);
    this.#host.observer.requestDone(upstream.to, rcode, elapsedMs / 1000);
    const result: UpstreamResult = { ok: true, response, to: upstream.to, transport: carriage };
    if (carriage === 'udp' && isTruncated(response)) this.#truncated(upstream, result, nowMs);
    else if (this.#host.options.failover.includes(rcode)) this.#failOver(result, nowMs);
    else this.#finish(result);
    this.#host.heard(nowMs);
  }

  lost(query: UpstreamQuery, failure: UpstreamFailure, hadProgress: boolean, nowMs: number): void {
    const attempt = query as Attempt;
    if (this.#isDone || attempt.isOver) return;
    const { upstream } = attempt;
    this.#end(attempt);
    this.#failure = failure;
    if (failure.code === 'mismatch') {
      this.#transport = 'tcp';
      this.#reask(upstream, 'mismatch', nowMs);
    } else if (hadProgress && this.#freeReasks < FREE_REASKS_MAX) {
      this.#freeReasks++;
      this.#reask(upstream, 'closed', nowMs);
    } else {
      if (failure.code !== 'malformed') upstream.unanswered(attempt.askedAtMs, nowMs);
      this.#failed(upstream, failure, nowMs);
    }
  }

  /** The end of the wait for silent upstreams, or a trial in between. */
  resume(nowMs: number): void {
    this.#askNext(nowMs);
  }

  timerExpired(nowMs: number): void {
    if (nowMs >= this.#deadlineAtMs) {
      this.#giveUp(this.#timeout());
      return;
    }
    for (const attempt of this.#attempts) {
      if (attempt.isOver || nowMs < this.#readEndsAtMs(attempt)) continue;
      this.#failure = timeoutOf(attempt);
      this.#end(attempt);
      // A reply to what was sent is still welcome; what was not sent yet makes room.
      if (attempt.sentAtMs === 0) attempt.carrier?.abandon(attempt);
      attempt.upstream.unanswered(attempt.askedAtMs, nowMs);
      this.#failed(attempt.upstream, this.#failure, nowMs);
      if (this.#isDone) return;
    }
    if (nowMs >= this.#retryAtMs) this.#askNext(nowMs);
    if (nowMs >= this.#hedgeAtMs) this.#hedge(nowMs);
    if (!this.#isDone) this.#setTimer();
  }

  /** Ends it with `failure`, or with the second-best answer that came. */
  #giveUp(failure: UpstreamFailure): void {
    this.#finish(this.#consolation ?? { ok: false, failure });
  }

  #finish(result: UpstreamResult): void {
    this.#isDone = true;
    this.#host.wheel.cancel(this.#timer);
    // Those that timed out are still on their carriers too.
    for (const attempt of this.#attempts) attempt.carrier?.abandon(attempt);
    this.#host.exchangeDone(this);
    this.#resolve(result);
  }

  #end(attempt: Attempt): void {
    if (!attempt.isOver) this.#underWay--;
    attempt.isOver = true;
  }

  /** CoreDNS's loop over the list, without those that have fallen silent. */
  #askNext(nowMs: number): void {
    this.#retryAtMs = Number.POSITIVE_INFINITY;
    const upstream = this.#choose(undefined, nowMs);
    if (upstream !== undefined) this.#ask(upstream, nowMs);
    else if (this.#upstreams.every(({ health }) => health.isDown)) this.#askDown(nowMs);
    else if (this.#host.park(this, nowMs)) this.#setTimer();
    else this.#tooManyWait(this.#upstreams[0]!.to);
  }

  #tooManyWait(to: string): void {
    this.#host.observer.overloaded(to);
    this.#giveUp({ code: 'overloaded', to });
  }

  /**
   * CoreDNS asks one at random, once, or none at all. Here those that are silent as well get trials only, so that clients hear
   * of the failure, or get a stale answer, at once.
   */
  #askDown(nowMs: number): void {
    const { observer, options, random } = this.#host;
    observer.healthCheckBroken();
    const first = randomBelow(random, this.#upstreams.length);
    const order = [...this.#upstreams.slice(first), ...this.#upstreams.slice(0, first)];
    const upstream = options.failfastAllUnhealthy
      ? undefined
      : order.find(({ silence }) => silence.takeTurn(nowMs));
    if (upstream === undefined) {
      this.#giveUp(this.#failure ?? { code: 'no_healthy_upstream' });
    } else {
      this.#isLastTry = true;
      this.#ask(upstream, nowMs);
    }
  }

  /** The next one that is not down, and not silent unless it is due for a trial. */
  #choose(except: Upstream | undefined, nowMs: number): Upstream | undefined {
    for (let passed = 0; passed < this.#upstreams.length; passed++) {
      const upstream = this.#upstreams[this.#position]!;
      this.#position = (this.#position + 1) % this.#upstreams.length;
      if (upstream === except || upstream.health.isDown) continue;
      if (upstream.silence.takeTurn(nowMs)) return upstream;
    }
    return undefined;
  }

  #ask(upstream: Upstream, nowMs: number, late?: Attempt): void {
    const carriage = upstream.carriage(this.#transport);
    const attempt = new Attempt(this, upstream, carriage, nowMs);
    this.#attempts = [...this.#attempts, attempt];
    this.#underWay++;
    if (this.#hedges < HEDGES_MAX && this.#hedgeAtMs === Number.POSITIVE_INFINITY) {
      this.#hedgeAtMs = nowMs + upstream.latency.hedgeDelayMs();
    }
    if (upstream.carry(attempt, carriage, nowMs, late?.carrier)) this.#setTimer();
    else this.#overloaded(attempt, nowMs);
  }

  /** No pause and no other round: what finds no room must not wait for it here. */
  #overloaded(attempt: Attempt, nowMs: number): void {
    this.#end(attempt);
    this.#failure = { code: 'overloaded', to: attempt.upstream.to };
    this.#failures++;
    if (this.#underWay > 0) this.#setTimer();
    else if (this.#isLastTry || this.#failures >= this.#upstreams.length) {
      this.#giveUp(this.#failure);
    } else this.#askNext(nowMs);
  }

  #reask(upstream: Upstream, reason: 'closed' | 'mismatch' | 'truncated', nowMs: number): void {
    this.#host.observer.reasked(upstream.to, reason);
    this.#ask(upstream, nowMs);
  }

  #truncated(upstream: Upstream, result: UpstreamResult, nowMs: number): void {
    const isFirst = this.#consolation === undefined;
    this.#consolation = result;
    this.#transport = 'tcp';
    if (isFirst) this.#reask(upstream, 'truncated', nowMs);
  }

  #failOver(result: UpstreamResult, nowMs: number): void {
    this.#consolation = result;
    const healthy = this.#upstreams.filter(({ health }) => !health.isDown);
    if (++this.#failovers < healthy.length) this.#askNext(nowMs);
    else if (this.#underWay === 0) this.#finish(result);
  }

  #failed(upstream: Upstream, failure: UpstreamFailure, nowMs: number): void {
    upstream.health.kick(nowMs);
    this.#failures++;
    if (this.#underWay > 0) {
      // What was asked besides may still be answered.
      this.#setTimer();
      return;
    }
    const { maxConnectAttempts } = this.#host.options;
    const isRoundOver = this.#failures % this.#upstreams.length === 0;
    if (
      this.#isLastTry ||
      (maxConnectAttempts > 0 && this.#failures >= maxConnectAttempts) ||
      (isRoundOver && (failure.code === 'malformed' || this.#consolation !== undefined))
    ) {
      this.#giveUp(failure);
      return;
    }
    this.#host.observer.reasked(upstream.to, 'failed');
    const round = isRoundOver ? this.#failures / this.#upstreams.length - 1 : 0;
    const pauseMs = ROUND_PAUSES_MS[round] ?? ROUND_PAUSES_MS.at(-1)!;
    if (pauseMs === 0) this.#askNext(nowMs);
    else {
      this.#retryAtMs = nowMs + pauseMs;
      this.#setTimer();
    }
  }

  #hedge(nowMs: number): void {
    const late = this.#attempts.findLast(({ isOver }) => !isOver);
    this.#hedgeAtMs = Number.POSITIVE_INFINITY;
    // Between two rounds nothing is late: the next question sets the time anew.
    if (late === undefined) return;
    late.upstream.unanswered(late.askedAtMs, nowMs);
    const { silence } = late.upstream;
    const other = this.#choose(late.upstream, nowMs);
    const isTrial = other === undefined && silence.isSuspected;
    if (isTrial) {
      // One of them may answer somebody any moment; what is late then is asked once more.
      this.#hedgeAtMs = nowMs + SILENT_RECHECK_MS;
      if (this.#hedges >= HEDGES_MAX || !silence.takeTurn(nowMs)) return;
    }
    this.#hedges++;
    // Over a stream nothing is lost by chance: the one upstream, which answers others, is asked once more and not twice.
    const isSlowName = other === undefined && late.carriage !== 'udp';
    if (!isTrial && !isSlowName && this.#hedges < HEDGES_MAX) {
      this.#hedgeAtMs = nowMs + late.upstream.latency.hedgeDelayMs();
    }
    // Who leaves a silent upstream for another does not ask twice because of load.
    const isMove = other?.silence.isSuspected === false && silence.isSuspected;
    if (!isMove && !this.#host.takeHedge()) return;
    // A datagram may be lost by chance once; after that the way is suspect.
    if (late.sawMismatch || this.#hedges >= HEDGES_MAX) this.#transport = 'tcp';
    this.#host.observer.reasked(late.upstream.to, 'late');
    this.#ask(other ?? late.upstream, nowMs, late);
  }

  #readEndsAtMs(attempt: Attempt): number {
    return attempt.askedAtMs + this.#host.options.readTimeoutMs;
  }

  #setTimer(): void {
    let dueAtMs = Math.min(this.#deadlineAtMs, this.#hedgeAtMs, this.#retryAtMs);
    for (const attempt of this.#attempts) {
      if (!attempt.isOver) dueAtMs = Math.min(dueAtMs, this.#readEndsAtMs(attempt));
    }
    this.#host.wheel.schedule(this.#timer, dueAtMs);
  }

  /** At the deadline: what failed last, or that nothing has come so far, also where silence kept it from asking. */
  #timeout(): UpstreamFailure {
    const waiting = this.#attempts.findLast(({ isOver }) => !isOver);
    if (waiting !== undefined) return timeoutOf(waiting);
    const upstream = this.#upstreams[0]!;
    return this.#failure ?? timeoutOf({ upstream, carriage: upstream.carriage(this.#transport) });
  }
}
