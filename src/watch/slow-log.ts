/**
 * Looks at the replies of one server block that no responder made: tells the log of slow ones, and of such as are far from what
 * is usual here; the slowest are kept for who looks (slowest-answers.ts).
 */
import type { Log } from '../base/log.ts';
import type { Observer, ReplyReport } from '../directives/resolution.ts';
import { Latency } from '../upstream/latency.ts';
import { lowerName, nameToText } from '../wire/name.ts';
import { u16 } from '../wire/octets.ts';
import { QueryFields, readQuery, VERDICT } from '../wire/query.ts';
import { FLAG, HEADER_SIZE, rcodeName, typeName } from '../wire/registry.ts';
import type { SlowAnswer, SlowestAnswers } from './slowest-answers.ts';

/** Of slow answers and outliers together: enough to see which names, too few to drown the failures beside them. */
export const SLOW_LINES_PER_SECOND = 10;
/** An outlier takes so many times what 19 of 20 answers take at most ... */
const OUTLIER_FACTOR = 10;
/** ... and long enough for a person to wait, ... */
const OUTLIER_MIN_MS = 100;
/** ... where so many answers have told what is usual. */
const USUAL_AFTER = 100;

export type SlowKind = 'slow' | 'outlier';

export interface SlowLogDependencies {
  readonly log: Log;
  readonly slowest: SlowestAnswers;
  /** From where on an answer is slow; 0: none is, nor an outlier. */
  readonly slowMs: number;
  readonly count: (kind: SlowKind) => void;
}

export class SlowLog implements Observer {
  readonly #deps: SlowLogDependencies;
  readonly #usual = new Latency();
  readonly #query = new QueryFields();
  #answers = 0;

  /** `deps.log` has a limit of its own. */
  constructor(deps: SlowLogDependencies) {
    this.#deps = deps;
  }

  replied(report: ReplyReport): void {
    const { durationMs } = report;
    const kind = this.#kindOf(durationMs);
    this.#usual.add(durationMs);
    this.#answers += 1;
    const isKept = this.#deps.slowest.admits(durationMs);
    if (kind === undefined && !isKept) return;
    const answer = this.#answerOf(report);
    if (answer === undefined) return;
    if (isKept) this.#deps.slowest.add(answer);
    if (kind === undefined) return;
    this.#deps.count(kind);
    const { client, upstream, ...fields } = answer;
    const via = upstream === null ? {} : { upstream };
    this.#deps.log.warn(() => this.#lineOf(kind, answer), { kind, ...fields, client, ...via });
  }

  #kindOf(durationMs: number): SlowKind | undefined {
    const { slowMs } = this.#deps;
    if (slowMs === 0) return undefined;
    if (durationMs >= slowMs) return 'slow';
    const isUnusual =
      durationMs >= OUTLIER_MIN_MS &&
      this.#answers >= USUAL_AFTER &&
      durationMs > OUTLIER_FACTOR * this.#usual.p95Ms;
    return isUnusual ? 'outlier' : undefined;
  }

  #answerOf({ query, reply, durationMs, peer, provenance }: ReplyReport): SlowAnswer | undefined {
    if (readQuery(query, 0, query.length, this.#query) !== VERDICT.ACCEPT) return undefined;
    const { qnameSize, qtype } = this.#query;
    return {
      name: nameToText(lowerName(query.subarray(HEADER_SIZE, HEADER_SIZE + qnameSize))),
      type: typeName(qtype),
      rcode: rcodeName(u16(reply, 2) & FLAG.RCODE),
      durationMs: Math.round(durationMs * 10) / 10,
      client: peer().host,
      upstream: provenance?.upstream ?? null,
    };
  }

  #lineOf(kind: SlowKind, answer: SlowAnswer): string {
    const { name, type, rcode, durationMs, client, upstream } = answer;
    const by = upstream === null ? '' : `, answered by ${upstream}`;
    const usual =
      kind === 'slow' ? '' : `, 19 of 20 take ${this.#usual.p95Ms.toFixed(1)} ms at most`;
    return `${name} ${type} took ${durationMs} ms: ${rcode}, asked by ${client}${by}${usual}`;
  }
}
