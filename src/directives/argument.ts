/**
 * What every directive's reader does with its words: count them, read integers, durations, choices and regular expressions,
 * and say what was expected where one does not fit.
 */
import { compileRegexp, type GoRegexp, PATTERN_SIZE_MAX } from '../base/regexp.ts';
import { CorefileError, type Directive, type Word } from '../corefile/ast.ts';
import { RCODE } from '../wire/registry.ts';
import type { BlockContext } from './block-context.ts';
import { durationMs } from './duration.ts';

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Throws a `CorefileError` at `word`; `directive` is the one it stands in. */
export function fail(directive: string, word: Word, problem: string): never {
  throw new CorefileError(word.at, problem, directive);
}

/**
 * The arguments of a directive that takes no block; as many as `bounds` says, else an error. With a context, where CoreDNS does
 * not look for a block, one is passed over with a warning.
 */
export function argumentsOf(
  line: Directive,
  bounds: Bounds,
  context?: BlockContext,
): readonly Word[] {
  const { name, block, args } = line;
  checkCount(name.text, line, bounds);
  if (block === undefined) return args;
  if (context === undefined) fail(name.text, name, 'unexpected block: it takes none');
  const problem = 'the block is passed over: it takes none, leave it out';
  context.warn({ directive: name.text, at: name.at, problem });
  return args;
}

/** The arguments before a directive's block; those too many as in `optionArguments`. */
export function argumentsBeforeBlock(
  line: Directive,
  bounds: Bounds,
  context?: BlockContext,
): readonly Word[] {
  return counted(line.name.text, line, bounds, context);
}

/**
 * The arguments of an option, that is of one line of a directive's block. Too many are an error; with a context, where CoreDNS
 * does not look at them, they are passed over with a warning.
 */
export function optionArguments(
  directive: string,
  option: Directive,
  bounds: Bounds,
  context?: BlockContext,
): readonly Word[] {
  const args = counted(directive, option, bounds, context);
  if (option.block !== undefined) {
    fail(directive, option.name, `${option.name.text}: unexpected block: it takes none`);
  }
  return args;
}

/** The only argument of an option. */
export function optionArgument(directive: string, option: Directive): Word {
  return optionArguments(directive, option, { min: 1, max: 1 })[0]!;
}

function counted(
  directive: string,
  line: Directive,
  bounds: Bounds,
  context: BlockContext | undefined,
): readonly Word[] {
  const { min, max } = bounds;
  const surplus = line.args.slice(max);
  if (surplus.length === 0 || context === undefined) {
    checkCount(directive, line, bounds);
    return line.args;
  }
  const prefix = line.name.text === directive ? '' : `${line.name.text}: `;
  const words = surplus.map(({ text }) => text).join(' ');
  const problem = `${prefix}'${words}' passed over: write ${countText(min, max)}`;
  context.warn({ directive, at: surplus[0]!.at, problem });
  return line.args.slice(0, max);
}

function checkCount(directive: string, { name, args }: Directive, { min, max }: Bounds): void {
  const prefix = name.text === directive ? '' : `${name.text}: `;
  if (args.length > max) {
    fail(
      directive,
      args[max]!,
      `${prefix}unexpected '${args[max]!.text}': expected ${countText(min, max)}`,
    );
  }
  if (args.length < min) fail(directive, name, `${prefix}expected ${countText(min, max)}`);
}

function countText(min: number, max: number): string {
  if (max === 0) return 'no argument';
  if (min === max) return min === 1 ? 'one argument' : `${min} arguments`;
  if (max !== Number.POSITIVE_INFINITY) return `${min} to ${max} arguments`;
  return min === 1 ? 'at least one argument' : `at least ${min} arguments`;
}

/** A line of a block that no reader knows. */
export function failOption(directive: string, option: Directive, known: readonly string[]): never {
  return fail(
    directive,
    option.name,
    `unknown option '${option.name.text}': expected ${listText(known)}`,
  );
}

/** Go's int has 63 bits. */
const LARGEST_INTEGER = 2n ** 63n - 1n;

/** An integer as Go's strconv.Atoi reads it; one beyond what a number holds exactly is the largest that it does. */
export function integerOf(directive: string, word: Word, { min, max }: Bounds): number {
  const value = atoi(word.text);
  if (value !== undefined && value >= min && value <= max) return value;
  return fail(directive, word, `'${word.text}': expected an integer${rangeText(min, max)}`);
}

