/** Values of expressions: integers are bigints of 64 bits, floats are numbers, dates and durations objects of their own. */

import { Duration, Moment, NamedInteger, type TimeValue, Timezone } from './time.ts';
import { momentText } from './time-layout.ts';

/** What a map is looked up by: Go takes all that compares. */
export type Key = bigint | number | string | boolean | null;

/** A function as a value; `$env` holds those that are given. It can be neither called nor printed. */
export class FunctionValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  toString(): string {
    return `func ${this.name}`;
  }
}

export type Value = Key | readonly Value[] | ReadonlyMap<Key, Value> | TimeValue | FunctionValue;

/** What is known of a value before it is there; `any`: nothing. */
export type ValueType =
  | 'int'
  | 'float'
  | 'string'
  | 'bool'
  | 'nil'
  | 'array'
  | 'map'
  | 'time.Time'
  | 'time.Duration'
  | 'time.Location'
  | 'time.Month'
  | 'time.Weekday'
  | 'func'
  | 'any';

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Arrays that Go has as octets; only JSON tells them from others. */
const octets = new WeakSet<readonly Value[]>();

export function octetsValue(items: readonly bigint[]): readonly Value[] {
  octets.add(items);
  return items;
}

export function isOctets(value: readonly Value[]): boolean {
  return octets.has(value);
}

/** A part of octets is octets. */
export function partOf(items: readonly Value[], from: number, to: number): readonly Value[] {
  const part = items.slice(from, to);
  if (octets.has(items)) octets.add(part);
  return part;
}

export function isMap(value: Value): value is ReadonlyMap<Key, Value> {
  return value instanceof Map;
}

export function isKey(value: Value): value is Key {
  return value === null || typeof value !== 'object';
}

export function typeOf(value: Value): Exclude<ValueType, 'any'> {
  if (value === null) return 'nil';
  if (isArray(value)) return 'array';
  if (isMap(value)) return 'map';
  if (value instanceof Moment) return 'time.Time';
  if (value instanceof Duration) return 'time.Duration';
  if (value instanceof Timezone) return 'time.Location';
  if (value instanceof FunctionValue) return 'func';
  if (value instanceof NamedInteger) return value.type;
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
  if (value instanceof Moment) return momentText(value);
  if (!isMap(value)) return typeof value === 'number' ? numberText(value) : String(value);
  const entries = [...value].sort(([left], [right]) => compareKeys(left, right));
  return `map[${entries.map(([key, item]) => `${valueText(key)}:${valueText(item)}`).join(' ')}]`;
}

/** Numbers by size, all else by its text. */
function compareKeys(left: Key, right: Key): number {
  if (typeof left === 'bigint' && typeof right === 'bigint') return Number(left - right);
  return String(left) < String(right) ? -1 : 1;
}

/** Go's shortest digits: from a million on, and below 0.0001, with an exponent of two digits at least. */
function numberText(value: number): string {
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (exponent >= -4 && exponent < 6) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

/** `==`: numbers of either kind are equal by their size, also inside of arrays. */
export function sameValue(left: Value, right: Value): boolean {
  if (isNumber(left) && isNumber(right)) {
    return typeof left === typeof right ? left === right : Number(left) === Number(right);
  }
  if (isArray(left) && isArray(right)) {
    return (
      left.length === right.length && left.every((item, index) => sameValue(item, right[index]!))
    );
  }
  return identityOf(left) === identityOf(right);
}

/** A text that only the same values of the same types share; dates are the same whatever their zone. */
export function identityOf(value: Value): string {
  if (isArray(value)) return `[${value.map(identityOf).join()}]`;
  if (isMap(value)) {
    return `{${[...value].map(([key, item]) => `${identityOf(key)}:${identityOf(item)}`).sort()}}`;
  }
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Moment) return `time.Time ${value.epochNs}`;
  return `${typeOf(value)} ${value}`;
}

export function isNumber(value: Value): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number';
}

/** Negative, 0 or positive; undefined where Go does not order them. */
export function compareValues(left: Value, right: Value): number | undefined {
  if (isNumber(left) && isNumber(right)) {
    // Neither is less where one is no number.
    return left < right ? -1 : left > right ? 1 : 0;
  }
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right);
  if (left instanceof Duration && right instanceof Duration) return Number(left.ns - right.ns);
  if (left instanceof Moment && right instanceof Moment) {
    return Number(left.epochNs - right.epochNs);
  }
  return undefined;
}

/** By code points, as octets of UTF-8 compare; JavaScript goes by UTF-16. */
function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  let at = 0;
  while (left[at] === right[at]) at += 1;
  // Not between the halves of a pair.
  if (at > 0 && /[\udc00-\udfff]/.test((left[at] ?? '') + (right[at] ?? ''))) at -= 1;
  return (left.codePointAt(at) ?? -1) - (right.codePointAt(at) ?? -1);
}
