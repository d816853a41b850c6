/** What operators make of values that are there; undefined where they have nothing to say about values of these types. */
import type { BinaryOperator, UnaryOperator } from './node.ts';
import { checkSize } from './size.ts';
import { Duration, Moment } from './time.ts';
import { ExpressionError } from './token.ts';
import {
  compareValues,
  isArray,
  isKey,
  isMap,
  isNumber,
  sameValue,
  type Value,
  wrapped,
} from './value.ts';

export function unaryValue(operator: UnaryOperator, value: Value): Value | undefined {
  if (operator === 'not' && typeof value === 'boolean') return !value;
  if (operator === 'not' || !isNumber(value)) return undefined;
  if (operator === '+') return value;
  return typeof value === 'bigint' ? wrapped(-value) : -value;
}

/** By operator. */
type Operations<Operand> = Readonly<
  Partial<Record<BinaryOperator, (left: Operand, right: Operand) => Value>>
>;

const ABOUT_TEXTS: Operations<string> = {
  contains: (left, right) => left.includes(right),
  startsWith: (left, right) => left.startsWith(right),
  endsWith: (left, right) => left.endsWith(right),
};

const OF_INTEGERS: Operations<bigint> = {
  '+': (left, right) => wrapped(left + right),
  '-': (left, right) => wrapped(left - right),
  '*': (left, right) => wrapped(left * right),
  '%': (left, right) => {
    if (right === 0n) throw new ExpressionError('integer divide by zero');
    return left % right;
  },
  '..': (left, right) => {
    const size = right < left ? 0 : Number(right - left + 1n);
    checkSize(size);
    return Array.from({ length: size }, (_, index) => left + BigInt(index));
  },
};

const OF_NUMBERS: Operations<number> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '**': (left, right) => left ** right,
};

/** Go compares no float that is no number, by any of them. */
const ORDERS: Readonly<Partial<Record<BinaryOperator, (compared: number) => boolean>>> = {
  '<': (compared) => compared < 0,
  '>': (compared) => compared > 0,
  '<=': (compared) => compared <= 0,
  '>=': (compared) => compared >= 0,
};

function timeOperation(operator: BinaryOperator, left: Value, right: Value) {
  const [leftNs, rightNs] = [left, right].map((side) =>
    side instanceof Duration ? side.ns : undefined,
  );
  if (leftNs !== undefined && rightNs !== undefined) {
    const compute = OF_INTEGERS[operator];
    return '+-*'.includes(operator) && compute
      ? new Duration(compute(leftNs, rightNs) as bigint)
      : undefined;
  }
  if (operator === '+' && left instanceof Moment && rightNs !== undefined) {
    return left.plus(rightNs);
  }
  if (operator === '+' && right instanceof Moment && leftNs !== undefined) {
    return right.plus(leftNs);
  }
  if (operator === '-' && left instanceof Moment) {
    if (right instanceof Moment) return left.minus(right);
    if (rightNs !== undefined) return left.plus(-rightNs);
  }
  if (operator !== '*') return undefined;
  const [ns, factor] = leftNs === undefined ? [rightNs, left] : [leftNs, right];
  if (ns === undefined) return undefined;
  if (typeof factor === 'bigint') return new Duration(ns * factor);
  // As in Go, where it is a number of nanoseconds.
  return typeof factor === 'number' ? Number(ns) * factor : undefined;
}

function isIn(left: Value, right: Value): boolean | undefined {
  if (right === null) return false;
  if (isArray(right)) return right.some((item) => sameValue(item, left));
  return isMap(right) ? isKey(left) && right.has(left) : undefined;
}

function operation(operator: BinaryOperator, left: Value, right: Value): Value | undefined {
  const order = ORDERS[operator];
  if (order !== undefined) {
    const compared = compareValues(left, right);
    return compared === undefined ? undefined : order(compared);
  }
  const aboutTexts = ABOUT_TEXTS[operator];
  if (aboutTexts !== undefined) {
    if (left === null || right === null) return false;
    const areTexts = typeof left === 'string' && typeof right === 'string';
    return areTexts ? aboutTexts(left, right) : undefined;
  }
  if (typeof left === 'string' && typeof right === 'string') {
    return operator === '+' ? left + right : undefined;
  }
  const ofIntegers = OF_INTEGERS[operator];
  if (typeof left === 'bigint' && typeof right === 'bigint' && ofIntegers) {
    return ofIntegers(left, right);
  }
  const ofNumbers = OF_NUMBERS[operator];
  if (isNumber(left) && isNumber(right)) return ofNumbers?.(Number(left), Number(right));
  return timeOperation(operator, left, right);
}

/** All but `and`, `or` and `??`, which may leave their right side alone. Throws an `ExpressionError`. */
export function binaryValue(
  operator: BinaryOperator,
  left: Value,
  right: Value,
): Value | undefined {
  if (operator === '==') return sameValue(left, right);
  if (operator === '!=') return !sameValue(left, right);
  return operator === 'in' ? isIn(left, right) : operation(operator, left, right);
}
