/** `fallthrough [ZONES...]`: for which names a question that a stage has no answer for goes on to the next one. */
import type { Directive } from '../corefile/ast.ts';
import { isBelow, nameFromText } from '../wire/name.ts';
import type { Octets } from '../wire/octets.ts';
import { optionArguments } from './argument.ts';
import type { BlockContext } from './block-context.ts';
import { readZoneList } from './zone-key.ts';

/** The zones of the option; without any it is for all names, as in CoreDNS. */
export function readFallthrough(
  directive: string,
  option: Directive,
  context: BlockContext,
): readonly string[] {
  const words = optionArguments(directive, option, { min: 0, max: Number.POSITIVE_INFINITY });
  return words.length === 0 ? ['.'] : readZoneList(directive, words, context);
}

/** Whether a name is in one of the zones. */
export function zoneMatcher(zones: readonly string[]): (qname: Octets) => boolean {
  const names = zones.map((zone) => nameFromText(zone)!);
  return (qname) => names.some((name) => isBelow(qname, name));
}
