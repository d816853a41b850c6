/**
 * What one run of a template carries along: variables, the place for messages, and how much it has done. Beyond a bound it
 * fails as any wrong template does.
 */
import { type Node, nodeText } from './node.ts';
import { octetsOf, quote, textOf } from './octet-string.ts';
import type { GoValue } from './value.ts';

/** Of one run, some 10 ms: a statement or a command is one, and so is each piece of what functions take and give. */
export const STEPS_MAX = 20_000;
/** Octets and elements that are handled in the time of a step. */
const SIZE_PER_STEP = 32;
/** Lists, parentheses and templates in one another; Go has 100,000 for templates alone. */
export const DEPTH_MAX = 500;

/** The message holds the place: `template: NAME:LINE:COLUMN: executing "NAME" at <...>: ...`. */
export class RunProblem extends Error {
  /** The run was too long or too deep, or made too much. */
  readonly isBound: boolean;

  constructor(message: string, isBound: boolean) {
    super(message);
    this.isBound = isBound;
  }
}

interface Variable {
  /** With its dollar. */
  readonly name: string;
  value: GoValue;
}

export class RunState {
  /** The node at work. */
  node: Node | undefined;
  /** The template at work, which may be defined inside the other; octets. */
  template: string;
  #variables: Variable[];
  readonly #name: string;
  readonly #text: string;
  #steps = 0;
  #depth = 0;

  constructor(name: string, text: string, data: GoValue) {
    this.#name = name;
    this.#text = text;
    this.template = octetsOf(name);
    this.#variables = [{ name: '$', value: data }];
  }

  at(node: Node): void {
    this.node = node;
    this.#charge(1);
  }

  /** Counts the work on so many octets and elements. */
  work(size: number): void {
    this.#charge(Math.floor(size / SIZE_PER_STEP));
  }

  #charge(steps: number): void {
    this.#steps += steps;
    if (this.#steps > STEPS_MAX) this.exceed(`more than ${STEPS_MAX} steps`);
  }

  fail(problem: string): never {
    throw this.#problem(problem, false);
  }

  /** Fails because the run is too long or too deep, or makes too much. */
  exceed(problem: string): never {
    throw this.#problem(problem, true);
  }

  #problem(problem: string, isBound: boolean): RunProblem {
    const node = this.node!;
    const before = this.#text.slice(0, node.at);
    const line = before.split('\n').length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1));
    const place = `${this.#name}:${line}:${column}: executing ${textOf(quote(this.template))}`;
    const text = `template: ${place} at <${textOf(nodeText(node))}>: ${problem}`;
    return new RunProblem(text, isBound);
  }

  /** Runs `inner` one level deeper. */
  nest<Result>(inner: () => Result): Result {
    if (this.#depth >= DEPTH_MAX) this.exceed(`exceeded maximum template depth (${DEPTH_MAX})`);
    this.#depth += 1;
    const result = inner();
    this.#depth -= 1;
    return result;
  }

  /** Runs another template, which sees none of this one's variables. */
  enter(template: string, data: GoValue, inner: () => void): void {
    const outer = { variables: this.#variables, template: this.template };
    this.#variables = [{ name: '$', value: data }];
    this.template = template;
    this.nest(inner);
    this.#variables = outer.variables;
    this.template = outer.template;
  }

  /** Runs `inner`; what it declares is gone afterwards. */
  scope<Result>(inner: () => Result): Result {
    const variables = this.#variables;
    const count = variables.length;
    const result = inner();
    variables.length = count;
    return result;
  }

  declare(name: string, value: GoValue): void {
    this.#variables.push({ name, value });
  }

  assign(name: string, value: GoValue): void {
    this.#find(name).value = value;
  }

  /** Sets what was declared last, or so many before it. */
  assignRecent(back: number, value: GoValue): void {
    this.#variables[this.#variables.length - back]!.value = value;
  }

  valueOf(name: string): GoValue {
    return this.#find(name).value;
  }

  #find(name: string): Variable {
    const variable = this.#variables.findLast((candidate) => candidate.name === name);
    return variable ?? this.fail(`undefined variable: ${name}`);
  }
}
