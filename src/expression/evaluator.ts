/**
 * Runs a checked expression. What its types left open is looked at here. An expression comes from the operator and its values
 * from anybody, so a run is bounded: steps for each node and for the sizes of what it handles, and the size of any value.
 */
import { type ExpressionFunction, fits } from './function.ts';
import { functionOf } from './functions.ts';
import { memberOf } from './list-functions.ts';
import type { Node } from './node.ts';
import { binaryValue, unaryValue } from './operators.ts';
import { patternOf } from './patterns.ts';
import { PREDICATES } from './predicates.ts';
import { checked, sizeOf } from './size.ts';
import { octetCount, sliceText } from './text-functions.ts';
import { methodOf } from './time-functions.ts';
import { BoundError, ExpressionError } from './token.ts';
import { FunctionValue, isArray, isMap, partOf, typeOf, type Value, valueText } from './value.ts';

/** Of one run: 10 ms, and 100 ms where it is made to be slow. A node is a step. */
export const STEPS_MAX = 20_000;
/** Elements or characters that functions and operators take or make for a step: each needs 10 to 50 ns. */
const SIZE_PER_STEP = 4;
/** What makes a value, rather than pass one on. */
const MAKERS: readonly Node['kind'][] = [
  ...(['array', 'map', 'environment', 'binary', 'slice', 'call', 'method'] as const),
];

/** What an expression's names stand for in one run. */
export interface Bindings {
  readonly functions: ReadonlyMap<string, ExpressionFunction>;
  readonly variables: ReadonlyMap<string, Value>;
}

interface Element {
  readonly value: Value;
  readonly index: number;
  readonly accumulator: Value | undefined;
}

type Kind<Name extends Node['kind']> = Extract<Node, { kind: Name }>;

export class Evaluator {
  readonly #functions: ReadonlyMap<string, ExpressionFunction>;
  /** Those that are given. */
  readonly #given: ReadonlyMap<string, Value>;
  /** With those of `let`. */
  #variables: ReadonlyMap<string, Value>;
  #element: Element | undefined;
  #steps = 0;

  constructor({ functions, variables }: Bindings) {
    this.#functions = functions;
    this.#given = variables;
    this.#variables = variables;
  }

  /** Throws an `ExpressionError`. */
  run(node: Node): Value {
    this.#charge(1, node);
    const value = checked(this.#value(node));
    if (MAKERS.includes(node.kind)) this.#chargeSizes([value], node);
    return value;
  }

  #charge(steps: number, { at }: { readonly at: number }): void {
    this.#steps += steps;
    if (this.#steps > STEPS_MAX) throw new BoundError(`more than ${STEPS_MAX} steps`, at);
  }

  #chargeSizes(values: readonly Value[], node: { readonly at: number }): void {
    const size = values.reduce<number>((sum, value) => sum + sizeOf(value), 0);
    this.#charge(Math.floor(size / SIZE_PER_STEP), node);
  }

  #value(node: Node): Value {
    switch (node.kind) {
      case 'literal':
        return node.value;
      case 'name':
        return this.#variables.get(node.name) ?? null;
      case 'environment':
        return this.#environment();
      case 'unary':
        return this.#unary(node);
      case 'binary':
        return this.#binary(node);
      case 'conditional':
        return this.run(boolOf(this.run(node.test), node) ? node.yes : node.no);
      case 'member':
        return this.#member(node);
      case 'slice':
        return this.#slice(node);
      case 'call':
        return this.#call(node);
      case 'method':
        return this.#method(node);
      case 'array':
        return node.items.map((item) => this.run(item));
      case 'map':
        return this.#map(node);
      case 'let':
        return this.#let(node);
      case 'sequence':
        return node.nodes.map((part) => this.run(part)).at(-1)!;
      case 'element':
        return this.#element!.value;
      case 'index':
        return BigInt(this.#element!.index);
      case 'accumulator':
        return this.#element!.accumulator!;
    }
  }

  #environment(): Value {
    const names = [...this.#functions.keys()];
    const functions = names.map((name) => [name, new FunctionValue(name)] as const);
    return new Map<string, Value>([...functions, ...this.#given]);
  }

  #map({ entries }: Kind<'map'>): Value {
    return new Map(
      entries.map(([keyNode, item]) => {
        const key = this.run(keyNode);
        if (typeof key === 'string') return [key, this.run(item)];
        throw new ExpressionError(`expected a string, not ${typeOf(key)}`, keyNode.at);
      }),
    );
  }

  #let(node: Kind<'let'>): Value {
    const outer = this.#variables;
    this.#variables = new Map(outer).set(node.name, this.run(node.value));
    const value = this.run(node.body);
    this.#variables = outer;
    return value;
  }

