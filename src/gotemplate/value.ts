/**
 * The values that templates work on, after Go's reflect: what a value is decides how it prints, compares and can be taken
 * apart. Integers are bigints, since Go's have 64 bits; strings are octets (octet-string.ts).
 */
import { octetsOf } from './octet-string.ts';

export type GoValue =
  /** No value: a key that a map has not, `nil`. */
  | { readonly kind: 'none' }
  /** A pointer that points nowhere, of this type. */
  | { readonly kind: 'nil'; readonly type: string }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int' | 'uint'; readonly type: string; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'slice'; readonly element: string; readonly items: readonly GoValue[] }
  | {
      readonly kind: 'map';
      readonly element: string;
      readonly entries: ReadonlyMap<string, GoValue>;
    }
  | GoStruct;

/** A pointer to a struct: what data is made of. */
export interface GoStruct {
  readonly kind: 'struct';
  /** Without the asterisk. */
  readonly type: string;
  /** Read when a template asks for it. */
  readonly fields: Readonly<Record<string, () => GoValue>>;
  readonly methods: Readonly<Record<string, GoFunction>>;
  /** What its String method gives; undefined where it has none. */
  readonly text?: () => string;
}

export type ParameterType = 'any' | 'string' | 'int';

/** A function or a method. */
export interface GoFunction {
  readonly parameters: readonly ParameterType[];
  /** Of any number of further arguments. */
  readonly rest?: ParameterType;
  /** Throws a `CallError` where Go's would return an error. */
  readonly call: (args: readonly GoValue[]) => GoValue;
}

/** Why a function gave no value. */
export class CallError extends Error {}

/** What it would have made is too much. */
export class BoundError extends CallError {}

export const NONE: GoValue = { kind: 'none' };

export function boolValue(value: boolean): GoValue {
  return { kind: 'bool', value };
}

export function intValue(value: bigint | number): GoValue {
  return { kind: 'int', type: 'int', value: BigInt(value) };
}

/** An unsigned integer of so many bits. */
export function uintValue(value: bigint | number, bits = 64): GoValue {
  return { kind: 'uint', type: `uint${bits}`, value: BigInt(value) };
}

export function floatValue(value: number): GoValue {
  return { kind: 'float', value };
}

export function octetValue(octets: string): GoValue {
  return { kind: 'string', value: octets };
}

export function stringValue(text: string): GoValue {
  return octetValue(octetsOf(text));
}

export function stringsValue(texts: readonly string[]): GoValue {
  return { kind: 'slice', element: 'string', items: texts.map(stringValue) };
}

/** A map[string]string. */
export function stringMapValue(entries: Iterable<readonly [string, string]>): GoValue {
  const values = new Map<string, GoValue>();
  for (const [key, text] of entries) values.set(octetsOf(key), stringValue(text));
  return { kind: 'map', element: 'string', entries: values };
}

/** The type as Go prints it. */
export function typeOf(value: GoValue): string {
  switch (value.kind) {
    case 'none':
      return '<nil>';
    case 'bool':
    case 'string':
      return value.kind;
    case 'float':
      return 'float64';
    case 'slice':
      return `[]${value.element}`;
    case 'map':
      return `map[string]${value.element}`;
    case 'struct':
      return `*${value.type}`;
    default:
      return value.type;
  }
}

/** What `if` makes of a value: whether it differs from its type's zero. */
export function isTrue(value: GoValue): boolean {
  switch (value.kind) {
    case 'none':
    case 'nil':
      return false;
    case 'bool':
      return value.value;
    case 'int':
    case 'uint':
      return value.value !== 0n;
    case 'float':
      return value.value !== 0;
    case 'string':
      return value.value !== '';
    case 'slice':
      return value.items.length > 0;
    case 'map':
      return value.entries.size > 0;
    default:
      return true;
  }
}

/** A map's entries in the order of their keys. */
export function sortedEntries(entries: ReadonlyMap<string, GoValue>): [string, GoValue][] {
  // Code units are octets here, so the plain order is Go's.
  return [...entries].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}

/** The zero of an element type. */
export function zeroOf(type: string): GoValue {
  if (type === 'string') return octetValue('');
  if (type === 'bool') return boolValue(false);
  if (type === 'int') return intValue(0);
  return NONE;
}

/** Octets and elements of a value, with all that it holds; a struct is as large as what is read of it. */
export function sizeOf(value: GoValue): number {
  if (value.kind === 'string') return value.value.length;
  if (value.kind === 'slice') return value.items.reduce((size, item) => size + 1 + sizeOf(item), 0);
  if (value.kind !== 'map') return 0;
  let size = 0;
  for (const [key, item] of value.entries) size += 1 + key.length + sizeOf(item);
  return size;
}
