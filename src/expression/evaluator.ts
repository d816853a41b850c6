/**
 * Runs a checked expression. What its types left open is looked at here; steps and sizes are bounded, since an expression comes
 * from the operator and its values from anybody.
 */
import { compileRegexp, type GoRegexp, PATTERN_SIZE_MAX } from '../base/regexp.ts';
import {
  checkedSize,
  type ExpressionFunction,
  FUNCTIONS,
  memberOf,
  type Parameter,
  SIZE_MAX,
} from './functions.ts';
import type { BinaryOperator, Node } from './node.ts';
import { PREDICATES } from './predicates.ts';
import { ExpressionError } from './token.ts';
import {
  isArray,
  isMap,
  isNumber,
  sameValue,
  typeOf,
  type Value,
  valueText,
  wrapped,
} from './value.ts';

/** Nodes that one run may work out: some milliseconds. */
export const STEPS_MAX = 20_000;

/** What an expression's names stand for in one run. */
export interface Bindings {
  readonly functions: ReadonlyMap<string, ExpressionFunction>;
  readonly variables: ReadonlyMap<string, Value>;
}

interface Element {
  readonly value: Value;
  readonly index: number;
}

export class Evaluator {
  readonly #functions: ReadonlyMap<string, ExpressionFunction>;
  #variables: ReadonlyMap<string, Value>;
  #element: Element | undefined;
  #steps = 0;

  constructor({ functions, variables }: Bindings) {
    this.#functions = functions;
    this.#variables = variables;
  }

  /** Throws an `ExpressionError`. */
  run(node: Node): Value {
    this.#steps += 1;
    if (this.#steps > STEPS_MAX) throw new ExpressionError(`more than ${STEPS_MAX} steps`, node.at);
    switch (node.kind) {
      case 'literal':
        return node.value;
      case 'name':
        return this.#variables.get(node.name) ?? null;
      case 'unary':
        return unary(node, this.run(node.operand));
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
      case 'array':
        return node.items.map((item) => this.run(item));
      case 'map':
        return new Map(
          node.entries.map(([key, item]) => [valueText(this.run(key)), this.run(item)]),
        );
      case 'let':
        return this.#let(node);
      case 'element':
        return this.#element!.value;
      case 'index':
        return BigInt(this.#element!.index);
    }
  }

  #let(node: Extract<Node, { kind: 'let' }>): Value {
    const outer = this.#variables;
    this.#variables = new Map(outer).set(node.name, this.run(node.value));
    const value = this.run(node.body);
    this.#variables = outer;
    return value;
  }

  #binary(node: Extract<Node, { kind: 'binary' }>): Value {
    const left = this.run(node.left);
    switch (node.operator) {
      case 'and':
        return boolOf(left, node) && boolOf(this.run(node.right), node);
      case 'or':
        return boolOf(left, node) || boolOf(this.run(node.right), node);
      case '??':
        return left ?? this.run(node.right);
      default:
        return operate(node, left, this.run(node.right));
    }
  }

  #member(node: Extract<Node, { kind: 'member' }>): Value {
    const object = this.run(node.object);
    if (object === null) {
      // A chain goes on with nil: `a?.b.c`.
      if (node.optional || isOptionalChain(node.object)) return null;
      throw new ExpressionError(
        `cannot fetch ${valueText(this.run(node.key))} from <nil>`,
        node.at,
      );
    }
    const key = this.run(node.key);
    if (isArray(object)) {
      if (typeof key === 'bigint' && Number(key) < object.length && Number(key) >= -object.length) {
        return memberOf(object, key);
      }
      throw new ExpressionError(
        `index out of range: ${valueText(key)} (array length is ${object.length})`,
        node.at,
      );
    }
    if (isMap(object)) return memberOf(object, key);
    throw new ExpressionError(`cannot fetch ${valueText(key)} from ${typeOf(object)}`, node.at);
  }

  #slice(node: Extract<Node, { kind: 'slice' }>): Value {
    const object = this.run(node.object);
    const isList = isArray(object) || typeof object === 'string';
    if (!isList) throw new ExpressionError(`cannot slice ${typeOf(object)}`, node.at);
    const bound = (part: Node | undefined, otherwise: number): number => {
      if (part === undefined) return otherwise;
      const value = Number(this.run(part));
      return Math.min(Math.max(value < 0 ? object.length + value : value, 0), object.length);
    };
    const to = bound(node.to, object.length);
    return object.slice(Math.min(bound(node.from, 0), to), to);
  }

  #call({ name, operands, at }: Extract<Node, { kind: 'call' }>): Value {
    const predicate = PREDICATES.get(name);
    if (predicate !== undefined) return this.#predicate(name, operands, at);
    const called = this.#functions.get(name) ?? FUNCTIONS.get(name)!;
    const values = operands.map((operand, index) => {
      const value = this.run(operand);
      const wanted = called.parameters[index] ?? called.rest!;
      if (isOf(value, wanted)) return value;
      throw new ExpressionError(`${name}: expected ${wanted}, not ${typeOf(value)}`, operand.at);
    });
    return called.call(...values);
  }

  #predicate(name: string, [itemsNode, body]: readonly Node[], at: number): Value {
    const items = this.run(itemsNode!);
    if (!isArray(items)) throw new ExpressionError(`${name}: expected an array`, at);
    const outer = this.#element;
    const ask = (index: number): Value => {
      const value = items[index]!;
      if (body === undefined) return value;
      this.#element = { value, index };
      const answer = this.run(body);
      this.#element = outer;
      return answer;
    };
    const { run, body: wanted } = PREDICATES.get(name)!;
    return run(items, (index) => {
      const answer = ask(index);
      if (wanted === 'any' || typeof answer === 'boolean') return answer;
      throw new ExpressionError(`${name}: expected bool, not ${typeOf(answer)}`, at);
    });
  }
}

