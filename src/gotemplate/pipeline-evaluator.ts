/**
 * Values of pipelines: commands one after the other, each with the value before it as its last argument; fields of structs,
 * keys of maps, methods and functions, with their arguments checked as Go's types would.
 */
import type { ChainNode, CommandNode, FieldNode, Node, Operand, PipeNode } from './node.ts';
import { nodeText } from './node.ts';
import { INT_MAX } from './number.ts';
import { octetsOf, textOf } from './octet-string.ts';
import { checkedSize } from './print.ts';
import type { RunState } from './run-state.ts';
import {
  BoundError,
  boolValue,
  CallError,
  floatValue,
  type GoFunction,
  type GoValue,
  intValue,
  isTrue,
  NONE,
  octetValue,
  type ParameterType,
  sizeOf,
  typeOf,
} from './value.ts';

type NumberOperand = Extract<Operand, { kind: 'number' }>;

/** What a call is given: operands, and the value of the command before it. */
interface Given {
  readonly operands: readonly Operand[];
  readonly final: GoValue | undefined;
}

const NOTHING: Given = { operands: [], final: undefined };

export class PipelineEvaluator {
  readonly #state: RunState;
  readonly #functions: ReadonlyMap<string, GoFunction>;

  constructor(state: RunState, functions: ReadonlyMap<string, GoFunction>) {
    this.#state = state;
    this.#functions = functions;
  }

  /** The value of a pipeline, which goes into its variables as well. */
  evaluate(dot: GoValue, pipe: PipeNode): GoValue {
    const state = this.#state;
    state.at(pipe);
    let value: GoValue | undefined;
    for (const command of pipe.commands) value = this.#command(dot, command, value);
    for (const name of pipe.variables) {
      if (pipe.assigns) state.assign(name, value!);
      else state.declare(name, value!);
    }
    return value!;
  }

