/**
 * Reads what stands between the delimiters of a template's actions: pipelines of commands, their operands, and the variables
 * that they declare. A variable is known from its declaration to the end of the control structure around it.
 */
import type { Token, TokenKind } from './lexer.ts';
import {
  type CommandNode,
  nodeText,
  type Operand,
  type PipeNode,
  type VariableNode,
} from './node.ts';
import { characterOf, constantOf } from './number.ts';
import { octetsOf, unquote } from './octet-string.ts';
import type { TokenReader } from './token-reader.ts';

const OPERAND_STARTS: readonly TokenKind[] = [
  ...(['bool', 'character', 'complex', 'dot', 'field', 'identifier', 'number'] as const),
  ...(['nil', 'string', 'variable', '('] as const),
];

export class PipelineParser {
  /** Those in sight, with their dollars. */
  variables = ['$'];
  readonly #tokens: TokenReader;
  readonly #functions: ReadonlySet<string>;

  constructor(tokens: TokenReader, functions: ReadonlySet<string>) {
    this.#tokens = tokens;
    this.#functions = functions;
  }

  /** The octets of a quoted literal. */
  unquoted({ text }: Token): string {
    return unquote(text) ?? this.#tokens.fail('invalid syntax');
  }

  /** `[$x :=|= | $i, $x :=|=] command {| command}` up to `end`, which it takes. */
  read(context: string, end: TokenKind): PipeNode {
    const { at } = this.#tokens.skipSpace();
    const { variables, assigns } = this.#declarations(context);
    const commands: CommandNode[] = [];
    for (;;) {
      const token = this.#tokens.skipSpace();
      if (token.kind === end) break;
      if (!OPERAND_STARTS.includes(token.kind)) {
        this.#tokens.next();
        this.#tokens.unexpected(token, context);
      }
      commands.push(this.#command());
    }
    this.#tokens.next();
    if (commands.length === 0) this.#tokens.fail(`missing value for ${context}`);
    for (const [index, { operands }] of commands.entries()) {
      if (index > 0 && ['bool', 'dot', 'nil', 'number', 'string'].includes(operands[0]!.kind)) {
        this.#tokens.fail(`non executable command in pipeline stage ${index + 1}`);
      }
    }
    return { kind: 'pipe', at, variables, assigns, commands };
  }

  #declarations(context: string): { variables: string[]; assigns: boolean } {
    const variables: string[] = [];
    while (this.#tokens.skipSpace().kind === 'variable') {
      const start = this.#tokens.position;
      const { text } = this.#tokens.next();
      const after = this.#tokens.skipSpace();
      if (after.kind === 'assign' || after.kind === 'declare') {
        this.#tokens.next();
        this.#declare(variables, text);
        return { variables, assigns: after.kind === 'assign' };
      }
      if (after.kind !== 'char' || after.text !== ',') {
        this.#tokens.goBack(start);
        break;
      }
      this.#tokens.next();
      this.#declare(variables, text);
      if (context !== 'range' || variables.length === 2) {
        this.#tokens.fail(`too many declarations in ${context}`);
      }
      if (!['variable', 'right delimiter', ')'].includes(this.#tokens.skipSpace().kind)) {
        this.#tokens.fail('range can only initialize variables');
      }
    }
    return { variables, assigns: false };
  }

  #declare(variables: string[], name: string): void {
    variables.push(name);
    this.variables.push(name);
  }

  #command(): CommandNode {
    const { at } = this.#tokens.skipSpace();
    const operands: Operand[] = [];
    for (;;) {
      this.#tokens.skipSpace();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.#tokens.peek();
      if (token.kind === 'right delimiter' || token.kind === ')') break;
      this.#tokens.next();
      if (token.kind === 'pipe') break;
      if (token.kind !== 'space') this.#tokens.unexpected(token, 'operand');
    }
    if (operands.length === 0) this.#tokens.fail('empty command');
    return { kind: 'command', at, operands };
  }

  /** A term and the fields behind it; undefined where there is none. */
  #operand(): Operand | undefined {
    const term = this.#term();
    const { kind, at } = this.#tokens.peek();
    if (term === undefined || kind !== 'field') return term;
    const path: string[] = [];
    while (this.#tokens.peek().kind === 'field') path.push(this.#tokens.next().text.slice(1));
    switch (term.kind) {
      case 'field':
      case 'variable':
        return { kind: term.kind, at, path: [...term.path, ...path] };
      case 'bool':
      case 'string':
      case 'number':
      case 'nil':
      case 'dot':
        return this.#tokens.fail(`unexpected . after term ${JSON.stringify(nodeText(term))}`);
      default:
        return { kind: 'chain', at, operand: term, path };
    }
  }

  #term(): Operand | undefined {
    const token = this.#tokens.skipSpace();
    const { kind, at, text } = token;
    if (!OPERAND_STARTS.includes(kind)) return undefined;
    this.#tokens.next();
    switch (kind) {
      case 'identifier':
        if (!this.#functions.has(text)) {
          this.#tokens.fail(`function ${JSON.stringify(text)} not defined`);
        }
        return { kind, at, name: text };
      case 'variable':
        return this.#variable(token);
      case 'field':
        return { kind, at, path: [text.slice(1)] };
      case 'bool':
        return { kind, at, value: text === 'true' };
      case 'string':
        return { kind, at, octets: this.unquoted(token), source: octetsOf(text) };
      case '(':
        return this.#parenthesised();
      case 'dot':
      case 'nil':
        return { kind, at };
      default:
        return this.#number(token);
    }
  }

  #variable({ at, text }: Token): VariableNode {
    if (!this.variables.includes(text))
      this.#tokens.fail(`undefined variable ${JSON.stringify(text)}`);
    return { kind: 'variable', at, path: [text] };
  }

  #parenthesised(): Operand {
    return this.#tokens.nest(() => this.read('parenthesized pipeline', ')'));
  }

  #number({ kind, at, text }: Token): Operand {
    try {
      const constant = kind === 'character' ? characterOf(text) : constantOf(text);
      return { kind: 'number', at, source: octetsOf(text), ...constant };
    } catch (error) {
      return this.#tokens.fail((error as Error).message);
    }
  }
}
