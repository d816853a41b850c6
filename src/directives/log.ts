/**
 * `log [NAMES...] [FORMAT] { class success|denial|error|all... }`: a line for each query below one of NAMES. It may repeat;
 * the first rule whose name fits decides.
 */
import type { Directive, Word } from '../corefile/ast.ts';
import { argumentsBeforeBlock, failOption, oneOf, optionArguments } from './argument.ts';
import type { BlockContext } from './block-context.ts';
import { readNameList } from './zone-key.ts';

const CLASSES = ['all', 'success', 'denial', 'error'] as const;
/** What a response is to the log: `denial` is NXDOMAIN and NODATA, `error` any other rcode than NOERROR. */
export type LogClass = (typeof CLASSES)[number];

export interface LogRule {
  /** Lower-case FQDN; the rule is for it and all below. */
  readonly zone: string;
  /** Text with placeholders such as `{name}` and `{>id}`; `{common}` and `{combined}` are spelled out already. */
  readonly format: string;
  readonly classes: readonly LogClass[];
}

/** The `common` format of CoreDNS. */
export const COMMON_LOG_FORMAT =
  '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}';
export const COMBINED_LOG_FORMAT = `${COMMON_LOG_FORMAT} "{>opcode}"`;

const SOME = { min: 1, max: Number.POSITIVE_INFINITY };

/** Rules in the order in which they are tried; empty where the block has no `log`. */
export function readLog(lines: readonly Directive[], context: BlockContext): readonly LogRule[] {
  return lines.flatMap((line) => readOne(line, context));
}

function readOne(line: Directive, context: BlockContext): LogRule[] {
  const args = argumentsBeforeBlock(line, { min: 0, max: Number.POSITIVE_INFINITY });
  const last = args.at(-1);
  const hasBraces = last?.text.includes('{') ?? false;
  // CoreDNS takes a single argument for a name, whatever it looks like.
  if (last !== undefined && hasBraces && args.length === 1) {
    const problem = `'${last.text}' is read as a name: write '. ${last.text}' for a format`;
    context.warn({ directive: 'log', at: last.at, problem });
  }
  const hasFormat = hasBraces && args.length > 1;
  const names = hasFormat ? args.slice(0, -1) : args;
  const format = hasFormat && last !== undefined ? formatOf(last) : COMMON_LOG_FORMAT;
  const classes = readClasses(line.block ?? []);
  const zones = names.length === 0 ? ['.'] : readNameList('log', names, context);
  return zones.map((zone) => ({ zone, format, classes }));
}

function formatOf({ text }: Word): string {
  return text
    .replaceAll('{common}', COMMON_LOG_FORMAT)
    .replaceAll('{combined}', COMBINED_LOG_FORMAT);
}

function readClasses(options: readonly Directive[]): readonly LogClass[] {
  const classes = new Set<LogClass>();
  for (const option of options) {
    if (option.name.text !== 'class') failOption('log', option, ['class']);
    for (const word of optionArguments('log', option, SOME))
      classes.add(oneOf('log', word, CLASSES));
  }
  return classes.size === 0 ? ['all'] : [...classes];
}
