/**
 * Whether an upstream is up, as CoreDNS finds out (plugin/pkg/proxy/health.go): nothing is sent while all is well. After an
 * error one probe after the other goes out, every `health_check` interval, until one is answered; an upstream is down while
 * more than `max_fails` in a row were not. Any DNS response is an answer.
 */
import type { UpstreamContext } from './context.ts';
import { healthQuery, questionEndOf } from './message.ts';
import { Timer, type TimerTarget } from './timer-wheel.ts';
import { type QuerySender, UpstreamQuery } from './upstream-query.ts';

/** CoreDNS's read and write time-out of a health check. */
export const PROBE_TIMEOUT_MS = 1000;

/** Opens a carrier of its own for one probe, and closes it. */
export interface ProbeCarrier {
  carry(query: UpstreamQuery, nowMs: number): void;
  close(nowMs: number): void;
}

export interface HealthCheckOwner {
  openCarrier(): ProbeCarrier;
  answered(nowMs: number): void;
}

export class HealthCheck implements QuerySender, TimerTarget {
  readonly #context: UpstreamContext;
  readonly #to: string;
  readonly #owner: HealthCheckOwner;
  readonly #message: Uint8Array;
  readonly #timer = new Timer(this);
  #carrier: ProbeCarrier | undefined;
  #probe: UpstreamQuery | undefined;
  /** Probes in a row without an answer. */
  fails = 0;

  constructor(context: UpstreamContext, to: string, owner: HealthCheckOwner) {
    const { healthCheckDomain, healthCheckRecursionDesired } = context.options;
    this.#context = context;
    this.#to = to;
    this.#owner = owner;
    this.#message = healthQuery(healthCheckDomain, healthCheckRecursionDesired);
  }

  get isDown(): boolean {
    const { maxFails } = this.#context.options;
    return maxFails > 0 && this.fails > maxFails;
  }

  /** An exchange with the upstream failed: starts the probes unless they run, or `max_fails 0` says never. */
  kick(nowMs: number): void {
    if (this.#context.options.maxFails === 0 || this.#timer.isSet) return;
    this.#send(nowMs);
  }

  close(nowMs: number): void {
    this.#context.wheel.cancel(this.#timer);
    this.#closeCarrier(nowMs);
  }

  answered(query: UpstreamQuery, _response: Uint8Array, nowMs: number): void {
    if (query !== this.#probe) return;
    this.fails = 0;
    this.close(nowMs);
    this.#owner.answered(nowMs);
  }

  lost(query: UpstreamQuery, _failure: unknown, _hadProgress: boolean, nowMs: number): void {
    if (query === this.#probe) this.#failed(nowMs);
  }

  timerExpired(nowMs: number): void {
    if (this.#probe === undefined) this.#send(nowMs);
    else this.#failed(nowMs);
  }

  #send(nowMs: number): void {
    const probe = new UpstreamQuery(this, this.#message, questionEndOf(this.#message), true);
    this.#probe = probe;
    this.#context.wheel.schedule(this.#timer, nowMs + PROBE_TIMEOUT_MS);
    this.#carrier = this.#owner.openCarrier();
    this.#carrier.carry(probe, nowMs);
  }

  #failed(nowMs: number): void {
    this.fails++;
    this.#context.observer.healthCheckFailed(this.#to);
    this.#closeCarrier(nowMs);
    const { healthCheckIntervalMs } = this.#context.options;
    this.#context.wheel.schedule(this.#timer, nowMs + healthCheckIntervalMs);
  }

  #closeCarrier(nowMs: number): void {
    // Closing loses the probe; it must not count twice.
    this.#probe = undefined;
    this.#carrier?.close(nowMs);
    this.#carrier = undefined;
  }
}
