/**
 * Finds, before an expression is ever run, what it can never mean: unknown names, operands of types that do not fit. Where
 * nothing is known of a type, the run shows.
 */

import { type ExpressionFunction, fits, type Parameter } from './function.ts';
import { functionOf } from './functions.ts';
import { isVariableName } from './names.ts';
import type { Node } from './node.ts';
import { keepPattern } from './patterns.ts';
import { PREDICATES } from './predicates.ts';
import { METHODS } from './time-functions.ts';
import { ExpressionError } from './token.ts';
import { typeOf, type ValueType } from './value.ts';

/** What an expression may name. */
export interface Scope {
  readonly functions: ReadonlyMap<string, ExpressionFunction>;
  readonly variables: ReadonlyMap<string, ValueType>;
  /** The variables that are given, where `let` has added others. */
  readonly given?: ReadonlyMap<string, ValueType>;
}

type Binary = Extract<Node, { kind: 'binary' }>;
type Call = Extract<Node, { kind: 'call' }>;

/** Nodes that two others share, as in `a < b < c` and `a ?: b`, are looked at once: else each level of them would double the work. */
const known = new WeakMap<Node, ValueType>();

/** The type of the node's value; throws an `ExpressionError`. */
export function check(node: Node, scope: Scope): ValueType {
  const type = known.get(node) ?? typeOfNode(node, scope);
  known.set(node, type);
  return type;
}

function typeOfNode(node: Node, scope: Scope): ValueType {
  switch (node.kind) {
    case 'literal':
      return typeOf(node.value);
    case 'name':
      return scope.variables.get(node.name) ?? fail(`unknown name ${node.name}`, node);
    case 'environment':
      return 'map';
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
      return checkCall(node, scope);
    case 'method':
      return checkMethod(node, scope);
    case 'array':
      for (const item of node.items) check(item, scope);
      return 'array';
    case 'map':
      for (const [key, value] of node.entries) {
        check(key, scope);
        check(value, scope);
      }
      return 'map';
    case 'let':
      return checkLet(node, scope);
    case 'sequence':
      return node.nodes.map((part) => check(part, scope)).at(-1)!;
    case 'element':
    case 'accumulator':
      return 'any';
    case 'index':
      return 'int';
  }
}

function fail(problem: string, { at }: { readonly at: number }): never {
  throw new ExpressionError(problem, at);
}

function isNumeric(type: ValueType): boolean {
  return fits(type, 'number');
}

/** Whether either is of the type and the other may be. */
function areOf(left: ValueType, right: ValueType, type: ValueType): boolean {
  return (left === type || right === type) && fits(left, type) && fits(right, type);
}

function checkLet(node: Extract<Node, { kind: 'let' }>, scope: Scope): ValueType {
  const isTaken = scope.functions.has(node.name) || scope.variables.has(node.name);
  if (isTaken || !isVariableName(node.name)) fail(`cannot redeclare ${node.name}`, node);
  const variables = new Map(scope.variables).set(node.name, check(node.value, scope));
  return check(node.body, { ...scope, variables, given: scope.given ?? scope.variables });
}

function checkUnary(node: Extract<Node, { kind: 'unary' }>, scope: Scope): ValueType {
  const type = check(node.operand, scope);
  if (node.operator === 'not') {
    if (fits(type, 'bool')) return 'bool';
  } else if (isNumeric(type)) return type;
  return fail(`invalid operation: ${node.operator} (mismatched type ${type})`, node);
}

/** Of dates and durations; undefined where neither is one, or they do not fit. */
function timeResultOf(operator: Binary['operator'], left: ValueType, right: ValueType) {
  const areDurations = areOf(left, right, 'time.Duration');
  const areTimes = areOf(left, right, 'time.Time');
  switch (operator) {
    case '<':
    case '>':
    case '<=':
    case '>=':
      return areDurations || areTimes ? 'bool' : undefined;
    case '+': {
      const isMoved =
        (left === 'time.Time' && fits(right, 'time.Duration')) ||
        (right === 'time.Time' && fits(left, 'time.Duration'));
      return isMoved ? 'time.Time' : areDurations ? 'any' : undefined;
    }
    case '-':
      if (left === 'time.Time' && fits(right, 'time.Duration')) return 'any';
      return areDurations || areTimes ? 'any' : undefined;
    case '*': {
      const factor = left === 'time.Duration' ? right : right === 'time.Duration' ? left : 'nil';
      return areDurations || isNumeric(factor) ? 'any' : undefined;
    }
    default:
      return undefined;
  }
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
  if (node.operator === 'matches') keepPattern(node.right);
  const result = timeResultOf(node.operator, left, right) ?? resultOf(node.operator, left, right);
  if (result !== undefined) return result;
  return fail(`invalid operation: ${node.operator} (mismatched types ${left} and ${right})`, node);
}

