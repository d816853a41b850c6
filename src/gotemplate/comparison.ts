/**
 * `eq` and `lt` by Go's basic kinds: booleans, integers with and without sign, floats and strings compare among their own
 * kind, and the two kinds of integers with each other. What else is asked for is an error.
 */
import { CallError, type GoValue, typeOf } from './value.ts';
import { applyVerb, PLAIN } from './verb.ts';

type Basic = Extract<GoValue, { kind: 'bool' | 'int' | 'uint' | 'float' | 'string' }>;

function isBasic(value: GoValue): value is Basic {
  return ['bool', 'int', 'uint', 'float', 'string'].includes(value.kind);
}

function areIntegers(left: GoValue, right: GoValue): boolean {
  return [left, right].every(({ kind }) => kind === 'int' || kind === 'uint');
}

function isAbsent(value: GoValue): boolean {
  return value.kind === 'none' || value.kind === 'nil';
}

export function compareEqual(left: GoValue, right: GoValue): boolean {
  if (isBasic(left) && isBasic(right) && (left.kind === right.kind || areIntegers(left, right))) {
    return left.value === right.value;
  }
  const hasNone = left.kind === 'none' || right.kind === 'none';
  if (isBasic(left) || isBasic(right)) {
    if (hasNone) return false;
    throw incompatible(left, right);
  }
  if (isAbsent(left) || isAbsent(right)) return isAbsent(left) === isAbsent(right);
  if (left.kind !== right.kind) {
    throw new CallError(
      `non-comparable types ${shown(left)}: ${typeOf(left)}, ${typeOf(right)}: ${shown(right)}`,
    );
  }
  if (left.kind === 'struct') return left === right;
  throw new CallError(`non-comparable type ${shown(right)}: ${typeOf(right)}`);
}

export function compareLess(left: GoValue, right: GoValue): boolean {
  if (!isBasic(left) || !isBasic(right)) throw new CallError('invalid type for comparison');
  if (left.kind !== right.kind && !areIntegers(left, right)) throw incompatible(left, right);
  if (left.kind === 'bool') throw new CallError('invalid type for comparison');
  return left.value < right.value;
}

function incompatible(left: GoValue, right: GoValue): CallError {
  return new CallError(`incompatible types for comparison: ${typeOf(left)} and ${typeOf(right)}`);
}

function shown(value: GoValue): string {
  return applyVerb(PLAIN, value);
}
