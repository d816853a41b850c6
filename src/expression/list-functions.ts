/** Functions about arrays and maps that ask nothing about their elements (predicates.ts has those that do). */
import { type ExpressionFunction, ofArray, ofMap } from './function.ts';
import { checkSize } from './size.ts';
import { ExpressionError } from './token.ts';
import {
  compareValues,
  identityOf,
  isArray,
  isKey,
  isMap,
  type Key,
  partOf,
  typeOf,
  type Value,
} from './value.ts';

/** Of a text, its characters. */
function lengthOf(value: Value): Value {
  if (typeof value === 'string') return BigInt([...value].length);
  return BigInt(isArray(value) ? value.length : isMap(value) ? value.size : 0);
}

/** `array[index]`, `map[key]`: nil where there is none. */
export function memberOf(object: Value, key: Value): Value {
  if (isMap(object)) return isKey(key) ? (object.get(key) ?? null) : null;
  if (!isArray(object) || typeof key !== 'bigint') return null;
  return object.at(Number(key)) ?? null;
}

/** A value that may be a key; Go looks nothing up by lists. Dates and durations are left out. */
export function keyOf(value: Value): Key {
  if (isKey(value)) return value;
  throw new ExpressionError(`${typeOf(value)} cannot be the key of a map`);
}

function take(items: readonly Value[], count: bigint): Value {
  if (count < 0n) throw new ExpressionError('take: negative count');
  return partOf(items, 0, Number(count));
}

function fromPairs(pairs: readonly Value[]): Value {
  const entries = pairs.map((pair): [Key, Value] => {
    if (isArray(pair) && pair.length === 2) return [keyOf(pair[0]!), pair[1]!];
    throw new ExpressionError('fromPairs: expected pairs');
  });
  return new Map(entries);
}

/** The first of each; 1 and 1.0 are the same. */
function unique(items: readonly Value[]): Value {
  const seen = new Set<string>();
  return items.filter((item) => {
    const isWhole = typeof item === 'number' && Number.isInteger(item);
    const identity = identityOf(isWhole ? BigInt(item) : item);
    return seen.size < seen.add(identity).size;
  });
}

function flattened(items: readonly Value[]): Value[] {
  return items.flatMap((item) => (isArray(item) ? flattened(item) : [item]));
}

function concat(...arrays: Value[]): Value {
  checkSize((arrays as Value[][]).reduce((size, { length }) => size + length, 0));
  return (arrays as Value[][]).flat(1);
}

/** The items in the order of their values, of the same index. */
export function sortedBy(items: readonly Value[], values: readonly Value[], order: Value): Value {
  if (order !== 'asc' && order !== 'desc') {
    throw new ExpressionError(`invalid order ${order}, expected asc or desc`);
  }
  const sign = order === 'asc' ? 1 : -1;
  const indexes = values.map((_, index) => index);
  indexes.sort((one, other) => {
    const [left, right] = [values[one]!, values[other]!];
    const compared = compareValues(left, right);
    if (compared !== undefined) return sign * compared;
    throw new ExpressionError(`invalid operation: ${typeOf(left)} < ${typeOf(right)}`);
  });
  return indexes.map((index) => items[index]!);
}

export const LIST_FUNCTIONS: Readonly<Record<string, ExpressionFunction>> = {
  len: { parameters: ['list'], result: 'int', call: lengthOf },
  first: ofArray('any', (items) => items[0] ?? null),
  last: ofArray('any', (items) => items.at(-1) ?? null),
  get: { parameters: ['any', 'any'], result: 'any', call: memberOf },
  take: {
    parameters: ['array', 'int'],
    result: 'array',
    call: (items, count) => take(items as Value[], count as bigint),
  },
  keys: ofMap('array', (map) => [...map.keys()]),
  values: ofMap('array', (map) => [...map.values()]),
  toPairs: ofMap('array', (map) => [...map]),
  // Of its keys nothing is known before it is there.
  fromPairs: ofArray('any', fromPairs),
  reverse: ofArray('array', (items) => items.toReversed()),
  uniq: ofArray('array', unique),
  concat: { parameters: ['array'], rest: 'array', result: 'array', call: concat },
  flatten: ofArray('array', flattened),
  sort: {
    parameters: ['array', 'string'],
    needed: 1,
    result: 'array',
    call: (items, order = 'asc') => sortedBy(items as Value[], items as Value[], order),
  },
};
