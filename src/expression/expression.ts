/**
 * The expr language (expr-lang.org) of release 1.17: all operators and functions, `let`, `if`, pipes, predicates, dates. Checked
 * for its types when it is read; bounded in steps and sizes when it is run.
 *
 *   text -> tokens -> parser -> tree -> checker, with the types of names -> evaluator, with their values -> value
 */
import { check, type Scope } from './checker.ts';
import { type Bindings, Evaluator } from './evaluator.ts';
import type { Node } from './node.ts';
import { parseExpression } from './parser.ts';
import { BoundError, ExpressionError } from './token.ts';
import type { Value, ValueType } from './value.ts';

export type CompiledExpression =
  | { readonly code: 'compiled'; readonly expression: Expression; readonly type: ValueType }
  | { readonly code: 'invalid'; readonly reason: string };

export type ExpressionResult =
  | { readonly code: 'value'; readonly value: Value }
  /** `isBound`: it was too long, or made too much. */
  | { readonly code: 'failed'; readonly reason: string; readonly isBound: boolean };

export class Expression {
  readonly #node: Node;

  constructor(node: Node) {
    this.#node = node;
  }

  run(bindings: Bindings): ExpressionResult {
    try {
      return { code: 'value', value: new Evaluator(bindings).run(this.#node) };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return { code: 'failed', reason: error.message, isBound: error instanceof BoundError };
    }
  }
}

export function compileExpression(text: string, scope: Scope): CompiledExpression {
  try {
    const node = parseExpression(text);
    const type = check(node, scope);
    return { code: 'compiled', expression: new Expression(node), type };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { code: 'invalid', reason: error.message };
  }
}