  #command(dot: GoValue, command: CommandNode, final: GoValue | undefined): GoValue {
    const [first, ...operands] = command.operands as [Operand, ...Operand[]];
    const given = { operands, final };
    switch (first.kind) {
      case 'field':
      case 'chain':
      case 'variable':
        return this.#path(dot, first, given);
      case 'identifier':
        return this.#function(dot, first, command, given);
      case 'pipe':
        this.#takesNothing(first, given);
        return this.#state.nest(() => this.evaluate(dot, first));
      default:
        this.#state.at(first);
        this.#takesNothing(first, given);
        if (first.kind === 'nil') this.#state.fail('nil is not a command');
        return this.#literal(dot, first);
    }
  }

  #takesNothing(operand: Operand, { operands, final }: Given): void {
    if (operands.length === 0 && final === undefined) return;
    const source = nodeText(operand);
    this.#state.fail(`can't give argument to non-function ${textOf(source)}`);
  }

  #literal(
    dot: GoValue,
    operand: Exclude<Operand, { kind: 'pipe' | 'field' | 'chain' | 'variable' | 'identifier' }>,
  ): GoValue {
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'bool':
        return boolValue(operand.value);
      case 'string':
        return octetValue(operand.octets);
      case 'number':
        return this.#number(operand);
      default:
        return NONE;
    }
  }

  /** A number of which nobody says what it is to be: its spelling decides. */
  #number(node: NumberOperand): GoValue {
    this.#state.at(node);
    const { source, integer, float } = node;
    const isSpelledFloat = /[.eEpP]/.test(source) && !/^'|^0[xX][^pP]*$/.test(source);
    if (isSpelledFloat && float !== undefined) return floatValue(float);
    if (integer! > INT_MAX) this.#state.fail(`${source} overflows int`);
    return intValue(integer!);
  }

  /** `.A.B`, `$x.A.B` and `(...).A.B`; the last may be a method that takes what is given. */
  #path(
    dot: GoValue,
    node: FieldNode | ChainNode | Extract<Operand, { kind: 'variable' }>,
    given: Given,
  ): GoValue {
    this.#state.at(node);
    let receiver = dot;
    let path = node.path;
    if (node.kind === 'variable') {
      receiver = this.#state.valueOf(path[0]!);
      path = path.slice(1);
      if (path.length === 0) this.#takesNothing(node, given);
    } else if (node.kind === 'chain') {
      if (node.operand.kind === 'nil') {
        this.#state.fail(`indirection through explicit nil in ${textOf(nodeText(node))}`);
      }
      receiver = this.#argument(dot, 'any', node.operand);
    }
    for (const [index, name] of path.entries()) {
      const isLast = index === path.length - 1;
      receiver = this.#field(dot, name, node, isLast ? given : NOTHING, receiver);
    }
    return receiver;
  }

  #field(dot: GoValue, name: string, node: Node, given: Given, receiver: GoValue): GoValue {
    const hasArguments = given.operands.length > 0 || given.final !== undefined;
    switch (receiver.kind) {
      case 'none':
        return NONE;
      case 'nil':
        return this.#state.fail(`nil pointer evaluating ${receiver.type}.${name}`);
      case 'struct': {
        const { fields, methods } = receiver;
        if (Object.hasOwn(methods, name)) return this.#call(dot, methods[name]!, node, name, given);
        if (!Object.hasOwn(fields, name)) break;
        if (hasArguments) {
          this.#state.fail(`${name} has arguments but cannot be invoked as function`);
        }
        return fields[name]!();
      }
      case 'map':
        if (hasArguments) this.#state.fail(`${name} is not a method but has arguments`);
        return receiver.entries.get(octetsOf(name)) ?? NONE;
    }
    return this.#state.fail(`can't evaluate field ${name} in type ${typeOf(receiver)}`);
  }

  #function(
    dot: GoValue,
    node: Extract<Operand, { kind: 'identifier' }>,
    whole: Node,
    given: Given,
  ): GoValue {
    this.#state.at(node);
    const { name } = node;
    if (name === 'and' || name === 'or') return this.#decide(dot, name, given);
    return this.#call(dot, this.#functions.get(name)!, whole, name, given);
  }

  /** `and` and `or` stop at the first argument that decides. */
  #decide(dot: GoValue, name: 'and' | 'or', { operands, final }: Given): GoValue {
    if (operands.length === 0 && final === undefined) {
      this.#state.fail(`wrong number of args for ${name}: want at least 1 got 0`);
    }
    let value: GoValue = NONE;
    for (const operand of operands) {
      value = this.#argument(dot, 'any', operand);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return final ?? value;
  }

  #call(
    dot: GoValue,
    { parameters, rest, call }: GoFunction,
    node: Node,
    name: string,
    { operands, final }: Given,
  ): GoValue {
    const count = operands.length + (final === undefined ? 0 : 1);
    if (rest === undefined ? count !== parameters.length : count < parameters.length) {
      const wanted = `${rest === undefined ? '' : 'at least '}${parameters.length}`;
      const got = rest === undefined ? count : operands.length;
      this.#state.fail(`wrong number of args for ${name}: want ${wanted} got ${got}`);
    }
    const values = operands.map((operand, index) => {
      return this.#argument(dot, parameters[index] ?? rest!, operand);
    });
    if (final !== undefined) values.push(this.#checked(final, parameters[values.length] ?? rest!));
    for (const value of values) this.#state.work(sizeOf(value));
    try {
      const value = call(values);
      if (value.kind === 'string') this.#state.work(checkedSize(value.value).length);
      return value;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#state.at(node);
      const problem = `error calling ${name}: ${error.message}`;
      return error instanceof BoundError ? this.#state.exceed(problem) : this.#state.fail(problem);
    }
  }

  #argument(dot: GoValue, type: ParameterType, operand: Operand): GoValue {
    this.#state.at(operand);
    switch (operand.kind) {
      case 'dot':
        return this.#checked(dot, type);
      case 'nil':
        if (type !== 'any') this.#state.fail(`cannot assign nil to ${type}`);
        return NONE;
      case 'field':
      case 'chain':
      case 'variable':
        return this.#checked(this.#path(dot, operand, NOTHING), type);
      case 'identifier':
        return this.#checked(this.#function(dot, operand, operand, NOTHING), type);
      case 'pipe':
        return this.#checked(
          this.#state.nest(() => this.evaluate(dot, operand)),
          type,
        );
      default:
        return this.#literalArgument(dot, type, operand);
    }
  }

  #literalArgument(
    dot: GoValue,
    type: ParameterType,
    operand: Extract<Operand, { kind: 'bool' | 'number' | 'string' }>,
  ): GoValue {
    if (type === 'int') {
      if (
        operand.kind === 'number' &&
        operand.integer !== undefined &&
        operand.integer <= INT_MAX
      ) {
        return intValue(operand.integer);
      }
      return this.#state.fail(`expected integer; found ${textOf(nodeText(operand))}`);
    }
    if (type === 'string' && operand.kind !== 'string') {
      return this.#state.fail(`expected string; found ${textOf(nodeText(operand))}`);
    }
    return this.#literal(dot, operand);
  }

  /** The value, if it is of the type. */
  #checked(value: GoValue, type: ParameterType): GoValue {
    if (type === 'any') return value;
    if (value.kind === 'none') this.#state.fail(`invalid value; expected ${type}`);
    if (typeOf(value) !== type) {
      this.#state.fail(`wrong type for value; expected ${type}; got ${typeOf(value)}`);
    }
    return value;
  }
}
