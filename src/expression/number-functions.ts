/** Functions about numbers: rounding, conversion, totals, bits. */
import type { ExpressionFunction } from './function.ts';
import { Duration, NamedInteger } from './time.ts';
import { ExpressionError } from './token.ts';
import {
  compareValues,
  isArray,
  isNumber,
  type Value,
  type ValueType,
  valueText,
  wrapped,
} from './value.ts';

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

/** What Go's conversion gives on most machines for a float that no integer can hold. */
const INT_MIN = -(2n ** 63n);

function toInt(value: Value): Value {
  if (typeof value === 'bigint') return value;
  if (value instanceof Duration) return value.ns;
  if (value instanceof NamedInteger) return value.value;
  if (typeof value === 'number') {
    return Math.abs(value) < 2 ** 63 ? BigInt(Math.trunc(value)) : INT_MIN;
  }
  if (typeof value === 'string' && /^[+-]?\d+$/.test(value)) {
    const integer = BigInt(value);
    if (wrapped(integer) === integer) return integer;
  }
  throw new ExpressionError(`invalid operation: int(${valueText(value)})`);
}

const INFINITY = /^([+-]?)inf(?:inity)?$/i;

function toFloat(value: Value): Value {
  if (isNumber(value)) return Number(value);
  if (typeof value === 'string') {
    const digits = value.replace(/(?<=\d)_(?=\d)/g, '');
    if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(digits)) return Number(digits);
    if (/^[+-]?nan$/i.test(value)) return Number.NaN;
    const sign = INFINITY.exec(value)?.[1];
    if (sign !== undefined) return sign === '-' ? -Infinity : Infinity;
  }
  throw new ExpressionError(`invalid operation: float(${valueText(value)})`);
}

function absolute(value: Value): Value {
  if (typeof value === 'bigint') return value < 0n ? wrapped(-value) : value;
  return Math.abs(value as number);
}

/** The numbers among the values, of arrays' elements too. */
function numbersOf(name: string, values: readonly Value[]): (bigint | number)[] {
  return values.flatMap((value): (bigint | number)[] => {
    if (isNumber(value)) return [value];
    if (isArray(value)) return numbersOf(name, value);
    throw new ExpressionError(`invalid argument for ${name}: ${valueText(value)}`);
  });
}

function ofNumbers(
  result: ValueType,
  call: (values: readonly Value[]) => Value,
): ExpressionFunction {
  return { parameters: ['any'], rest: 'any', result, call: (...values) => call(values) };
}

/** The least or the greatest, of durations as well; nil where there is none. */
function extreme(name: string, sign: 1 | -1): ExpressionFunction {
  return ofNumbers('any', (values) => {
    const areDurations = values.every((value) => value instanceof Duration);
    let best: Value = null;
    for (const value of areDurations ? values : numbersOf(name, values)) {
      if (best === null || sign * compareValues(value, best)! > 0) best = value;
    }
    return best;
  });
}

function mean(values: readonly Value[]): Value {
  const numbers = numbersOf('mean', values).map(Number);
  return numbers.length === 0 ? 0 : numbers.reduce((sum, value) => sum + value) / numbers.length;
}

function median(values: readonly Value[]): Value {
  const numbers = numbersOf('median', values)
    .map(Number)
    .sort((left, right) => left - right);
  const middle = numbers.length >> 1;
  if (numbers.length === 0) return 0;
  if (numbers.length % 2 === 1) return numbers[middle]!;
  return (numbers[middle - 1]! + numbers[middle]!) / 2;
}

/** Beyond 64 nothing is left of a number. */
function shiftCount(count: bigint): bigint {
  if (count < 0n) throw new ExpressionError('invalid operation: negative shift count');
  return count > 64n ? 64n : count;
}

export const NUMBER_FUNCTIONS: Readonly<Record<string, ExpressionFunction>> = {
  abs: { parameters: ['number'], result: 'any', call: absolute },
  ceil: ofNumber(Math.ceil),
  floor: ofNumber(Math.floor),
  round: ofNumber((value) => Math.sign(value) * Math.round(Math.abs(value))),
  int: { parameters: ['any'], result: 'int', call: toInt },
  float: { parameters: ['any'], result: 'float', call: toFloat },
  max: extreme('max', 1),
  min: extreme('min', -1),
  mean: ofNumbers('float', mean),
  median: ofNumbers('float', median),
  bitand: ofBits((left, right) => left & right),
  bitor: ofBits((left, right) => left | right),
  bitxor: ofBits((left, right) => left ^ right),
  bitnand: ofBits((left, right) => left & ~right),
  bitnot: { parameters: ['int'], result: 'int', call: (value) => ~(value as bigint) },
  bitshl: ofBits((left, right) => left << shiftCount(right)),
  bitshr: ofBits((left, right) => left >> shiftCount(right)),
  bitushr: ofBits((left, right) => BigInt.asUintN(64, left) >> shiftCount(right)),
};
