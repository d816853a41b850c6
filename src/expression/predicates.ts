/** The functions whose second operand is asked about each element of the first: `all(names, # != '')`. */
import type { Value, ValueType } from './value.ts';

export interface Predicate {
  readonly result: ValueType;
  /** What the second operand must be. */
  readonly body: 'bool' | 'any';
  /** May be left out. */
  readonly isOptional: boolean;
  /** `ask` gives the second operand for the element of that index. */
  readonly run: (items: readonly Value[], ask: (index: number) => Value) => Value;
}

type Ask = (index: number) => Value;

function which(items: readonly Value[], ask: Ask): readonly Value[] {
  return items.filter((_, index) => ask(index) === true);
}

/** Stops at the first that holds; -1: none does. */
function firstIndex(items: readonly Value[], ask: Ask): number {
  return items.findIndex((_, index) => ask(index) === true);
}

function lastIndex(items: readonly Value[], ask: Ask): number {
  return items.findLastIndex((_, index) => ask(index) === true);
}

function total(values: readonly Value[]): Value {
  let sum: bigint | number = 0n;
  for (const value of values) {
    if (typeof value === 'bigint' && typeof sum === 'bigint') sum = BigInt.asIntN(64, sum + value);
    else sum = Number(sum) + Number(value);
  }
  return sum;
}

function asking(result: ValueType, run: Predicate['run'], isOptional = false): Predicate {
  return { result, body: 'bool', isOptional, run };
}

export const PREDICATES: ReadonlyMap<string, Predicate> = new Map<string, Predicate>([
  ['all', asking('bool', (items, ask) => items.every((_, index) => ask(index) === true))],
  ['none', asking('bool', (items, ask) => firstIndex(items, ask) < 0)],
  ['any', asking('bool', (items, ask) => firstIndex(items, ask) >= 0)],
  ['one', asking('bool', (items, ask) => which(items, ask).length === 1)],
  ['filter', asking('array', which)],
  ['find', asking('any', (items, ask) => items[firstIndex(items, ask)] ?? null)],
  ['findLast', asking('any', (items, ask) => items[lastIndex(items, ask)] ?? null)],
  ['findIndex', asking('int', (items, ask) => BigInt(firstIndex(items, ask)))],
  ['findLastIndex', asking('int', (items, ask) => BigInt(lastIndex(items, ask)))],
  ['count', asking('int', (items, ask) => BigInt(which(items, ask).length), true)],
  [
    'map',
    {
      result: 'array',
      body: 'any',
      isOptional: false,
      run: (items, ask) => items.map((_, index) => ask(index)),
    },
  ],
  [
    'sum',
    {
      result: 'any',
      body: 'any',
      isOptional: true,
      run: (items, ask) => total(items.map((_, index) => ask(index))),
    },
  ],
]);
