/**
 * What a subcommand of `zerohop` is, and how its options are read: as GNU programs have them (`--name VALUE`,
 * `--name=VALUE`, `--` before operands that start with a dash).
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';

export interface Command {
  /** What `zerohop NAME --help` prints, whole. */
  readonly help: string;
  /** Does its work and gives the exit code; throws a `UsageError`, or a `CommandError` where it cannot do it. */
  readonly run: (args: readonly string[], output: Output) => Promise<number>;
}

/** Where a command writes. */
export interface Output {
  readonly write: (text: string) => void;
  /** Whether it goes to a terminal that shows colours. */
  readonly hasColour: boolean;
  /** Of a terminal; 80 elsewhere. */
  readonly columns: number;
}

/** A wrong command line: exit code 2. */
export class UsageError extends Error {}

/** The command line is right, and the work cannot be done: exit code `exitCode`. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

type OptionSpecs = NonNullable<ParseArgsConfig['options']>;

/** The options' values and the operands, of which there are `operandsMax` at most; throws a `UsageError`. */
export function readOptions<const Specs extends OptionSpecs>(
  args: readonly string[],
  options: Specs,
  operandsMax: number,
) {
  const config = { args: [...args], options, allowPositionals: true, strict: true } as const;
  let parsed: ReturnType<typeof parseArgs<typeof config>>;
  try {
    parsed = parseArgs(config);
  } catch (error) {
    // Advice follows on further sentences and lines, which is about quoting and no help here.
    const [problem = ''] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(`${problem.charAt(0).toLowerCase()}${problem.slice(1)}`, { cause: error });
  }
  const extra = parsed.positionals[operandsMax];
  if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'`);
  return parsed;
}

/** A whole number of seconds from 1 on, in milliseconds. */
export function secondsOf(option: string, text: string, maxS: number): number {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 1 && seconds <= maxS) return seconds * 1000;
  throw new UsageError(`${option} ${text}: expected whole seconds from 1 to ${maxS}`);
}
