/** The shape of the functions of the language, and of those that are given to it. */
import type { Value, ValueType } from './value.ts';

/** `number` is an integer or a float, `list` an array or a map or a text. */
export type Parameter = ValueType | 'number' | 'list';

export interface ExpressionFunction {
  readonly parameters: readonly Parameter[];
  /** How many of them are needed; default: all. */
  readonly needed?: number;
  /** Any number of further ones. */
  readonly rest?: Parameter;
  readonly result: ValueType;
  /** Steps that it counts for, beside those for the sizes of what it is given and what it gives; default: none. */
  readonly cost?: number;
  /** Throws an `ExpressionError`. The values are of the types of the parameters. */
  readonly call: (...values: Value[]) => Value;
}

/** Whether a value of the type may be given for the parameter; of an unknown type, it may. */
export function fits(type: ValueType, parameter: Parameter): boolean {
  if (type === 'any' || parameter === 'any' || type === parameter) return true;
  if (parameter === 'number') return type === 'int' || type === 'float';
  return parameter === 'list' && (type === 'array' || type === 'map' || type === 'string');
}

/** A function of texts, the first `needed` of which must be there. */
export function ofTexts(
  count: number,
  result: ValueType,
  call: (text: string, ...others: string[]) => Value,
  needed = count,
): ExpressionFunction {
  const parameters = Array<Parameter>(count).fill('string');
  return { parameters, needed, result, call: call as ExpressionFunction['call'] };
}

export function ofArray(
  result: ValueType,
  call: (items: readonly Value[]) => Value,
): ExpressionFunction {
  return { parameters: ['array'], result, call: (items) => call(items as readonly Value[]) };
}

export function ofMap(
  result: ValueType,
  call: (map: ReadonlyMap<Value, Value>) => Value,
): ExpressionFunction {
  return { parameters: ['map'], result, call: (map) => call(map as ReadonlyMap<Value, Value>) };
}
