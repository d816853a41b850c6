/**
 * Expired answers in the place of fresh ones (RFC 8767), as far as the resolver decides on them: what stands in, what takes its
 * place, and how soon after a failure an upstream is asked again.
 */
import type { Clock } from '../base/clock.ts';
import { ENTRY, ENTRY_FLAG, flagsOf, readBody } from '../cache/entry.ts';
import type { CacheKey } from '../cache/key.ts';
import type { StalePolicy } from '../cache/policy.ts';
import type { CacheStore } from '../cache/store.ts';
import type { Question, Resolution } from '../directives/resolution.ts';
import type { FlightKey } from '../upstream/in-flight.ts';
import { OPCODE, RCODE } from '../wire/registry.ts';
import type { ResponseBody } from '../wire/response.ts';
import type { Block } from './block.ts';

/** An answer that may still be served. */
export interface StaleAnswer {
  readonly body: ResponseBody;
  readonly isDenial: boolean;
  /** What its records show. */
  readonly ttlS: number;
}

/** The flags of what is no positive answer to its question. */
const NO_ANSWER = ENTRY_FLAG.DENIAL | ENTRY_FLAG.INCOMPLETE;

export class StaleAnswers {
  readonly #store: CacheStore;
  readonly #clock: Clock;
  /** Flights whose clients' time is running; each is among the questions under way, whose number is bounded. */
  readonly #timed = new Set<string>();
  /** By slot. What lies before the expiry of the slot's entry is another entry's, or of an earlier expiry. */
  readonly #failedAtMs: Float64Array;

  constructor(store: CacheStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#failedAtMs = new Float64Array(store.memory.plan.slotCount);
  }

  /**
   * `serve_stale ... verify TIMEOUT`: calls `serve` with the stale answer, where there is one, as soon as the first of those who
   * wait for the flight has waited so long. To be called for each of them; who comes after `serve` waits anew.
   */
  inTime(
    block: Block,
    findKey: () => CacheKey,
    question: Question,
    flight: FlightKey,
    serve: (stale: StaleAnswer) => void,
  ): void {
    const policy = policyFor(block, question);
    if (policy === undefined || policy.verifyTimeoutMs === 0 || this.#timed.has(flight.text))
      return;
    const key = findKey();
    if (this.#usableAt(key) === 0) return;
    this.#timed.add(flight.text);
    const timer = setTimeout(() => {
      this.#timed.delete(flight.text);
      const at = this.#usableAt(key);
      if (at !== 0) serve(this.#answerAt(at, policy));
    }, policy.verifyTimeoutMs);
    timer.unref();
  }

  /** The answer that leaves at once, since the upstream has just failed (`FAILURE_RECHECK`; RFC 8767 §5). */
  findHeld(block: Block, key: CacheKey, question: Question): StaleAnswer | undefined {
    const policy = policyFor(block, question);
    if (policy === undefined || policy.recheckMs === 0) return undefined;
    const at = this.#usableAt(key);
    return at !== 0 && this.isHeld(at, policy) ? this.#answerAt(at, policy) : undefined;
  }

  /** Whether the upstream has failed to renew the entry so recently that it is not asked again. */
  isHeld(at: number, { recheckMs }: StalePolicy): boolean {
    const { words, doubles } = this.#store.memory;
    const failedAtMs = this.#failedAtMs[words[at + ENTRY.SLOT]!]!;
    const hasFailed = failedAtMs >= doubles[(at + ENTRY.EXPIRES) >> 1]!;
    return hasFailed && this.#clock.nowMs() < failedAtMs + recheckMs;
  }

  /**
   * What leaves in the place of a resolution; undefined: the resolution itself. RFC 8767 §4, and CoreDNS's verify: only
   * NOERROR and NXDOMAIN say something about the name, if they are whole and their signatures are of this time; under
   * `prefer_positive` nothing but an answer takes the place of an answer.
   */
  standIn(
    block: Block,
    key: CacheKey,
    question: Question,
    resolution: Resolution,
  ): StaleAnswer | undefined {
    const policy = policyFor(block, question);
    const at = policy === undefined ? 0 : this.#usableAt(key);
    if (at === 0) return undefined;
    const nowMs = this.#clock.nowMs();
    const { words, doubles } = this.#store.memory;
    const mustAnswer = policy!.preferPositive && (flagsOf(words, at) & NO_ANSWER) === 0;
    if (takesPlace(resolution, mustAnswer)) return undefined;
    if (nowMs >= doubles[(at + ENTRY.EXPIRES) >> 1]!) {
      this.#failedAtMs[words[at + ENTRY.SLOT]!] = nowMs;
    }
    return this.#answerAt(at, policy!);
  }

  /** The word index of the entry for `key` that is no failure and may still be served; 0: none. */
  #usableAt(key: CacheKey): number {
    const at = this.#store.find(key);
    if (at === 0) return 0;
    const { words, doubles } = this.#store.memory;
    const isUsable = this.#clock.nowMs() < doubles[(at + ENTRY.STALE) >> 1]!;
    return isUsable && (flagsOf(words, at) & ENTRY_FLAG.SERVER_ERROR) === 0 ? at : 0;
  }

  #answerAt(at: number, policy: StalePolicy): StaleAnswer {
    const { memory } = this.#store;
    return {
      body: readBody(memory, at),
      isDenial: (flagsOf(memory.words, at) & ENTRY_FLAG.DENIAL) !== 0,
      ttlS: policy.responseTtlS,
    };
  }
}

function policyFor(block: Block, question: Question): StalePolicy | undefined {
  if (block.parts.cache?.stale === undefined || question.opcode !== OPCODE.QUERY) return undefined;
  return block.cacheFor(question.qname)?.stale;
}

function takesPlace(resolution: Resolution, mustAnswer: boolean): boolean {
  if (!resolution.ok) return false;
  const { body, facts } = resolution.response;
  if (facts.isTruncated || facts.hasExpiredSignature) return false;
  if (mustAnswer) return body.rcode === RCODE.NOERROR && facts.answersType;
  return body.rcode === RCODE.NOERROR || body.rcode === RCODE.NXDOMAIN;
}

/** Whether an entry is to be refreshed by now. */
export function isDue(store: CacheStore, at: number, nowMs: number): boolean {
  const { doubles } = store.memory;
  return (
    nowMs >= Math.min(doubles[(at + ENTRY.PREFETCH) >> 1]!, doubles[(at + ENTRY.EXPIRES) >> 1]!)
  );
}
