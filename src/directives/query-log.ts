/**
 * The `log` directive at work: one line for each reply, in the format of the first rule whose zone holds the name.
 *
 * Queries that CoreDNS answers before its chain, malformed ones and unknown EDNS versions, are not logged. Sizes are those of
 * the messages on the wire; CoreDNS counts a reply as if none of its names were compressed.
 */
import { assert } from '../base/invariant.ts';
import type { Log } from '../base/log.ts';
import { isBelow, nameFromText } from '../wire/name.ts';
import type { Octets } from '../wire/octets.ts';
import type { Labels } from './labels.ts';
import type { LogClass, LogRule } from './log.ts';
import { classOf, exchangeOf, LogFormat } from './log-format.ts';
import type { Observer, ReplyReport } from './resolution.ts';

interface CompiledRule {
  readonly zone: Octets;
  readonly classes: ReadonlySet<LogClass>;
  readonly format: LogFormat;
}

/** Writes lines at the level `info`, without a plugin's prefix, as CoreDNS does. */
export class QueryLog implements Observer {
  readonly #rules: readonly CompiledRule[];
  readonly #log: Log;
  readonly #labels: Labels;

  constructor(rules: readonly LogRule[], labels: Labels, log: Log) {
    this.#rules = rules.map(compileRule);
    this.#labels = labels;
    this.#log = log.unlimited();
  }

  replied(report: ReplyReport): void {
    const exchange = exchangeOf(report, this.#labels);
    if (exchange === undefined) return;
    const rule = this.#rules.find(({ zone }) => isBelow(exchange.qname, zone));
    if (rule === undefined) return;
    if (!rule.classes.has('all') && !rule.classes.has(classOf(exchange))) return;
    this.#log.info(rule.format.fill(exchange));
  }
}

function compileRule({ zone, format, classes }: LogRule): CompiledRule {
  const name = nameFromText(zone);
  assert(name !== undefined, `no domain name: ${zone}`);
  return { zone: name, classes: new Set(classes), format: new LogFormat(format) };
}
