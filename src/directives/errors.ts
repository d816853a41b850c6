/**
 * `errors [stdout] { stacktrace; consolidate DURATION REGEXP [warning|error|info|debug] [show_first] }`: a log line for
 * each query that failed, or one for many alike. Once in a server block.
 */
import type { Directive, Word } from '../corefile/ast.ts';
import {
  argumentsBeforeBlock,
  durationOf,
  fail,
  failOption,
  oneOf,
  onlyOne,
  optionArguments,
  regexpOf,
} from './argument.ts';
import type { BlockContext } from './block-context.ts';

const LEVELS = ['warning', 'error', 'info', 'debug'] as const;
export type ErrorLevel = (typeof LEVELS)[number];

/** Errors whose text fits are counted, and logged as one line at the end of each period. */
export interface ConsolidateRule {
  readonly periodMs: number;
  /** A regular expression in Go's syntax; `compileRegexp` takes it. */
  readonly pattern: string;
  readonly level: ErrorLevel;
  /** The first error of a period is logged at once. */
  readonly showFirst: boolean;
}

export interface ErrorsOptions {
  readonly stacktrace: boolean;
  /** The first that fits decides. */
  readonly consolidate: readonly ConsolidateRule[];
}

/** Shorter periods would log more lines than they save. */
const PERIOD_MIN_MS = 1;

/** Undefined where the block has no `errors`. */
export function readErrors(
  lines: readonly Directive[],
  context: BlockContext,
): ErrorsOptions | undefined {
  const line = onlyOne(lines);
  if (line === undefined) return undefined;
  const [target] = argumentsBeforeBlock(line, { min: 0, max: 1 });
  if (target !== undefined) oneOf('errors', target, ['stdout']);
  let stacktrace = false;
  const consolidate: ConsolidateRule[] = [];
  for (const option of line.block ?? []) {
    switch (option.name.text) {
      case 'stacktrace':
        optionArguments('errors', option, { min: 0, max: 0 });
        stacktrace = true;
        break;
      case 'consolidate':
        consolidate.push(readConsolidate(option, context));
        break;
      default:
        failOption('errors', option, ['stacktrace', 'consolidate']);
    }
  }
  return { stacktrace, consolidate };
}

function readConsolidate(option: Directive, context: BlockContext): ConsolidateRule {
  const [period, pattern, ...rest] = optionArguments('errors', option, { min: 2, max: 4 });
  return {
    periodMs: periodOf(period!, context),
    pattern: regexpOf('errors', pattern!, 'consolidate').pattern,
    ...readLevel(rest),
  };
}

function periodOf(word: Word, { warn }: BlockContext): number {
  const periodMs = durationOf('errors', word, Number.NEGATIVE_INFINITY);
  if (periodMs < PERIOD_MIN_MS) {
    const problem = `consolidate: '${word.text}' is taken for ${PERIOD_MIN_MS}ms: write a longer period`;
    warn({ directive: 'errors', at: word.at, problem });
  }
  return Math.max(periodMs, PERIOD_MIN_MS);
}

/** A level, then `show_first`; each may be missing, neither repeats. */
function readLevel(words: readonly Word[]): { level: ErrorLevel; showFirst: boolean } {
  const [first, second] = words;
  if (first === undefined) return { level: 'error', showFirst: false };
  const choice = oneOf('errors', first, [...LEVELS, 'show_first']);
  if (choice !== 'show_first') {
    if (second !== undefined) oneOf('errors', second, ['show_first']);
    return { level: choice, showFirst: second !== undefined };
  }
  // CoreDNS takes it twice.
  if (second !== undefined && second.text !== 'show_first') {
    fail('errors', second, `unexpected '${second.text}': expected show_first last`);
  }
  return { level: 'error', showFirst: true };
}