function atoi(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const magnitude = BigInt(text.replace(/^[+-]/, ''));
  if (magnitude > LARGEST_INTEGER) return undefined;
  const value = Math.min(Number(magnitude), Number.MAX_SAFE_INTEGER);
  return text.startsWith('-') ? -value : value;
}

/** An integer as Go's strconv.ParseUint reads it in the base that its prefix says: `24`, `0x18`, `0b11000`, `0o30`, `030`, `2_4`. */
export function unsignedOf(text: string): number | undefined {
  const [, prefix = '', digits = ''] =
    /^(?:(0[xob]?(?=[\da-f_]))_?)?((?:[\da-f]_?)*[\da-f])$/i.exec(text) ?? [];
  const base = BASES[prefix.toLowerCase()]!;
  const plain = digits.replaceAll('_', '');
  return plain !== '' && [...plain].every((digit) => Number.parseInt(digit, 36) < base)
    ? Number.parseInt(plain, base)
    : undefined;
}

const BASES: Readonly<Record<string, number>> = { '': 10, '0': 8, '0b': 2, '0o': 8, '0x': 16 };

function rangeText(min: number, max: number): string {
  if (max !== Number.MAX_SAFE_INTEGER) return ` from ${min} to ${max}`;
  return min === Number.MIN_SAFE_INTEGER ? '' : ` of at least ${min}`;
}

/** Milliseconds of a Go duration from `minMs` to `maxMs`. */
export function durationOf(
  directive: string,
  word: Word,
  minMs = 0,
  maxMs = Number.MAX_VALUE,
): number {
  const value = durationMs(word.text);
  if (value === undefined) {
    return fail(
      directive,
      word,
      `'${word.text}': expected a duration with its unit, such as 30s, 5m or 100ms`,
    );
  }
  if (value >= minMs && value <= maxMs) return value;
  const upper = maxMs === Number.MAX_VALUE ? '' : ` and at most ${durationText(maxMs)}`;
  return fail(
    directive,
    word,
    `'${word.text}': expected a duration of at least ${durationText(minMs)}${upper}`,
  );
}

function durationText(ms: number): string {
  return ms % 3_600_000 === 0 && ms > 0 ? `${ms / 3_600_000}h` : `${ms / 1_000}s`;
}

/** A regular expression in Go's syntax, the argument of `option`. */
export function regexpOf(directive: string, word: Word, option: string): GoRegexp {
  if (Buffer.byteLength(word.text) > PATTERN_SIZE_MAX) {
    fail(directive, word, `${option}: expected at most ${PATTERN_SIZE_MAX} characters of pattern`);
  }
  const compiled = compileRegexp(word.text);
  if (compiled.code === 'compiled') return compiled.regexp;
  return fail(directive, word, `'${word.text}': expected a regular expression: ${compiled.reason}`);
}

/** An rcode by its name, in whatever letter case. */
export function rcodeOf(directive: string, word: Word): number {
  const name = word.text.toUpperCase();
  if (Object.hasOwn(RCODE, name)) return RCODE[name as keyof typeof RCODE];
  return fail(directive, word, `'${word.text}': expected an rcode such as SERVFAIL or NXDOMAIN`);
}

export function oneOf<Choice extends string>(
  directive: string,
  word: Word,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((text) => text === word.text);
  return choice ?? fail(directive, word, `'${word.text}': expected ${listText(choices)}`);
}

function listText(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;
}

/** The directive where CoreDNS forbids a second one in a server block. */
export function onlyOne(lines: readonly Directive[]): Directive | undefined {
  const [first, second] = lines;
  if (second !== undefined && first !== undefined) {
    const place = `${first.name.at.file}:${first.name.at.line}`;
    fail(
      second.name.text,
      second.name,
      `expected once in a server block: it stands at ${place} too`,
    );
  }
  return first;
}

/** The one that counts where CoreDNS accepts several and ignores the others; warns of them. */
export function warnIgnored(
  lines: readonly Directive[],
  kept: Directive,
  context: BlockContext,
): void {
  for (const { name } of lines) {
    if (name === kept.name) continue;
    const problem = `ignored: the one at line ${kept.name.at.line} counts`;
    context.warn({ directive: name.text, at: name.at, problem });
  }
}
