/**
 * Where queries to our own addresses go while nobody serves them: kube-dns's endpoints, learnt by DNS from a headless Service
 * that selects its pods, so that no access to the cluster's API is needed. The last ones known stay in the kernel, whatever
 * becomes of us; an answer without addresses, or none, changes nothing.
 */
import type { Log } from '../base/log.ts';
import { failureText, type HostFailure } from '../host/failure.ts';
import type { FallbackEndpoint } from '../host/interception.ts';
import { QTYPE, RCODE, rcodeName } from '../wire/registry.ts';
import type { SelfAnswer, SelfQuestion } from './self-query.ts';

/** CoreDNS gives Services a TTL of 5 s and the stock Corefile caches for 30 s at most: sooner would mostly ask our own cache. */
const PERIOD_MS = 10_000;
/** Where there is no such Service: two questions a node in five minutes are nothing to kube-dns, however many nodes ask. */
const MISSING_PERIOD_MS = 300_000;
const PORT = 53;
/** Endpoints in a rule; more replicas than these give no further safety. */
const ENDPOINTS_MAX = 16;

export interface FallbackServiceOptions {
  /** Absolute names to try: the first that exists is it. */
  readonly names: () => readonly string[];
  readonly ask: (question: SelfQuestion) => Promise<SelfAnswer>;
  readonly setFallback: (
    endpoints: readonly FallbackEndpoint[],
  ) => Promise<HostFailure | undefined>;
  readonly onFailure: (failure: HostFailure) => void;
  readonly log: Log;
}

export class FallbackService {
  readonly #options: FallbackServiceOptions;
  #timer: NodeJS.Timeout | undefined;
  /** The endpoints that are set, as text. */
  #set = '';
  #complaint = '';
  #isClosed = false;

  constructor(options: FallbackServiceOptions) {
    this.#options = options;
  }

  /** Looks, and goes on looking; resolves after the first time. */
  async start(): Promise<void> {
    const periodMs = await this.#look();
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.start(), periodMs).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Returns when the next look is due. */
  async #look(): Promise<number> {
    const { setFallback, onFailure, log } = this.#options;
    const addresses = await this.#resolve();
    if (addresses === 'missing') return MISSING_PERIOD_MS;
    if (addresses.length === 0) return PERIOD_MS;
    const endpoints = addresses.map((address) => ({ address, port: PORT }));
    const text = addresses.join(', ');
    if (text === this.#set) return PERIOD_MS;
    const failure = await setFallback(endpoints);
    if (failure !== undefined) {
      onFailure(failure);
      this.#complain(failureText(failure));
      return PERIOD_MS;
    }
    this.#set = text;
    this.#complaint = '';
    log.info(`interception: without us, queries to our own addresses go to ${text}`);
    return PERIOD_MS;
  }

  /** In one order, so that equal sets are equal; empty where nothing is known, `missing` where no name exists. */
  async #resolve(): Promise<string[] | 'missing'> {
    const outcomes: string[] = [];
    let isMissing = true;
    for (const name of this.#options.names()) {
      const answers = await Promise.all(
        [QTYPE.A, QTYPE.AAAA].map((qtype) => this.#options.ask({ name, qtype })),
      );
      const addresses = answers.flatMap((answer) => {
        return answer.code === 'answered' ? answer.addresses : [];
      });
      if (addresses.length > 0) return [...new Set(addresses)].sort().slice(0, ENDPOINTS_MAX);
      isMissing &&= answers.every(isNxdomain);
      outcomes.push(`${name} ${outcomeText(answers[0]!)}`);
    }
    if (this.#set !== '') return [];
    if (outcomes.length === 0)
      outcomes.push('no zone is forwarded by name: expected an absolute one');
    this.#complain(outcomes.join('; '));
    return isMissing ? 'missing' : [];
  }

  /** Once for each reason. */
  #complain(reason: string): void {
    if (reason === this.#complaint || reason === '') return;
    this.#complaint = reason;
    this.#options.log.warn(
      `interception: without us, nobody answers at our own addresses: -fallback-service: ${reason}`,
    );
  }
}

function outcomeText(answer: SelfAnswer): string {
  if (answer.code === 'failed') return answer.reason;
  return answer.rcode === RCODE.NOERROR ? 'has no addresses' : `is ${rcodeName(answer.rcode)}`;
}

function isNxdomain(answer: SelfAnswer): boolean {
  return answer.code === 'answered' && answer.rcode === RCODE.NXDOMAIN;
}
