/** Runs a template, after Go's text/template: text, printed values, control structures, templates in templates. */
import type { BranchNode, Statement, TemplateNode } from './node.ts';
import { quote, textOf } from './octet-string.ts';
import type { TemplateSet } from './parser.ts';
import type { PipelineEvaluator } from './pipeline-evaluator.ts';
import { printedValue, TEXT_SIZE_MAX } from './print.ts';
import type { RunState } from './run-state.ts';
import {
  type GoValue,
  intValue,
  isTrue,
  NONE,
  octetValue,
  sizeOf,
  sortedEntries,
} from './value.ts';

/** How a list of statements ended. */
type Ending = 'done' | 'break' | 'continue';

export class Evaluator {
  readonly #state: RunState;
  readonly #pipelines: PipelineEvaluator;
  readonly #templates: TemplateSet;
  #output = '';

  constructor(state: RunState, pipelines: PipelineEvaluator, templates: TemplateSet) {
    this.#state = state;
    this.#pipelines = pipelines;
    this.#templates = templates;
  }

  /** The output as octets. */
  run(data: GoValue): string {
    this.#list(data, this.#templates.get(this.#state.template)!);
    return this.#output;
  }

  #list(dot: GoValue, list: readonly Statement[]): Ending {
    return this.#state.nest(() => {
      for (const statement of list) {
        const ending = this.#statement(dot, statement);
        if (ending !== 'done') return ending;
      }
      return 'done';
    });
  }

  #statement(dot: GoValue, node: Statement): Ending {
    this.#state.at(node);
    switch (node.kind) {
      case 'text':
        this.#write(node.octets);
        return 'done';
      case 'action': {
        const value = this.#pipelines.evaluate(dot, node.pipe);
        if (node.pipe.variables.length > 0) return 'done';
        this.#state.at(node);
        this.#state.work(sizeOf(value));
        this.#write(printedValue(value));
        return 'done';
      }
      case 'break':
      case 'continue':
        return node.kind;
      case 'template':
        this.#template(dot, node);
        return 'done';
      case 'range':
        return this.#state.scope(() => this.#range(dot, node));
      default:
        return this.#state.scope(() => this.#choose(dot, node));
    }
  }

  #write(octets: string): void {
    this.#output += octets;
    if (this.#output.length > TEXT_SIZE_MAX) {
      this.#state.exceed(`output of more than ${TEXT_SIZE_MAX} octets`);
    }
  }

  /** `if` and `with`, which differ in what dot is. */
  #choose(dot: GoValue, { kind, pipe, list, otherwise }: BranchNode): Ending {
    const value = this.#pipelines.evaluate(dot, pipe);
    if (isTrue(value)) return this.#list(kind === 'with' ? value : dot, list);
    return otherwise === undefined ? 'done' : this.#list(dot, otherwise);
  }

  #range(dot: GoValue, node: BranchNode): Ending {
    const value = this.#pipelines.evaluate(dot, node.pipe);
    let isEmpty = true;
    for (const [index, element] of this.#elements(value, node)) {
      isEmpty = false;
      this.#state.at(node);
      this.#setVariables(node, index, element);
      if (this.#state.scope(() => this.#list(element, node.list)) === 'break') break;
    }
    return isEmpty && node.otherwise !== undefined ? this.#list(dot, node.otherwise) : 'done';
  }

  *#elements(value: GoValue, { pipe }: BranchNode): Generator<[GoValue, GoValue]> {
    switch (value.kind) {
      case 'int':
      case 'uint':
        if (pipe.variables.length > 1) {
          this.#state.fail(`can't use ${value.value} to iterate over more than one variable`);
        }
        for (let count = 0n; count < value.value; count++) yield [NONE, { ...value, value: count }];
        break;
      case 'slice':
        for (const [index, item] of value.items.entries()) yield [intValue(index), item];
        break;
      case 'map':
        // They are put into order before the first is seen.
        this.#state.work(sizeOf(value));
        for (const [key, item] of sortedEntries(value.entries)) yield [octetValue(key), item];
        break;
      case 'none':
        break;
      default:
        this.#state.fail(`range can't iterate over ${textOf(printedValue(plain(value)))}`);
    }
  }

  /** With one variable it is the element, with two the index comes first. */
  #setVariables({ pipe }: BranchNode, index: GoValue, element: GoValue): void {
    const { variables, assigns } = pipe;
    const values = variables.length > 1 ? [index, element] : [element];
    for (const [position, name] of variables.entries()) {
      if (assigns) this.#state.assign(name, values[position]!);
      else this.#state.assignRecent(variables.length - position, values[position]!);
    }
  }

  #template(dot: GoValue, node: TemplateNode): void {
    const { name, pipe } = node;
    const list = this.#templates.get(name);
    if (list === undefined) this.#state.fail(`template ${textOf(quote(name))} not defined`);
    const data = pipe === undefined ? NONE : this.#pipelines.evaluate(dot, pipe);
    this.#state.enter(name, data, () => void this.#list(data, list));
  }
}

/** Go shows what a pointer points to, whatever its type says about printing. */
function plain(value: GoValue): GoValue {
  return value.kind === 'struct'
    ? { kind: 'struct', type: value.type, fields: value.fields, methods: {} }
    : value;
}
