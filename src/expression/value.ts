/** Values of expressions: integers are bigints of 64 bits, floats are numbers. */

export type Value =
  | bigint
  | number
  | string
  | boolean
  | null
  | readonly Value[]
  | ReadonlyMap<string, Value>;

/** What is known of a value before it is there; `any`: nothing. */
export type ValueType = 'int' | 'float' | 'string' | 'bool' | 'nil' | 'array' | 'map' | 'any';

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is ReadonlyMap<string, Value> {
  return value instanceof Map;
}

export function typeOf(value: Value): ValueType {
  if (value === null) return 'nil';
  if (isArray(value)) return 'array';
  if (isMap(value)) return 'map';
  switch (typeof value) {
    case 'bigint':
      return 'int';
    case 'number':
      return 'float';
    case 'string':
      return 'string';
    default:
      return 'bool';
  }
}

/** Go's int: what does not fit wraps around. */
export function wrapped(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** As Go's fmt prints it with `%v`. */
export function valueText(value: Value): string {
  if (value === null) return '<nil>';
  if (isArray(value)) return `[${value.map(valueText).join(' ')}]`;
  if (!isMap(value)) return typeof value === 'number' ? numberText(value) : String(value);
  const entries = [...value].sort(([left], [right]) => (left < right ? -1 : 1));
  return `map[${entries.map(([key, item]) => `${key}:${valueText(item)}`).join(' ')}]`;
}

/** Go's shortest digits: from a million on, and below 0.0001, with an exponent of two digits at least. */
function numberText(value: number): string {
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (exponent >= -4 && exponent < 6) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

export function sameValue(left: Value, right: Value): boolean {
  if (isNumber(left) && isNumber(right)) return Number(left) === Number(right);
  if (isArray(left) && isArray(right)) {
    return (
      left.length === right.length && left.every((item, index) => sameValue(item, right[index]!))
    );
  }
  if (isMap(left) && isMap(right)) {
    return (
      left.size === right.size &&
      [...left].every(([key, item]) => right.has(key) && sameValue(item, right.get(key)!))
    );
  }
  return left === right;
}

export function isNumber(value: Value): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number';
}
