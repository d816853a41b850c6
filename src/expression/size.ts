/**
 * How large a value may be. A list costs nothing to put into another one twice, and so on: forty lists of two hold a million
 * million elements. So a value counts with all that it holds, every time that it holds it, and nothing beyond the bounds ever
 * comes to be; whoever walks a value needs no bound of its own.
 */
import { BoundError } from './token.ts';
import { isArray, isMap, type Value } from './value.ts';

/** Elements and characters of a value: enough for any message, little for any node. */
export const SIZE_MAX = 65_536;
/** Of lists in one another: those who walk them use the engine's stack. */
export const DEPTH_MAX = 100;

interface Measure {
  readonly size: number;
  readonly depth: number;
}

const SCALAR: Measure = { size: 1, depth: 0 };
/** Of lists and maps, which never change. */
const measures = new WeakMap<object, Measure>();

function measureOf(value: Value): Measure {
  if (typeof value === 'string') return { size: Math.max(value.length, 1), depth: 0 };
  if (!isArray(value) && !isMap(value)) return SCALAR;
  const known = measures.get(value);
  if (known !== undefined) return known;
  let size = 1;
  let depth = 0;
  const add = (item: Value) => {
    const inner = measureOf(item);
    size += inner.size;
    depth = Math.max(depth, inner.depth + 1);
  };
  for (const item of isMap(value) ? value.values() : value) add(item);
  if (isMap(value)) for (const key of value.keys()) add(key);
  const measure = { size, depth };
  measures.set(value, measure);
  return measure;
}

export function sizeOf(value: Value): number {
  return measureOf(value).size;
}

/** The value; an `ExpressionError` where it is too large. What it holds has passed here before. */
export function checked(value: Value): Value {
  const { size, depth } = measureOf(value);
  // The list itself is free, so that one of the largest size is one of so many numbers.
  if (size > SIZE_MAX + 1) checkSize(size);
  if (depth > DEPTH_MAX) throw new BoundError(`lists nested more than ${DEPTH_MAX} deep`);
  return value;
}

/** For what would be that large. */
export function checkSize(size: number): void {
  if (size > SIZE_MAX) throw new BoundError(`more than ${SIZE_MAX} elements`);
}
