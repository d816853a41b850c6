/** The functions whose second operand is asked about each element of the first: `all(names, # != '')`. */
import { keyOf, sortedBy } from './list-functions.ts';
import { Duration } from './time.ts';
import { ExpressionError } from './token.ts';
import { isNumber, type Key, typeOf, type Value, type ValueType, wrapped } from './value.ts';

/** Gives the second operand for the element of that index; `#acc` stands for `accumulator`. */
type Ask = (index: number, accumulator?: Value) => Value;

/** What the second operand may name beside the element: its index, and what `reduce` has so far. */
export type Pointer = 'index' | 'acc';

export interface Predicate {
  readonly result: ValueType;
  /** What the second operand must be. */
  readonly body: 'bool' | 'any';
  /** The second operand may be left out. */
  readonly isOptional: boolean;
  readonly pointers: readonly Pointer[];
  /** The type of a third operand that may be there. */
  readonly last: ValueType | undefined;
  readonly run: (items: readonly Value[], ask: Ask, last: Value | undefined) => Value;
}

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

function indexOrNil(index: number): Value {
  return index < 0 ? null : BigInt(index);
}

function total(values: readonly Value[]): Value {
  return values.reduce((sum: Value, value) => {
    if (typeof sum === 'bigint' && typeof value === 'bigint') return wrapped(sum + value);
    if (isNumber(sum) && isNumber(value)) return Number(sum) + Number(value);
    if (sum instanceof Duration && value instanceof Duration)
      return new Duration(sum.ns + value.ns);
    if (sum === 0n && value instanceof Duration) return value;
    throw new ExpressionError(`invalid operation: ${typeOf(sum)} + ${typeOf(value)}`);
  }, 0n);
}

function groups(items: readonly Value[], ask: Ask): Value {
  const byKey = new Map<Key, Value[]>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(ask(index));
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [item]);
    else group.push(item);
  }
  return byKey;
}

/** Without a start, the first element is it. */
function reduced(items: readonly Value[], ask: Ask, start: Value | undefined): Value {
  let accumulator = start ?? items[0];
  if (accumulator === undefined) {
    throw new ExpressionError('reduce of empty array with no initial value');
  }
  for (let index = start === undefined ? 1 : 0; index < items.length; index++) {
    accumulator = ask(index, accumulator);
  }
  return accumulator;
}

type Shape = Partial<Omit<Predicate, 'result' | 'run'>>;

/** About true and false. */
function asking(result: ValueType, run: Predicate['run'], isOptional = false): Predicate {
  return { result, body: 'bool', isOptional, pointers: [], last: undefined, run };
}

/** About values of any type. */
function working(result: ValueType, run: Predicate['run'], shape: Shape = {}): Predicate {
  const plain = { body: 'any', isOptional: false, pointers: [], last: undefined } as const;
  return { ...plain, result, run, ...shape };
}

function answers(items: readonly Value[], ask: Ask): Value[] {
  return items.map((_, index) => ask(index));
}

export const PREDICATES: ReadonlyMap<string, Predicate> = new Map<string, Predicate>([
  ['all', asking('bool', (items, ask) => items.every((_, index) => ask(index) === true))],
  ['none', asking('bool', (items, ask) => firstIndex(items, ask) < 0)],
  ['any', asking('bool', (items, ask) => firstIndex(items, ask) >= 0)],
  ['one', asking('bool', (items, ask) => which(items, ask).length === 1)],
  ['filter', asking('array', which)],
  ['find', asking('any', (items, ask) => items[firstIndex(items, ask)] ?? null)],
  ['findLast', asking('any', (items, ask) => items[lastIndex(items, ask)] ?? null)],
  ['findIndex', asking('int', (items, ask) => indexOrNil(firstIndex(items, ask)))],
  ['findLastIndex', asking('int', (items, ask) => indexOrNil(lastIndex(items, ask)))],
  ['count', asking('int', (items, ask) => BigInt(which(items, ask).length), true)],
  ['map', working('array', answers, { pointers: ['index'] })],
  ['sum', working('any', (items, ask) => total(answers(items, ask)), { isOptional: true })],
  // Of its keys nothing is known before it is there.
  ['groupBy', working('any', groups)],
  [
    'sortBy',
    working('array', (items, ask, order = 'asc') => sortedBy(items, answers(items, ask), order), {
      last: 'string',
    }),
  ],
  ['reduce', working('any', reduced, { pointers: ['index', 'acc'], last: 'any' })],
]);
