/** What an expression comes to, as a value of templates: `.Var.NAME`. */

import type { TimeValue } from '../expression/time.ts';
import { METHODS } from '../expression/time-functions.ts';
import { ExpressionError } from '../expression/token.ts';
import {
  type FunctionValue,
  isArray,
  isMap,
  typeOf,
  type Value,
  valueText,
} from '../expression/value.ts';
import { octetsOf, textOf } from '../gotemplate/octet-string.ts';
import {
  boolValue,
  CallError,
  floatValue,
  type GoFunction,
  type GoStruct,
  type GoValue,
  intValue,
  NONE,
  stringValue,
} from '../gotemplate/value.ts';

function goValueOf(value: Value): GoValue {
  if (value === null) return NONE;
  if (typeof value === 'bigint') return intValue(value);
  if (typeof value === 'number') return floatValue(value);
  if (typeof value === 'string') return stringValue(value);
  if (typeof value === 'boolean') return boolValue(value);
  if (isMap(value)) return mapValueOf(value);
  if (!isArray(value)) return structOf(value);
  return { kind: 'slice', element: 'interface {}', items: value.map(goValueOf) };
}

/** Keys become texts: templates know no others. */
export function mapValueOf(values: ReadonlyMap<Value, Value>): GoValue {
  const entries = [...values].map(([key, value]) => {
    return [octetsOf(valueText(key)), goValueOf(value)] as const;
  });
  return { kind: 'map', element: 'interface {}', entries: new Map(entries) };
}

/** A date, a duration or a function: its text, and those of its methods that take nothing but texts and integers. */
function structOf(value: TimeValue | FunctionValue): GoStruct {
  const type = typeOf(value);
  const methods: Record<string, GoFunction> = {};
  for (const [name, { parameters, call }] of METHODS.get(type) ?? []) {
    const taken = parameters.slice(1);
    if (!taken.every((parameter) => parameter === 'string' || parameter === 'int')) continue;
    methods[name] = {
      parameters: taken,
      call: (args) => calling(() => goValueOf(call(value, ...args.map(argumentOf)))),
    };
  }
  return { kind: 'struct', type, fields: {}, methods, text: () => octetsOf(valueText(value)) };
}

function argumentOf(value: GoValue): Value {
  if (value.kind === 'string') return textOf(value.value);
  return value.kind === 'int' ? value.value : null;
}

function calling(call: () => GoValue): GoValue {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new CallError(error.message);
  }
}
