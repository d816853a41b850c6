/** `bufsize [SIZE]`: the UDP size that our OPT offers to upstreams (RFC 6891 §6.2.3), and the largest reply over UDP. */
import type { Directive } from '../corefile/ast.ts';
import { argumentsOf, integerOf, warnIgnored } from './argument.ts';
import type { BlockContext } from './block-context.ts';

/** DNS Flag Day 2020: what passes without fragments nearly everywhere; CoreDNS's default too. */
const SIZE_DEFAULT = 1232;
const SIZE_BOUNDS = { min: 512, max: 4096 };

/** Octets; undefined where the block has no `bufsize`. Of several CoreDNS reads the first. */
export function readBufsize(
  lines: readonly Directive[],
  context: BlockContext,
): number | undefined {
  const [line] = lines;
  if (line === undefined) return undefined;
  warnIgnored(lines, line, context);
  const [size] = argumentsOf(line, { min: 0, max: 1 }, context);
  return size === undefined ? SIZE_DEFAULT : integerOf('bufsize', size, SIZE_BOUNDS);
}
