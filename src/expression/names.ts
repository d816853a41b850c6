/** The words that the language keeps for itself. */
import { FUNCTIONS } from './functions.ts';
import { PREDICATES } from './predicates.ts';
import type { Value } from './value.ts';

/** Operators that `not` may stand before. */
export const NEGATABLE = ['in', 'matches', 'contains', 'startsWith', 'endsWith'];
const WORDS = ['not', 'and', 'or', 'let', 'if', 'else', ...NEGATABLE];

export const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['true', true],
  ['false', false],
  ['nil', null],
]);

/** Whether a text is a name, and no word of the language. */
export function isFreeName(text: string): boolean {
  return /^[A-Za-z_]\w*$/.test(text) && !WORDS.includes(text) && !CONSTANTS.has(text);
}

/** Whether a name may be given to a variable: none of the language's words and functions. */
export function isVariableName(name: string): boolean {
  return isFreeName(name) && !FUNCTIONS.has(name) && !PREDICATES.has(name);
}
