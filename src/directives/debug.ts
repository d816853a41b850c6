/** `debug`: debug lines in the log, and no recovery from a failure inside a handler; process-wide. */
import type { Directive } from '../corefile/ast.ts';
import { argumentsOf } from './argument.ts';

/** Whether the block has it. */
export function readDebug(lines: readonly Directive[]): boolean {
  for (const line of lines) argumentsOf(line, { min: 0, max: 0 });
  return lines.length > 0;
}
