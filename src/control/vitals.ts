/**
 * How the daemon is, for those who ask over HTTP: `/health` (liveness.ts) and `/ready` (readiness.ts), and what both need: an
 * address of ours to ask, and when an upstream last answered.
 */
import { type Clock, systemClock } from '../base/clock.ts';
import type { Page, Pages } from '../base/http-endpoint.ts';
import { RCODE } from '../wire/registry.ts';
import type { Daemon } from './daemon.ts';
import { Liveness } from './liveness.ts';
import { Readiness } from './readiness.ts';
import { askSelf, type SelfAnswer, type SelfQuestion } from './self-query.ts';
import { proofTargets } from './self-targets.ts';
import { doubt } from './upstream-proof.ts';

export interface VitalsOptions {
  /** Addresses of our own, to ask ourselves at. */
  readonly addresses: readonly string[];
  readonly upstreamAgeMaxMs: number;
  /** Whether the lease of interception is held; undefined where there is none. */
  readonly isLeased: () => boolean | undefined;
  readonly clock?: Clock;
}

/** Longer than any deadline of a forward, so that its SERVFAIL comes first. */
const PROOF_TIMEOUT_MS = 6000;
/** Answered by a responder itself, without cache or upstream: opcode STATUS, which is NOTIMP (RFC 1035 §4.1.1). */
const OPCODE_STATUS = 2;
const SELF_TIMEOUT_MS = 1500;

export class Vitals {
  readonly readiness: Readiness;
  /** Of the health endpoint. */
  readonly pages: Pages;
  readonly #options: VitalsOptions;
  readonly #clock: Clock;
  #daemon: Daemon | undefined;
  #liveness: Liveness | undefined;
  #upstreamAnsweredAtMs = Number.NEGATIVE_INFINITY;
  #isAskingUpstream = false;

  constructor(options: VitalsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.readiness = new Readiness({
      clock: this.#clock,
      upstreamAgeMaxMs: options.upstreamAgeMaxMs,
      upstreamAnsweredAtMs: () => (this.#hasUpstream ? this.#upstreamAnsweredAtMs : undefined),
      askUpstream: () => void this.#askUpstream(),
      isLeased: options.isLeased,
    });
    this.pages = { '/health': this.#healthPage, '/ready': this.readiness.page };
  }

  /** An upstream has answered, with this rcode. */
  readonly upstreamAnswered = (rcode: number): void => {
    if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return;
    this.#upstreamAnsweredAtMs = this.#clock.nowMs();
  };

  /** The daemon serves. */
  attach(daemon: Daemon): void {
    this.#daemon = daemon;
    this.#liveness = new Liveness({
      rounds: () => daemon.udp.rounds,
      answered: () => {
        const labels = daemon.generation?.listeners.map(({ label }) => label) ?? [];
        return labels.reduce((sum, label) => sum + answeredAt(daemon, label), 0);
      },
      ask: () => this.#askOurselves(),
    });
    this.readiness.serve();
  }

  /** Undefined: a query to our own address is answered from an upstream. Else why that is in doubt. */
  async doubt(): Promise<string | undefined> {
    const [target] = this.#targets;
    if (target === undefined) {
      return `no server block listens on ${this.#options.addresses.join(' or ')}`;
    }
    const daemon = this.#daemon!;
    return doubt(target, {
      ask: (address, question) => askSelf(address, question, PROOF_TIMEOUT_MS),
      answeredAt: (label) => answeredAt(daemon, label),
    });
  }

  /** Asks at our own address what is to be resolved as a client would have it. */
  async resolve(question: SelfQuestion): Promise<SelfAnswer> {
    const [target] = this.#targets;
    if (target === undefined) return { code: 'failed', reason: 'nobody listens' };
    return askSelf(target.address, question, PROOF_TIMEOUT_MS);
  }

  /** Zones with an upstream, but the root and the reverse zones: the cluster's domain is one of them. */
  get namedZones(): readonly string[] {
    const zones = this.#targets.flatMap((target) => target.zones);
    return [...new Set(zones)].filter((zone) => zone !== '.' && !zone.endsWith('.arpa.'));
  }

  close(): void {
    this.#liveness?.close();
  }

  readonly #healthPage = (): Page => {
    const problem = this.#liveness?.problem;
    return problem === undefined ? { text: 'OK' } : { status: 503, text: `${problem}\n` };
  };

  get #targets() {
    return proofTargets(this.#daemon?.generation, this.#options.addresses);
  }

  get #hasUpstream(): boolean {
    const blocks = this.#daemon?.generation?.blocks ?? [];
    return blocks.some(({ config }) => config.forward.length > 0);
  }

  #askOurselves(): Promise<boolean> | undefined {
    const [target] = this.#targets;
    if (target === undefined) return undefined;
    const question = { name: '.', qtype: 1, opcode: OPCODE_STATUS };
    return askSelf(target.address, question, SELF_TIMEOUT_MS).then(({ code }) => {
      return code === 'answered';
    });
  }

  async #askUpstream(): Promise<void> {
    if (this.#isAskingUpstream) return;
    this.#isAskingUpstream = true;
    // Its answer comes past `upstreamAnswered`.
    await this.doubt();
    this.#isAskingUpstream = false;
  }
}

function answeredAt(daemon: Daemon, label: string): number {
  return daemon.metrics.rows.answeredAt(label);
}
