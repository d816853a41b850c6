/** All functions of the language that need no predicate. */
import type { ExpressionFunction } from './function.ts';
import { JSON_FUNCTIONS } from './json.ts';
import { LIST_FUNCTIONS } from './list-functions.ts';
import type { Node } from './node.ts';
import { NUMBER_FUNCTIONS } from './number-functions.ts';
import { TEXT_FUNCTIONS } from './text-functions.ts';
import { TIME_FUNCTIONS } from './time-functions.ts';
import { typeOf, valueText } from './value.ts';

export const FUNCTIONS: ReadonlyMap<string, ExpressionFunction> = new Map(
  Object.entries<ExpressionFunction>({
    ...TEXT_FUNCTIONS,
    ...NUMBER_FUNCTIONS,
    ...LIST_FUNCTIONS,
    ...JSON_FUNCTIONS,
    ...TIME_FUNCTIONS,
    string: { parameters: ['any'], result: 'string', call: valueText },
    type: { parameters: ['any'], result: 'string', call: typeOf },
  }),
);

/** What a call calls: the name as it is given from outside, or with `::` the language's own, where there are both. */
export function functionOf(
  { name, isBuiltin }: Extract<Node, { kind: 'call' }>,
  given: ReadonlyMap<string, ExpressionFunction>,
): ExpressionFunction | undefined {
  const [first, second] = isBuiltin ? [FUNCTIONS, given] : [given, FUNCTIONS];
  return first.get(name) ?? second.get(name);
}
