/**
 * `timeouts { read DURATION; write DURATION; idle DURATION; maxtcpqueries COUNT }`: for clients' TCP connections. A
 * duration without unit is in seconds; each is from 1 s to 24 h.
 */
import type { Directive, Word } from '../corefile/ast.ts';
import {
  argumentsBeforeBlock,
  durationOf,
  fail,
  failOption,
  integerOf,
  optionArgument,
} from './argument.ts';

export interface TimeoutOptions {
  /** Until the first query of a connection is there. */
  readonly readMs: number;
  /** Until a response is written. */
  readonly writeMs: number;
  /** Between a response and the next query. */
  readonly idleMs: number;
  /** Queries on one connection, then it is closed; undefined: no bound. */
  readonly maxTcpQueries: number | undefined;
}

/** What CoreDNS's server does without the directive. */
const DEFAULTS: TimeoutOptions = {
  readMs: 3_000,
  writeMs: 5_000,
  idleMs: 10_000,
  maxTcpQueries: undefined,
};
const TIMEOUT_MIN_MS = 1_000;
const TIMEOUT_MAX_MS = 24 * 3_600_000;

/** The defaults where the block has no `timeouts`. Of several each adds its options, as in CoreDNS. */
export function readTimeouts(lines: readonly Directive[]): TimeoutOptions {
  return lines.reduce(readOne, DEFAULTS);
}

function readOne(options: TimeoutOptions, line: Directive): TimeoutOptions {
  argumentsBeforeBlock(line, { min: 0, max: 0 });
  if (line.block === undefined || line.block.length === 0) {
    fail('timeouts', line.name, 'expected a block with read, write, idle or maxtcpqueries');
  }
  return line.block.reduce(readOption, options);
}

function readOption(options: TimeoutOptions, option: Directive): TimeoutOptions {
  switch (option.name.text) {
    case 'read':
      return { ...options, readMs: timeoutOf(optionArgument('timeouts', option)) };
    case 'write':
      return { ...options, writeMs: timeoutOf(optionArgument('timeouts', option)) };
    case 'idle':
      return { ...options, idleMs: timeoutOf(optionArgument('timeouts', option)) };
    case 'maxtcpqueries':
      return { ...options, maxTcpQueries: queryCountOf(optionArgument('timeouts', option)) };
    default:
      return failOption('timeouts', option, ['read', 'write', 'idle', 'maxtcpqueries']);
  }
}

function timeoutOf(word: Word): number {
  const text = /^[+-]?\d+$/.test(word.text) ? `${word.text}s` : word.text;
  return durationOf('timeouts', { text, at: word.at }, TIMEOUT_MIN_MS, TIMEOUT_MAX_MS);
}

function queryCountOf(word: Word): number | undefined {
  const count = integerOf('timeouts', word, { min: -1, max: Number.MAX_SAFE_INTEGER });
  if (count === 0) fail('timeouts', word, "'0': expected -1 (no bound) or a positive integer");
  return count === -1 ? undefined : count;
}
