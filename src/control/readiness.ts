/**
 * What `/ready` asks: should clients be sent here? For a DaemonSet's rolling update, and for networks in which readiness decides
 * who is asked (Cilium's local redirect). Ready is who serves, holds the lease of interception where it is to intercept, has
 * had an answer from an upstream lately, and is not about to end.
 */
import type { Clock } from '../base/clock.ts';
import { durationText } from '../base/duration-text.ts';
import type { Page } from '../base/http-endpoint.ts';

export interface ReadinessOptions {
  readonly clock: Clock;
  /** How old an upstream's last answer may be; 0: upstreams play no part. */
  readonly upstreamAgeMaxMs: number;
  /** When an upstream last answered NOERROR or NXDOMAIN; undefined where no block has an upstream. */
  readonly upstreamAnsweredAtMs: () => number | undefined;
  /** Asks an upstream something now: nobody else does. Called while somebody asks for readiness, never by itself. */
  readonly askUpstream: () => void;
  /** Whether the lease is held; undefined where there is none to hold. */
  readonly isLeased: () => boolean | undefined;
}

/** Of the age that is too much, when a question of our own is due: two may get lost. */
const ASK_AT = 1 / 3;
const UNAVAILABLE = 503;

export class Readiness {
  readonly #options: ReadinessOptions;
  #isServing = false;
  #isEnding = false;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** The servers serve. */
  serve(): void {
    this.#isServing = true;
  }

  /** The end has begun. */
  end(): void {
    this.#isEnding = true;
  }

  /** Why clients should not be sent here; empty: they should. */
  reasons(): string[] {
    const reasons: string[] = [];
    if (this.#isEnding) reasons.push('draining');
    if (!this.#isServing) reasons.push('starting');
    if (this.#options.isLeased() === false) reasons.push('no lease of interception');
    const stale = this.#staleUpstream();
    if (stale !== undefined) reasons.push(stale);
    return reasons;
  }

  readonly page = (): Page => {
    const reasons = this.reasons();
    if (reasons.length === 0) return { text: 'OK' };
    return { status: UNAVAILABLE, text: `${reasons.join('\n')}\n` };
  };

  #staleUpstream(): string | undefined {
    const { clock, upstreamAgeMaxMs, upstreamAnsweredAtMs, askUpstream } = this.#options;
    const answeredAtMs = upstreamAnsweredAtMs();
    if (upstreamAgeMaxMs === 0 || answeredAtMs === undefined || !this.#isServing) return undefined;
    const ageMs = clock.nowMs() - answeredAtMs;
    if (ageMs > upstreamAgeMaxMs * ASK_AT && !this.#isEnding) askUpstream();
    if (ageMs <= upstreamAgeMaxMs) return undefined;
    return `no upstream has answered for ${durationText(upstreamAgeMaxMs)}`;
  }
}
