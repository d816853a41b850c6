/** `loop`: at start, looks whether what the block forwards comes back to it. Once in a server block. */
import type { Directive } from '../corefile/ast.ts';
import { argumentsOf, onlyOne } from './argument.ts';

/** Whether the block has it. */
export function readLoop(lines: readonly Directive[]): boolean {
  const line = onlyOne(lines);
  if (line !== undefined) argumentsOf(line, { min: 0, max: 0 });
  return line !== undefined;
}