function checkConditional(node: Extract<Node, { kind: 'conditional' }>, scope: Scope): ValueType {
  const test = check(node.test, scope);
  if (!fits(test, 'bool')) fail(`non-bool expression (type ${test}) used as condition`, node.test);
  const yes = check(node.yes, scope);
  const no = check(node.no, scope);
  return yes === no ? yes : 'any';
}

/** Undefined where the key shows only in the run. */
function checkEnvironment(
  { object, key, optional, at }: Extract<Node, { kind: 'member' }>,
  { functions, variables, given = variables }: Scope,
): ValueType | undefined {
  if (object.kind !== 'environment' || key.kind !== 'literal') return undefined;
  const name = key.value;
  if (typeof name !== 'string') return undefined;
  const type = given.get(name) ?? (functions.has(name) ? 'func' : undefined);
  return type ?? (optional ? 'any' : fail(`unknown name ${name}`, { at }));
}

function checkMember(node: Extract<Node, { kind: 'member' }>, scope: Scope): ValueType {
  const given = checkEnvironment(node, scope);
  if (given !== undefined) return given;
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
  const [items, body, last] = operands;
  if (operands.length > (predicate.last === undefined ? 2 : 3)) {
    fail(`too many arguments to call ${name}`, { at });
  }
  if (items === undefined || (body === undefined && !predicate.isOptional)) {
    fail(`not enough arguments to call ${name}`, { at });
  }
  const type = check(items, scope);
  if (!fits(type, 'array')) fail(`builtin ${name} takes only array (got ${type})`, items);
  const lastType = last === undefined ? 'any' : check(last, scope);
  if (!fits(lastType, predicate.last ?? 'any')) {
    fail(`${name}: expected ${predicate.last} (got ${lastType})`, last!);
  }
  if (body === undefined) return predicate.result;
  const bodyType = check(body, scope);
  if (fits(bodyType, predicate.body)) return predicate.result;
  return fail(`predicate should return boolean (got ${bodyType})`, body);
}

function checkCall(node: Call, scope: Scope): ValueType {
  const { name, operands } = node;
  if (PREDICATES.has(name)) return checkPredicate(node, scope);
  const called = functionOf(node, scope.functions);
  if (called === undefined) return fail(`unknown name ${name}`, node);
  const types = operands.map((operand) => check(operand, scope));
  return checkOperands(node, called, types, operands);
}

function checkMethod(node: Extract<Node, { kind: 'method' }>, scope: Scope): ValueType {
  const type = check(node.object, scope);
  const types = node.operands.map((operand) => check(operand, scope));
  if (node.object.kind === 'environment') {
    const called = scope.functions.get(node.name);
    if (called === undefined) return fail(`unknown name ${node.name}`, node);
    return checkOperands(node, called, types, node.operands);
  }
  if (type === 'any') return 'any';
  const method = METHODS.get(type)?.get(node.name);
  if (method === undefined) return fail(`type ${type} has no method ${node.name}`, node);
  return checkOperands(node, method, [type, ...types], [node.object, ...node.operands]);
}

function checkOperands(
  { name, at }: { readonly name: string; readonly at: number },
  { parameters, needed = parameters.length, rest, result }: ExpressionFunction,
  types: readonly ValueType[],
  operands: readonly Node[],
): ValueType {
  if (types.length < needed) fail(`not enough arguments to call ${name}`, { at });
  if (rest === undefined && types.length > parameters.length) {
    fail(`too many arguments to call ${name}`, { at });
  }
  for (const [index, type] of types.entries()) {
    const wanted = parameters[index] ?? rest!;
    if (!fits(type, wanted)) {
      fail(`cannot use ${type} as argument (type ${wanted}) to call ${name}`, operands[index]!);
    }
  }
  return result;
}
