/**
 * A command line in the syntax of Go's flag package, whose wording of errors and usage it keeps: `-x v`, `-x=v`, `--x v`,
 * `--x=v`; a boolean takes its value with `=` only, and is true without one. Of a repeated flag the last counts. Flags end
 * at `--` or at the first argument that is none. It knows no flag by name: those are in flags.ts.
 */
import { assert } from '../base/invariant.ts';

export type ReadValue<T> =
  | { readonly ok: true; readonly value: T }
  /** Stands at the end of Go's message, such as `parse error`. */
  | { readonly ok: false; readonly reason: string };

export interface FlagSpec<T> {
  /** The kind of value as the usage text names it; empty for a boolean. */
  readonly kind: string;
  /** Read like an argument; shown in the usage text unless it is the kind's zero. */
  readonly fallback: string;
  readonly usage: string;
  /** The flag that this one is another name of. */
  readonly aliasOf?: string;
  readonly read: (text: string) => ReadValue<T>;
}

export type FlagSpecs = Readonly<Record<string, FlagSpec<unknown>>>;

export type FlagValues<Specs extends FlagSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends FlagSpec<infer T> ? T : never;
};

export type ParsedFlags<Specs extends FlagSpecs> =
  | {
      readonly code: 'parsed';
      readonly values: FlagValues<Specs>;
      /** What follows the flags. */
      readonly rest: readonly string[];
    }
  | { readonly code: 'help' }
  | { readonly code: 'invalid'; readonly problem: string };

/** What Go's strconv.ParseBool takes. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false] as const),
]);

const PARSE_ERROR = { ok: false, reason: 'parse error' } as const;
const RANGE_ERROR = { ok: false, reason: 'value out of range' } as const;
/** Defaults that the usage text does not show. */
const ZEROS: readonly string[] = ['', '0', 'false'];

export function booleanFlag(fallback: boolean, usage: string): FlagSpec<boolean> {
  const read = (text: string) => {
    const value = BOOLEANS.get(text);
    return value === undefined ? PARSE_ERROR : ({ ok: true, value } as const);
  };
  return { kind: '', fallback: String(fallback), usage, read };
}

export function stringFlag(fallback: string, usage: string): FlagSpec<string> {
  return { kind: 'string', fallback, usage, read: (value) => ({ ok: true, value }) };
}

export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/** A flag whose text `parse` makes a number of; undefined: a parse error. */
export function numberFlag(
  kind: string,
  fallback: string,
  usage: string,
  parse: (text: string) => number | undefined,
  { min, max }: NumberRange,
): FlagSpec<number> {
  const read = (text: string) => {
    const value = parse(text);
    if (value === undefined) return PARSE_ERROR;
    return value >= min && value <= max ? ({ ok: true, value } as const) : RANGE_ERROR;
  };
  return { kind, fallback, usage, read };
}

/** A flag that takes one of a few words. */
export function choiceFlag<const Choices extends readonly string[]>(
  choices: Choices,
  fallback: Choices[number],
  usage: string,
): FlagSpec<Choices[number]> {
  const reason = `expected ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
  const read = (value: string) =>
    choices.includes(value) ? ({ ok: true, value } as const) : ({ ok: false, reason } as const);
  return { kind: 'string', fallback, usage, read };
}

/** Reads the arguments behind the program's name. */
export function parseFlags<Specs extends FlagSpecs>(
  specs: Specs,
  args: readonly string[],
): ParsedFlags<Specs> {
  const values: Record<string, unknown> = {};
  for (const [name, { read, fallback }] of Object.entries(specs)) {
    const value = read(fallback);
    assert(value.ok, `the default of -${name} is one of its values`);
    values[name] = value.value;
  }
  let at = 0;
  while (at < args.length) {
    const arg = args[at]!;
    if (!/^-./s.test(arg)) break;
    at += 1;
    if (arg === '--') break;
    const parsed = readFlag(specs, arg, args[at]);
    if (parsed.code !== 'flag') return parsed;
    values[parsed.name] = parsed.value;
    if (parsed.tookNext) at += 1;
  }
  return { code: 'parsed', values: values as FlagValues<Specs>, rest: args.slice(at) };
}

type OneFlag =
  | {
      readonly code: 'flag';
      readonly name: string;
      readonly value: unknown;
      readonly tookNext: boolean;
    }
  | { readonly code: 'help' }
  | { readonly code: 'invalid'; readonly problem: string };

function readFlag(specs: FlagSpecs, arg: string, next: string | undefined): OneFlag {
  const [, name, inline] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
  if (name === undefined) return invalid(`bad flag syntax: ${arg}`);
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (spec === undefined) {
    if (name === 'help' || name === 'h') return { code: 'help' };
    return invalid(`flag provided but not defined: -${name}`);
  }
  const isBoolean = spec.kind === '';
  const text = inline ?? (isBoolean ? 'true' : next);
  if (text === undefined) return invalid(`flag needs an argument: -${name}`);
  const read = spec.read(text);
  if (!read.ok) {
    const what = isBoolean ? 'boolean value' : 'value';
    const where = isBoolean ? `-${name}` : `flag -${name}`;
    return invalid(`invalid ${what} ${quoted(text)} for ${where}: ${read.reason}`);
  }
  return {
    code: 'flag',
    name: spec.aliasOf ?? name,
    value: read.value,
    tookNext: !isBoolean && inline === undefined,
  };
}

function invalid(problem: string): OneFlag {
  return { code: 'invalid', problem };
}

/** Every flag with its usage and default, by name, laid out as Go's PrintDefaults does. */
export function flagsUsage(specs: FlagSpecs): string {
  return Object.keys(specs)
    .sort()
    .map((name) => flagUsage(name, specs[name]!))
    .join('');
}

function flagUsage(name: string, { kind, fallback, usage }: FlagSpec<unknown>): string {
  const head = kind === '' ? `  -${name}` : `  -${name} ${kind}`;
  // A boolean of one letter has its usage on the same line.
  const gap = head.length <= 4 ? '\t' : '\n    \t';
  const shown = kind === 'string' ? quoted(fallback) : fallback;
  const note = ZEROS.includes(fallback) ? '' : ` (default ${shown})`;
  return `${head}${gap}${usage}${note}\n`;
}

/** Near enough to Go's %q for what stands on a command line. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