function isOptionalChain(node: Node): boolean {
  return node.kind === 'member' && (node.optional || isOptionalChain(node.object));
}

function isOf(value: Value, parameter: Parameter): boolean {
  if (parameter === 'any') return true;
  if (parameter === 'number') return isNumber(value);
  if (parameter === 'list') return isArray(value) || isMap(value) || typeof value === 'string';
  return typeOf(value) === parameter;
}

function boolOf(value: Value, { at }: Node): boolean {
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(`expected bool, not ${typeOf(value)}`, at);
}

function unary({ operator, at }: Extract<Node, { kind: 'unary' }>, value: Value): Value {
  if (operator === 'not' && typeof value === 'boolean') return !value;
  if (operator !== 'not' && isNumber(value)) {
    if (operator === '+') return value;
    return typeof value === 'bigint' ? wrapped(-value) : -value;
  }
  throw new ExpressionError(`invalid operation: ${operator} ${typeOf(value)}`, at);
}

/** Patterns are compiled once: they are mostly literals. */
const patterns = new Map<string, GoRegexp>();
/** Patterns of one Corefile; beyond, all are forgotten. */
const PATTERNS_MAX = 64;

function matches(text: string, pattern: string): boolean {
  let regexp = patterns.get(pattern);
  if (regexp === undefined) {
    if (pattern.length > PATTERN_SIZE_MAX) throw new ExpressionError('pattern too long');
    const compiled = compileRegexp(pattern);
    if (compiled.code === 'invalid') throw new ExpressionError(compiled.reason);
    regexp = compiled.regexp;
    if (patterns.size >= PATTERNS_MAX) patterns.clear();
    patterns.set(pattern, regexp);
  }
  return regexp.test(text);
}

const OF_TEXTS: Readonly<Partial<Record<BinaryOperator, (left: string, right: string) => Value>>> =
  {
    '+': (left, right) => checkedSize(left + right),
    '<': (left, right) => left < right,
    '>': (left, right) => left > right,
    '<=': (left, right) => left <= right,
    '>=': (left, right) => left >= right,
    contains: (left, right) => left.includes(right),
    startsWith: (left, right) => left.startsWith(right),
    endsWith: (left, right) => left.endsWith(right),
    matches,
  };

const OF_INTEGERS: Readonly<
  Partial<Record<BinaryOperator, (left: bigint, right: bigint) => Value>>
> = {
  '+': (left, right) => wrapped(left + right),
  '-': (left, right) => wrapped(left - right),
  '*': (left, right) => wrapped(left * right),
  '%': (left, right) => {
    if (right === 0n) throw new ExpressionError('integer divide by zero');
    return left % right;
  },
  '..': (left, right) => {
    if (right - left >= BigInt(SIZE_MAX))
      throw new ExpressionError(`more than ${SIZE_MAX} elements`);
    return Array.from(
      { length: Math.max(0, Number(right - left) + 1) },
      (_, index) => left + BigInt(index),
    );
  },
};

const OF_NUMBERS: Readonly<
  Partial<Record<BinaryOperator, (left: number, right: number) => Value>>
> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '**': (left, right) => left ** right,
  '<': (left, right) => left < right,
  '>': (left, right) => left > right,
  '<=': (left, right) => left <= right,
  '>=': (left, right) => left >= right,
};

function operate(
  { operator, at }: Extract<Node, { kind: 'binary' }>,
  left: Value,
  right: Value,
): Value {
  if (operator === '==') return sameValue(left, right);
  if (operator === '!=') return !sameValue(left, right);
  if (operator === 'in') {
    if (right === null) return false;
    if (isArray(right)) return right.some((item) => sameValue(item, left));
    if (isMap(right)) return typeof left === 'string' && right.has(left);
  }
  const ofTexts = OF_TEXTS[operator];
  if (typeof left === 'string' && typeof right === 'string' && ofTexts) return ofTexts(left, right);
  const ofIntegers = OF_INTEGERS[operator];
  if (typeof left === 'bigint' && typeof right === 'bigint' && ofIntegers)
    return ofIntegers(left, right);
  const ofNumbers = OF_NUMBERS[operator];
  if (isNumber(left) && isNumber(right) && ofNumbers) return ofNumbers(Number(left), Number(right));
  throw new ExpressionError(`invalid operation: ${typeOf(left)} ${operator} ${typeOf(right)}`, at);
}
