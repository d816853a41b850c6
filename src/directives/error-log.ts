/**
 * The `errors` directive at work: a line for each reply that says no answer could be had. Where a `consolidate` pattern fits
 * the failure, such lines are counted instead: the period starts with the first, and its end brings one line for all. The
 * first pattern that fits decides. `stacktrace` has nothing to show here.
 */

import { durationText } from '../base/duration-text.ts';
import { assert } from '../base/invariant.ts';
import type { Log, Message } from '../base/log.ts';
import { compileRegexp, type GoRegexp } from '../base/regexp.ts';
import { lowerName, nameToText } from '../wire/name.ts';
import { u16 } from '../wire/octets.ts';
import { QueryFields, readQuery } from '../wire/query.ts';
import { FLAG, HEADER_SIZE, typeName } from '../wire/registry.ts';
import type { ConsolidateRule, ErrorLevel, ErrorsOptions } from './errors.ts';
import type { Observer, ReplyReport } from './resolution.ts';

/** The longest that a Node timer can be set to, 24.8 days; beyond it fires at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

type Write = (message: Message) => void;

export class ErrorLog implements Observer {
  readonly #log: Log;
  readonly #consolidations: readonly Consolidation[];

  constructor(options: ErrorsOptions, log: Log) {
    this.#log = log.plugin('errors');
    this.#consolidations = options.consolidate.map(
      (rule) => new Consolidation(rule, writerOf(this.#log, rule.level)),
    );
  }

  replied(report: ReplyReport): void {
    const { failure } = report;
    if (failure === undefined) return;
    const consolidation = this.#consolidations.find(({ pattern }) => pattern.test(failure));
    // Made at once where it is written, since the report's octets are used again afterwards.
    const line = () => lineOf(report, failure);
    if (consolidation === undefined) this.#log.error(line);
    else if (!consolidation.count()) consolidation.write(line);
  }

  /** Writes the summaries of periods that have begun; what fails later is logged line by line. */
  close(): void {
    for (const consolidation of this.#consolidations) consolidation.close();
  }
}

/** The failures that fit one pattern. */
class Consolidation {
  readonly pattern: GoRegexp;
  readonly write: Write;
  readonly #rule: ConsolidateRule;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(rule: ConsolidateRule, write: Write) {
    const compiled = compileRegexp(rule.pattern);
    assert(compiled.code === 'compiled', `checked when the Corefile was read: ${rule.pattern}`);
    this.pattern = compiled.regexp;
    this.write = write;
    this.#rule = rule;
  }

  /** Counts one; false where it is to be logged by itself as well. */
  count(): boolean {
    if (this.#isClosed) return false;
    this.#count += 1;
    if (this.#count > 1) return true;
    const delayMs = Math.min(this.#rule.periodMs, TIMER_MAX_MS);
    this.#timer = setTimeout(() => this.#summarise(), delayMs).unref();
    return !this.#rule.showFirst;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#summarise();
  }

  /** One that was shown needs no summary. */
  #summarise(): void {
    const { pattern, periodMs, showFirst } = this.#rule;
    const count = this.#count;
    this.#count = 0;
    if (count === 0 || (count === 1 && showFirst)) return;
    const period = durationText(periodMs);
    this.write(`${count} errors like '${pattern}' occurred in last ${period}`);
  }
}

/** `2 example.org. A: message`, after CoreDNS. */
function lineOf({ query, reply }: ReplyReport, failure: string): string {
  const fields = new QueryFields();
  readQuery(query, 0, query.length, fields);
  const qname = query.subarray(HEADER_SIZE, HEADER_SIZE + fields.qnameSize);
  const name = nameToText(lowerName(qname));
  return `${u16(reply, 2) & FLAG.RCODE} ${name} ${typeName(fields.qtype)}: ${failure}`;
}

function writerOf(log: Log, level: ErrorLevel): Write {
  return (message) => log[level === 'warning' ? 'warn' : level](message);
}
