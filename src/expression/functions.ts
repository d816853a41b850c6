/** The functions of the expr language that need no predicate, and the shape in which further ones are given. */
import { ExpressionError } from './token.ts';
import {
  isArray,
  isMap,
  isNumber,
  sameValue,
  type Value,
  type ValueType,
  valueText,
  wrapped,
} from './value.ts';

/** `number` is an integer or a float, `list` an array or a map or a text. */
export type Parameter = ValueType | 'number' | 'list';

export interface ExpressionFunction {
  readonly parameters: readonly Parameter[];
  /** How many of them are needed; default: all. */
  readonly needed?: number;
  /** Any number of further ones. */
  readonly rest?: Parameter;
  readonly result: ValueType;
  /** Throws an `ExpressionError`. The values are of the types of the parameters. */
  readonly call: (...values: Value[]) => Value;
}

/** Elements of an array or characters of a text: enough for any message, little for any node. */
export const SIZE_MAX = 65_536;

export function checkedSize<Sized extends string | readonly Value[]>(value: Sized): Sized {
  if (value.length > SIZE_MAX) throw new ExpressionError(`more than ${SIZE_MAX} elements`);
  return value;
}

type Text = (text: string, ...others: string[]) => Value;

/** A function of texts. */
function ofTexts(count: number, result: ValueType, call: Text, needed = count): ExpressionFunction {
  const parameters = Array<Parameter>(count).fill('string');
  return { parameters, needed, result, call: call as ExpressionFunction['call'] };
}

function ofNumber(call: (value: number) => number): ExpressionFunction {
  return { parameters: ['number'], result: 'float', call: (value) => call(Number(value)) };
}

function ofBits(call: (left: bigint, right: bigint) => bigint): ExpressionFunction {
  return {
    parameters: ['int', 'int'],
    result: 'int',
    call: (left, right) => wrapped(call(left as bigint, right as bigint)),
  };
}

function ofArray(result: ValueType, call: (items: readonly Value[]) => Value): ExpressionFunction {
  return { parameters: ['array'], result, call: (items) => call(items as readonly Value[]) };
}

function toInt(value: Value): Value {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return wrapped(BigInt(Math.trunc(value)));
  if (typeof value === 'string' && /^[+-]?\d+$/.test(value)) {
    const integer = BigInt(value);
    if (wrapped(integer) === integer) return integer;
  }
  throw new ExpressionError(`invalid operation: int(${valueText(value)})`);
}

function toFloat(value: Value): Value {
  if (isNumber(value)) return Number(value);
  if (typeof value === 'string' && /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value))
    return Number(value);
  throw new ExpressionError(`invalid operation: float(${valueText(value)})`);
}

/** The least or the greatest of numbers, of arrays' elements too. */
function extreme(isBetter: (one: number, other: number) => boolean): ExpressionFunction {
  return {
    parameters: ['any'],
    rest: 'any',
    result: 'any',
    call: (...values) => {
      const numbers = values.flatMap((value): readonly Value[] =>
        isArray(value) ? value : [value],
      );
      let best: Value | undefined;
      for (const value of numbers) {
        if (!isNumber(value))
          throw new ExpressionError(`invalid argument: ${valueText(value)} is no number`);
        if (best === undefined || isBetter(Number(value), Number(best))) best = value;
      }
      if (best === undefined) throw new ExpressionError('not enough arguments');
      return best;
    },
  };
}

function trimmed(
  text: string,
  characters: string | undefined,
  start: boolean,
  end: boolean,
): string {
  const has = (character: string | undefined) =>
    character !== undefined &&
    (characters === undefined ? /\s/.test(character) : characters.includes(character));
  const letters = [...text];
  let from = 0;
  let to = letters.length;
  while (start && from < to && has(letters[from])) from += 1;
  while (end && to > from && has(letters[to - 1])) to -= 1;
  return letters.slice(from, to).join('');
}

function split(text: string, separator: string, limit: bigint): Value {
  const parts = separator === '' ? [...text] : text.split(separator);
  const count = Number(limit);
  if (count < 0 || parts.length <= count) return checkedSize(parts);
  if (count === 0) return [];
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}

function replaced(text: string, from: string, to: string, limit: bigint): string {
  if (limit < 0n) return checkedSize(text.split(from).join(to));
  const parts = text.split(from);
  const count = Math.min(Number(limit), parts.length - 1);
  return checkedSize([parts.slice(0, count + 1).join(to), ...parts.slice(count + 1)].join(from));
}

function repeated(text: string, count: bigint): string {
  if (count < 0n) throw new ExpressionError('invalid argument for repeat: negative count');
  if (BigInt(text.length) * count > BigInt(SIZE_MAX))
    throw new ExpressionError(`more than ${SIZE_MAX} elements`);
  return text.repeat(Number(count));
}

/** Of a text, its characters. */
function lengthOf(value: Value): Value {
  if (typeof value === 'string') return BigInt([...value].length);
  return BigInt(isArray(value) ? value.length : isMap(value) ? value.size : 0);
}

/** `array[index]`, `map[key]`: nil where there is none. */
export function memberOf(object: Value, key: Value): Value {
  if (isMap(object)) return object.get(String(key)) ?? null;
  if (!isArray(object) || typeof key !== 'bigint') return null;
  return object.at(Number(key)) ?? null;
}

function compareValues(left: Value, right: Value): number {
  if (isNumber(left) && isNumber(right)) return Number(left) - Number(right);
  return String(left) < String(right) ? -1 : String(left) > String(right) ? 1 : 0;
}

export const FUNCTIONS: ReadonlyMap<string, ExpressionFunction> = new Map<
  string,
  ExpressionFunction
