/** `whoami`: answers every question with the client's own address, port and transport. */
import type { Directive } from '../corefile/ast.ts';
import { argumentsOf } from './argument.ts';

/** Whether the block has it; more than one are alike. */
export function readWhoami(lines: readonly Directive[]): boolean {
  for (const line of lines) argumentsOf(line, { min: 0, max: 0 });
  return lines.length > 0;
}
