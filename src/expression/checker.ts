/**
 * Finds, before an expression is ever run, what it can never mean: unknown names, operands of types that do not fit. Where
 * nothing is known of a type, the run shows.
 */

import { compileRegexp } from '../base/regexp.ts';
import { type ExpressionFunction, FUNCTIONS, type Parameter } from './functions.ts';
import { isVariableName } from './names.ts';
import type { Node } from './node.ts';
import { PREDICATES } from './predicates.ts';
import { ExpressionError } from './token.ts';
import { typeOf, type ValueType } from './value.ts';

/** What an expression may name. */
export interface Scope {
  readonly functions: ReadonlyMap<string, ExpressionFunction>;
  readonly variables: ReadonlyMap<string, ValueType>;
}

type Binary = Extract<Node, { kind: 'binary' }>;
type Call = Extract<Node, { kind: 'call' }>;

/** The type of the node's value; throws an `ExpressionError`. */
export function check(node: Node, scope: Scope): ValueType {
  switch (node.kind) {
    case 'literal':
      return typeOf(node.value);
    case 'name':
      return scope.variables.get(node.name) ?? fail(`unknown name ${node.name}`, node);
    case 'unary':
      return checkUnary(node, scope);
    case 'binary':
      return checkBinary(node, scope);
    case 'conditional':
      return checkConditional(node, scope);
    case 'member':
      return checkMember(node, scope);
    case 'slice':
      return checkSlice(node, scope);
    case 'call':
      return PREDICATES.has(node.name) ? checkPredicate(node, scope) : checkCall(node, scope);
    case 'array':
      for (const item of node.items) check(item, scope);
      return 'array';
    case 'map':
      for (const [key, value] of node.entries) {
        check(key, scope);
        check(value, scope);
      }
      return 'map';
    case 'let': {
      if (!isVariableName(node.name)) fail(`cannot redeclare ${node.name}`, node);
      const variables = new Map(scope.variables).set(node.name, check(node.value, scope));
      return check(node.body, { ...scope, variables });
    }
    case 'element':
      return 'any';
    case 'index':
      return 'int';
  }
}

function fail(problem: string, { at }: { readonly at: number }): never {
  throw new ExpressionError(problem, at);
}

function isNumeric(type: ValueType): boolean {
  return type === 'int' || type === 'float' || type === 'any';
}

function fits(type: ValueType, parameter: Parameter): boolean {
  if (type === 'any' || parameter === 'any' || type === parameter) return true;
  if (parameter === 'number') return isNumeric(type);
  return parameter === 'list' && (type === 'array' || type === 'map' || type === 'string');
}

function checkUnary(node: Extract<Node, { kind: 'unary' }>, scope: Scope): ValueType {
  const type = check(node.operand, scope);
  if (node.operator === 'not') {
    if (fits(type, 'bool')) return 'bool';
  } else if (isNumeric(type)) return type;
  return fail(`invalid operation: ${node.operator} (mismatched type ${type})`, node);
}

/** Undefined where the operands do not fit. */
function resultOf(operator: Binary['operator'], left: ValueType, right: ValueType) {
  const both = (parameter: Parameter) => fits(left, parameter) && fits(right, parameter);
  const number = left === 'float' || right === 'float' ? 'float' : left === right ? left : 'any';
  switch (operator) {
    case '??':
      return left === right ? left : 'any';
    case 'and':
    case 'or':
      return both('bool') ? 'bool' : undefined;
    case '==':
    case '!=':
      return isComparable(left, right) ? 'bool' : undefined;
    case '<':
    case '>':
    case '<=':
    case '>=':
      return both('number') || both('string') ? 'bool' : undefined;
    case 'in':
      if (right === 'map' && !fits(left, 'string')) return undefined;
      return fits(right, 'array') || fits(right, 'map') ? 'bool' : undefined;
    case 'matches':
    case 'contains':
    case 'startsWith':
    case 'endsWith':
      return both('string') ? 'bool' : undefined;
    case '..':
      return both('int') ? 'array' : undefined;
    case '+':
      if (both('string')) return left === right ? left : 'any';
      return both('number') ? number : undefined;
    case '-':
    case '*':
      return both('number') ? number : undefined;
    case '%':
      return both('int') ? 'int' : undefined;
    default:
      return both('number') ? 'float' : undefined;
  }
}

