/**
 * `metadata [ZONES...]`: labels about a query for other directives (`{/LABEL}` in `log`, `extra` of `dnstap`, `.Meta` in `template`,
 * `{LABEL}` in `rewrite`). Once in a server block. node-cache has these: `forward/upstream`, `trace/traceid`, `log/type`
 * and `log/class`.
 */
import type { Directive } from '../corefile/ast.ts';
import { argumentsOf, onlyOne } from './argument.ts';
import type { BlockContext } from './block-context.ts';
import { readZones } from './zone-key.ts';

/** The zones whose queries have labels; undefined where the block has no `metadata`. */
export function readMetadata(
  lines: readonly Directive[],
  context: BlockContext,
): readonly string[] | undefined {
  const line = onlyOne(lines);
  if (line === undefined) return undefined;
  const words = argumentsOf(line, { min: 0, max: Number.POSITIVE_INFINITY });
  return words.length === 0 ? context.zones : words.flatMap((word) => readZones('metadata', word));
}
