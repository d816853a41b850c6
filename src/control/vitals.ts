/**
 * How the daemon is, for those who ask over HTTP: `/health` (liveness.ts) and `/ready` (readiness.ts), and what both need: an
 * address of ours to ask, and when an upstream last answered.
 */
import { type Clock, systemClock } from '../base/clock.ts';
import type { Page, Pages } from '../base/http-endpoint.ts';
import { type Libc, loadLibc } from '../os/libc.ts';
import { OwnQueries } from '../watch/own-queries.ts';
import { OPCODE, QTYPE, RCODE } from '../wire/registry.ts';
import type { Daemon } from './daemon.ts';
import { Knock } from './knock.ts';
import { Liveness } from './liveness.ts';
import { Readiness } from './readiness.ts';
import { askSelf, type SelfAddress, type SelfAnswer, type SelfQuestion } from './self-query.ts';
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
const STATUS_QUESTION: SelfQuestion = { name: '.', qtype: QTYPE.A, opcode: OPCODE.STATUS };
/** Less than the period of liveness. */
const SELF_TIMEOUT_MS = 1500;
/** Counted among the other types. */
const NO_TYPE = 0;

export class Vitals {
  readonly readiness: Readiness;
  readonly ownQueries = new OwnQueries();
  /** Of the health endpoint. */
  readonly pages: Pages;
  readonly #options: VitalsOptions;
  readonly #clock: Clock;
  #daemon: Daemon | undefined;
  #liveness: Liveness | undefined;
  readonly #knock = createKnock(loadLibc());
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
      rounds: () => daemon.clients.rounds,
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
      ask: (address, question) => this.#ask(address, question, PROOF_TIMEOUT_MS),
      answeredAt: (label) => answeredAt(daemon, label),
    });
  }

  /** Asks at our own address what is to be resolved as a client would have it. */
  async resolve(question: SelfQuestion): Promise<SelfAnswer> {
    const [target] = this.#targets;
    if (target === undefined) return { code: 'failed', reason: 'nobody listens' };
    return this.#ask(target.address, question, PROOF_TIMEOUT_MS);
  }

  /** Zones with an upstream, but the root and the reverse zones: the cluster's domain is one of them. */
  get namedZones(): readonly string[] {
    const zones = this.#targets.flatMap((target) => target.zones);
    return [...new Set(zones)].filter((zone) => zone !== '.' && !zone.endsWith('.arpa.'));
  }

  close(): void {
    this.#liveness?.close();
    this.#knock?.close();
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

  #askOurselves(): boolean {
    const [target] = this.#targets;
    if (target === undefined) return false;
    const { address } = target;
    if (this.#knock === undefined) {
      void this.#ask(address, STATUS_QUESTION, SELF_TIMEOUT_MS);
    } else if (this.#knock.send(address, STATUS_QUESTION)) {
      // Nobody hears the answer; the counters have it before the next second's figures, or never.
      this.ownQueries.count(NO_TYPE, RCODE.NOTIMP);
    }
    return true;
  }

  async #ask(address: SelfAddress, question: SelfQuestion, timeoutMs: number): Promise<SelfAnswer> {
    const answer = await askSelf(address, question, timeoutMs);
    // No question is read behind an opcode that is not implemented.
    const qtype = question.opcode === undefined ? question.qtype : NO_TYPE;
    if (answer.code === 'answered') this.ownQueries.count(qtype, answer.rcode);
    return answer;
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

/** Undefined where koffi cannot load. */
function createKnock(libc: Libc | Error): Knock | undefined {
  return libc instanceof Error ? undefined : new Knock(libc);
}
