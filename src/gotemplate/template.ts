/**
 * Templates in Go's text/template language, as far as strings, numbers, lists, maps and structs go: all actions, variables,
 * pipelines and functions, without complex numbers, channels and functions as values. Knows nothing of what it is used for.
 *
 *   text -> lexer -> tokens -> parser -> tree -> evaluator, with data and functions -> text
 *
 * A template comes from the operator, its data from anybody: one run is bounded in steps, depth and output.
 */
import { Evaluator } from './evaluator.ts';
import { BUILTINS } from './functions.ts';
import { listText } from './node.ts';
import { octetsOf, textOf } from './octet-string.ts';
import { parse, type TemplateSet } from './parser.ts';
import { PipelineEvaluator } from './pipeline-evaluator.ts';
import { RunProblem, RunState } from './run-state.ts';
import { SyntaxProblem } from './token-reader.ts';
import type { GoFunction, GoValue } from './value.ts';

export type ParsedTemplate =
  | { readonly code: 'parsed'; readonly template: Template }
  /** Go's message: `template: NAME:LINE: ...`. */
  | { readonly code: 'invalid'; readonly reason: string };

export type Execution =
  | { readonly code: 'done'; readonly text: string }
  /** Go's message: `template: NAME:LINE:COLUMN: executing "NAME" at <...>: ...`. `isBound`: a bound of the run ended it. */
  | { readonly code: 'failed'; readonly reason: string; readonly isBound: boolean };

/** `functions` come beside Go's own, and before them. */
export function parseTemplate(
  name: string,
  text: string,
  functions: Readonly<Record<string, GoFunction>> = {},
): ParsedTemplate {
  const known = new Map([...BUILTINS, ...Object.entries(functions)]);
  try {
    const set = parse(name, text, new Set([...known.keys(), 'and', 'or']));
    return { code: 'parsed', template: new Template(name, text, set, known) };
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    return { code: 'invalid', reason: error.message };
  }
}

export class Template {
  readonly #name: string;
  readonly #text: string;
  readonly #templates: TemplateSet;
  readonly #functions: ReadonlyMap<string, GoFunction>;

  constructor(
    name: string,
    text: string,
    templates: TemplateSet,
    functions: ReadonlyMap<string, GoFunction>,
  ) {
    this.#name = name;
    this.#text = text;
    this.#templates = templates;
    this.#functions = functions;
  }

  /** The template's text in the spelling that Go gives it. */
  toString(): string {
    return textOf(listText(this.#templates.get(octetsOf(this.#name))!));
  }

  execute(data: GoValue): Execution {
    const state = new RunState(this.#name, this.#text, data);
    const pipelines = new PipelineEvaluator(state, this.#functions);
    try {
      const octets = new Evaluator(state, pipelines, this.#templates).run(data);
      return { code: 'done', text: textOf(octets) };
    } catch (error) {
      if (!(error instanceof RunProblem)) throw error;
      return { code: 'failed', reason: error.message, isBound: error.isBound };
    }
  }
}