  #unary(node: Kind<'unary'>): Value {
    const operand = this.run(node.operand);
    const value = unaryValue(node.operator, operand);
    if (value !== undefined) return value;
    throw new ExpressionError(`invalid operation: ${node.operator} ${typeOf(operand)}`, node.at);
  }

  #binary(node: Kind<'binary'>): Value {
    const left = this.run(node.left);
    switch (node.operator) {
      case 'and':
        return boolOf(left, node) && boolOf(this.run(node.right), node);
      case 'or':
        return boolOf(left, node) || boolOf(this.run(node.right), node);
      case '??':
        return left ?? this.run(node.right);
    }
    const right = this.run(node.right);
    const isMatch = node.operator === 'matches';
    this.#chargeSizes(isMatch ? [left] : [left, right], node);
    const value = isMatch
      ? this.#matches(node, left, right)
      : binaryValue(node.operator, left, right);
    if (value !== undefined) return value;
    const operands = `${typeOf(left)} ${node.operator} ${typeOf(right)}`;
    throw new ExpressionError(`invalid operation: ${operands}`, node.at);
  }

  #matches(node: Kind<'binary'>, text: Value, pattern: Value): boolean | undefined {
    if (text === null || pattern === null) return false;
    if (typeof text !== 'string' || typeof pattern !== 'string') return undefined;
    return patternOf(pattern, node.right, (steps) => this.#charge(steps, node)).test(text);
  }

  #member(node: Kind<'member'>): Value {
    const object = this.run(node.object);
    if (object === null) {
      if (isOptionalChain(node)) return null;
      throw new ExpressionError(
        `cannot fetch ${valueText(this.run(node.key))} from <nil>`,
        node.at,
      );
    }
    const key = this.run(node.key);
    if (isMap(object)) return memberOf(object, key);
    if (!isArray(object)) {
      throw new ExpressionError(`cannot fetch ${valueText(key)} from ${typeOf(object)}`, node.at);
    }
    if (typeof key === 'bigint' && Number(key) < object.length && Number(key) >= -object.length) {
      return memberOf(object, key);
    }
    const reason = `index out of range: ${valueText(key)} (array length is ${object.length})`;
    throw new ExpressionError(reason, node.at);
  }

  #slice(node: Kind<'slice'>): Value {
    const object = this.run(node.object);
    const isText = typeof object === 'string';
    if (!isText && !isArray(object)) {
      throw new ExpressionError(`cannot slice ${typeOf(object)}`, node.at);
    }
    const size = isText ? octetCount(object) : object.length;
    const bound = (part: Node | undefined, otherwise: number): number => {
      if (part === undefined) return otherwise;
      const value = this.run(part);
      if (typeof value !== 'bigint') {
        throw new ExpressionError(`non-integer slice index ${typeOf(value)}`, part.at);
      }
      return Math.min(Math.max(Number(value) + (value < 0n ? size : 0), 0), size);
    };
    const to = bound(node.to, size);
    const from = Math.min(bound(node.from, 0), to);
    this.#chargeSizes([object], node);
    return isText ? sliceText(object, from, to) : partOf(object, from, to);
  }

  #call(node: Kind<'call'>): Value {
    const { name, operands } = node;
    if (PREDICATES.has(name)) return this.#predicate(node);
    const values = operands.map((operand) => this.run(operand));
    return this.#apply(node, functionOf(node, this.#functions)!, values, operands);
  }

  #method(node: Kind<'method'>): Value {
    if (node.object.kind === 'environment') {
      const values = node.operands.map((operand) => this.run(operand));
      return this.#apply(node, this.#functions.get(node.name)!, values, node.operands);
    }
    const object = this.run(node.object);
    if (object === null && isOptionalChain(node)) return null;
    const method = methodOf(object, node.name);
    if (method === undefined) {
      throw new ExpressionError(`type ${typeOf(object)} has no method ${node.name}`, node.at);
    }
    const values = node.operands.map((operand) => this.run(operand));
    return this.#apply(node, method, [object, ...values], [node.object, ...node.operands]);
  }

  /** `operands` are where the values come from. */
  #apply(
    node: Kind<'call' | 'method'>,
    { parameters, rest, needed = parameters.length, cost = 0, call }: ExpressionFunction,
    values: readonly Value[],
    operands: readonly Node[],
  ): Value {
    if (values.length < needed || (rest === undefined && values.length > parameters.length)) {
      throw new ExpressionError(`wrong number of arguments to call ${node.name}`, node.at);
    }
    for (const [index, value] of values.entries()) {
      const wanted = parameters[index] ?? rest!;
      if (fits(typeOf(value), wanted)) continue;
      const problem = `${node.name}: expected ${wanted}, not ${typeOf(value)}`;
      throw new ExpressionError(problem, operands[index]!.at);
    }
    this.#charge(cost, node);
    this.#chargeSizes(values, node);
    return call(...values);
  }

  #predicate({ name, operands: [itemsNode, body, lastNode], at }: Kind<'call'>): Value {
    const { run, body: wanted } = PREDICATES.get(name)!;
    const items = this.run(itemsNode!);
    if (!isArray(items)) throw new ExpressionError(`${name}: expected an array`, at);
    const last = lastNode && this.run(lastNode);
    this.#chargeSizes([items], { at });
    const outer = this.#element;
    return run(
      items,
      (index, accumulator) => {
        let answer: Value = items[index]!;
        if (body !== undefined) {
          this.#element = { value: answer, index, accumulator };
          answer = this.run(body);
          this.#element = outer;
        }
        if (wanted === 'any' || typeof answer === 'boolean') return answer;
        throw new ExpressionError(`${name}: expected bool, not ${typeOf(answer)}`, at);
      },
      last,
    );
  }
}

/** A chain goes on with nil: `a?.b.c`. */
function isOptionalChain(node: Node): boolean {
  if (node.kind !== 'member' && node.kind !== 'method') return false;
  return node.optional || isOptionalChain(node.object);
}

function boolOf(value: Value, { at }: Node): boolean {
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(`expected bool, not ${typeOf(value)}`, at);
}