>([
  ['len', { parameters: ['list'], result: 'int', call: lengthOf }],
  [
    'abs',
    {
      parameters: ['number'],
      result: 'any',
      call: (value) => ((value as number) < 0 ? -(value as number) : value) as Value,
    },
  ],
  ['ceil', ofNumber(Math.ceil)],
  ['floor', ofNumber(Math.floor)],
  ['round', ofNumber((value) => Math.sign(value) * Math.round(Math.abs(value)))],
  ['int', { parameters: ['any'], result: 'int', call: toInt }],
  ['float', { parameters: ['any'], result: 'float', call: toFloat }],
  ['string', { parameters: ['any'], result: 'string', call: valueText }],
  ['trim', ofTexts(2, 'string', (text, set) => trimmed(text, set, true, true), 1)],
  [
    'trimPrefix',
    ofTexts(
      2,
      'string',
      (text, prefix = ' ') => (text.startsWith(prefix) ? text.slice(prefix.length) : text),
      1,
    ),
  ],
  [
    'trimSuffix',
    ofTexts(
      2,
      'string',
      (text, suffix = ' ') =>
        text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text,
      1,
    ),
  ],
  ['upper', ofTexts(1, 'string', (text) => text.toUpperCase())],
  ['lower', ofTexts(1, 'string', (text) => text.toLowerCase())],
  [
    'split',
    {
      parameters: ['string', 'string', 'int'],
      needed: 2,
      result: 'array',
      call: (text, separator, limit = -1n) =>
        split(text as string, separator as string, limit as bigint),
    },
  ],
  [
    'replace',
    {
      parameters: ['string', 'string', 'string', 'int'],
      needed: 3,
      result: 'string',
      call: (text, from, to, limit = -1n) =>
        replaced(text as string, from as string, to as string, limit as bigint),
    },
  ],
  [
    'repeat',
    {
      parameters: ['string', 'int'],
      result: 'string',
      call: (text, count) => repeated(text as string, count as bigint),
    },
  ],
  [
    'join',
    {
      parameters: ['array', 'string'],
      needed: 1,
      result: 'string',
      call: (items, separator = '') =>
        checkedSize((items as Value[]).map(valueText).join(separator as string)),
    },
  ],
  ['indexOf', ofTexts(2, 'int', (text, part = '') => BigInt(text.indexOf(part)))],
  ['lastIndexOf', ofTexts(2, 'int', (text, part = '') => BigInt(text.lastIndexOf(part)))],
  ['hasPrefix', ofTexts(2, 'bool', (text, part = '') => text.startsWith(part))],
  ['hasSuffix', ofTexts(2, 'bool', (text, part = '') => text.endsWith(part))],
  ['max', extreme((one, other) => one > other)],
  ['min', extreme((one, other) => one < other)],
  ['first', ofArray('any', (items) => items[0] ?? null)],
  ['last', ofArray('any', (items) => items.at(-1) ?? null)],
  ['get', { parameters: ['any', 'any'], result: 'any', call: memberOf }],
  [
    'take',
    {
      parameters: ['array', 'int'],
      result: 'array',
      call: (items, count) => (items as Value[]).slice(0, Math.max(0, Number(count))),
    },
  ],
  [
    'keys',
    {
      parameters: ['map'],
      result: 'array',
      call: (map) => [...(map as Map<string, Value>).keys()],
    },
  ],
  [
    'values',
    {
      parameters: ['map'],
      result: 'array',
      call: (map) => [...(map as Map<string, Value>).values()],
    },
  ],
  ['reverse', ofArray('array', (items) => items.toReversed())],
  [
    'uniq',
    ofArray('array', (items) =>
      items.filter((item, index) => items.findIndex((other) => sameValue(other, item)) === index),
    ),
  ],
  [
    'concat',
    {
      parameters: ['array'],
      rest: 'array',
      result: 'array',
      call: (...arrays) => checkedSize((arrays as Value[][]).flat(1)),
    },
  ],
  ['flatten', ofArray('array', (items) => checkedSize(flattened(items)))],
  ['sort', ofArray('array', (items) => items.toSorted(compareValues))],
  ['bitand', ofBits((left, right) => left & right)],
  ['bitor', ofBits((left, right) => left | right)],
  ['bitxor', ofBits((left, right) => left ^ right)],
  ['bitnand', ofBits((left, right) => left & ~right)],
  ['bitnot', { parameters: ['int'], result: 'int', call: (value) => ~(value as bigint) }],
  ['bitshl', ofBits((left, right) => left << shiftCount(right))],
  ['bitshr', ofBits((left, right) => left >> shiftCount(right))],
  ['bitushr', ofBits((left, right) => BigInt.asUintN(64, left) >> shiftCount(right))],
  ['toBase64', ofTexts(1, 'string', (text) => Buffer.from(text).toString('base64'))],
  ['fromBase64', ofTexts(1, 'string', (text) => Buffer.from(text, 'base64').toString())],
]);

function flattened(items: readonly Value[]): Value[] {
  return items.flatMap((item) => (isArray(item) ? flattened(item) : [item]));
}

/** Beyond 64 nothing is left of a number. */
function shiftCount(count: bigint): bigint {
  if (count < 0n) throw new ExpressionError('invalid operation: negative shift count');
  return count > 64n ? 64n : count;
}

/** Names that CoreDNS's version of the language has, whether or not they are here. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  ...['groupBy', 'sortBy', 'reduce', 'type', 'splitAfter', 'mean', 'median', 'toJSON', 'fromJSON'],
  ...['now', 'duration', 'date', 'timezone', 'toPairs', 'fromPairs'],
]);
