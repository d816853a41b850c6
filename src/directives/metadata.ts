/**
 * `metadata [ZONES...]`: labels about a query for other directives (`{/LABEL}` in `log`, `extra` of `dnstap`, `.Meta` in `template`,
 * `{LABEL}` in `rewrite`). Once in a server block. node-cache has these: `forward/upstream`, `trace/traceid`, `log/type`
 * and `log/class`.
 */
import type { Directive } from '../corefile/ast.ts';
import { argumentsOf, onlyOne } from './argument.ts';
import type { BlockContext } from './block-context.ts';
import { readZoneList } from './zone-key.ts';

/** The zones whose queries have labels; undefined where the block has no `metadata`. */
export function readMetadata(
  lines: readonly Directive[],
  context: BlockContext,
): readonly string[] | undefined {
  const line = onlyOne(lines);
  if (line === undefined) return undefined;
  const bounds = { min: 0, max: Number.POSITIVE_INFINITY };
  // CoreDNS looks whether something is in the block.
  const words = argumentsOf(line, bounds, line.block?.length === 0 ? context : undefined);
  return words.length === 0 ? context.zones : readZoneList('metadata', words, context);
}
