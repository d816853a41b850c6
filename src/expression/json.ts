/** Values as JSON in the form of Go's encoding/json, and JSON as values: numbers become floats, objects maps. */
import { type ExpressionFunction, ofTexts } from './function.ts';
import { checkSize, DEPTH_MAX } from './size.ts';
import { Duration, Moment, NamedInteger, type Timezone } from './time.ts';
import { formatted, RFC3339_NANO } from './time-layout.ts';
import { BoundError, ExpressionError } from './token.ts';
import { FunctionValue, isArray, isMap, isOctets, type Value } from './value.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

function toJson(value: Value): string {
  const out: string[] = [];
  let size = 0;
  const write = (text: string) => {
    size += text.length;
    checkSize(size);
    out.push(text);
  };
  writeValue(value, '\n', write);
  return out.join('');
}

/** `lineStart`: a line break and the indentation of what the value is in. */
function writeValue(value: Value, lineStart: string, write: (text: string) => void): void {
  if (!isArray(value) && !isMap(value)) {
    write(scalarText(value));
    return;
  }
  if (isArray(value) && isOctets(value)) {
    write(`"${Buffer.from(value.map(Number)).toString('base64')}"`);
    return;
  }
  const [open, close] = isArray(value) ? ['[', ']'] : ['{', '}'];
  const inner = `${lineStart}  `;
  write(open);
  let count = 0;
  for (const [name, item] of isArray(value)
    ? value.map((i) => [undefined, i] as const)
    : namedEntries(value)) {
    write((count++ === 0 ? '' : ',') + inner);
    if (name !== undefined) write(`${stringText(name)}: `);
    writeValue(item, inner, write);
  }
  write(count === 0 ? close : lineStart + close);
}

/** By their names; Go has no JSON for maps by anything else. */
function namedEntries(map: ReadonlyMap<Value, Value>): [string, Value][] {
  const entries = [...map].map(([key, item]): [string, Value] => {
    if (typeof key === 'string') return [key, item];
    throw new ExpressionError('toJSON: unsupported type: a map by other than strings');
  });
  return entries.sort(([left], [right]) => (left < right ? -1 : 1));
}

function scalarText(value: Exclude<Value, readonly Value[] | ReadonlyMap<Value, Value>>): string {
  if (typeof value === 'string') return stringText(value);
  if (value instanceof Duration) return String(value.ns);
  if (value instanceof NamedInteger) return String(value.value);
  if (value instanceof Moment) return stringText(formatted(value, RFC3339_NANO));
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new ExpressionError(`toJSON: unsupported value: ${value}`);
  }
  if (value instanceof FunctionValue) {
    throw new ExpressionError('toJSON: unsupported type: a function');
  }
  return isTimezone(value) ? '{}' : String(value);
}

function isTimezone(value: Value): value is Timezone {
  return typeof value === 'object' && value !== null;
}

/** Go also escapes what HTML and JavaScript could trip over. */
function stringText(text: string): string {
  return JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function fromJson(text: string): Value {
  let parsed: Json;
  try {
    parsed = JSON.parse(text) as Json;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ExpressionError(`fromJSON: ${error.message}`);
  }
  return fromParsed(parsed, 0);
}

function fromParsed(json: Json, depth: number): Value {
  if (depth > DEPTH_MAX) throw new BoundError(`fromJSON: nested more than ${DEPTH_MAX} deep`);
  if (typeof json === 'string') return json.toWellFormed();
  if (typeof json === 'number' && !Number.isFinite(json)) {
    throw new ExpressionError('fromJSON: number out of range');
  }
  if (json === null || typeof json !== 'object') return json;
  if (Array.isArray(json)) return json.map((item) => fromParsed(item, depth + 1));
  return new Map(Object.entries(json).map(([key, item]) => [key, fromParsed(item, depth + 1)]));
}

export const JSON_FUNCTIONS: Readonly<Record<string, ExpressionFunction>> = {
  toJSON: { parameters: ['any'], result: 'string', call: toJson },
  fromJSON: ofTexts(1, 'any', fromJson),
};