function isComparable(left: ValueType, right: ValueType): boolean {
  if (left === right || left === 'any' || right === 'any') return true;
  return left === 'nil' || right === 'nil' || (isNumeric(left) && isNumeric(right));
}

function checkBinary(node: Binary, scope: Scope): ValueType {
  const left = check(node.left, scope);
  const right = check(node.right, scope);
  if (node.operator === 'matches') checkPattern(node.right);
  const result = resultOf(node.operator, left, right);
  if (result !== undefined) return result;
  return fail(`invalid operation: ${node.operator} (mismatched types ${left} and ${right})`, node);
}

function checkPattern(node: Node): void {
  if (node.kind !== 'literal' || typeof node.value !== 'string') return;
  const compiled = compileRegexp(node.value);
  if (compiled.code === 'invalid') fail(compiled.reason, node);
}

function checkConditional(node: Extract<Node, { kind: 'conditional' }>, scope: Scope): ValueType {
  const test = check(node.test, scope);
  if (!fits(test, 'bool')) fail(`non-bool expression (type ${test}) used as condition`, node.test);
  const yes = check(node.yes, scope);
  const no = check(node.no, scope);
  return yes === no ? yes : 'any';
}

function checkMember(node: Extract<Node, { kind: 'member' }>, scope: Scope): ValueType {
  const object = check(node.object, scope);
  const key = check(node.key, scope);
  const isRight =
    object === 'any' ||
    object === 'nil' ||
    (object === 'map' && fits(key, 'string')) ||
    (object === 'array' && fits(key, 'int'));
  return isRight ? 'any' : fail(`type ${object} has no member of type ${key}`, node);
}

function checkSlice(node: Extract<Node, { kind: 'slice' }>, scope: Scope): ValueType {
  const object = check(node.object, scope);
  if (!fits(object, 'list') || object === 'map') fail(`cannot slice ${object}`, node);
  for (const bound of [node.from, node.to]) {
    if (bound === undefined) continue;
    const type = check(bound, scope);
    if (!fits(type, 'int')) fail(`non-integer slice index ${type}`, bound);
  }
  return object;
}

function checkPredicate({ name, operands, at }: Call, scope: Scope): ValueType {
  const predicate = PREDICATES.get(name)!;
  const [items, body] = operands;
  if (operands.length > 2) fail(`too many arguments to call ${name}`, { at });
  if (items === undefined || (body === undefined && !predicate.isOptional)) {
    fail(`not enough arguments to call ${name}`, { at });
  }
  const type = check(items, scope);
  if (!fits(type, 'array')) fail(`builtin ${name} takes only array (got ${type})`, items);
  if (body === undefined) return predicate.result;
  const bodyType = check(body, scope);
  if (fits(bodyType, predicate.body)) return predicate.result;
  return fail(`predicate should return boolean (got ${bodyType})`, body);
}

function checkCall({ name, operands, at }: Call, scope: Scope): ValueType {
  const called = scope.functions.get(name) ?? FUNCTIONS.get(name);
  if (called === undefined) return fail(`unknown name ${name}`, { at });
  const { parameters, needed = parameters.length, rest, result } = called;
  if (operands.length < needed) fail(`not enough arguments to call ${name}`, { at });
  if (rest === undefined && operands.length > parameters.length) {
    fail(`too many arguments to call ${name}`, { at });
  }
  for (const [index, operand] of operands.entries()) {
    const wanted = parameters[index] ?? rest!;
    const type = check(operand, scope);
    if (!fits(type, wanted)) {
      fail(`cannot use ${type} as argument (type ${wanted}) to call ${name}`, operand);
    }
  }
  return result;
}
