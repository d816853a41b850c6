/**
 * Reads an expression of the expr language (expr-lang.org) into its tree: operators by their precedence, `? :`, `let`, pipes
 * and predicates. Left out: dates and durations, sequences, `if` with braces, chained comparisons.
 */
import { CONSTANTS, isFreeName, NEGATABLE } from './names.ts';
import type { BinaryOperator, Node, UnaryOperator } from './node.ts';
import { PREDICATES } from './predicates.ts';
import { ExpressionError, type Token, tokensOf } from './token.ts';
import { type Value, wrapped } from './value.ts';

/** Of operands in one another; the evaluator follows it with the engine's own stack. */
export const NESTING_MAX = 100;

interface Precedence {
  readonly operator: BinaryOperator | '|';
  readonly binds: number;
  readonly isRight?: boolean;
}

const BINARY: ReadonlyMap<string, Precedence> = new Map<string, Precedence>([
  ['|', { operator: '|', binds: 0 }],
  ['or', { operator: 'or', binds: 10 }],
  ['||', { operator: 'or', binds: 10 }],
  ['and', { operator: 'and', binds: 15 }],
  ['&&', { operator: 'and', binds: 15 }],
  ...(['==', '!=', '<', '>', '<=', '>='] as const).map(at(20)),
  ...(['in', 'matches', 'contains', 'startsWith', 'endsWith'] as const).map(at(20)),
  ['..', { operator: '..', binds: 25 }],
  ...(['+', '-'] as const).map(at(30)),
  ...(['*', '/', '%'] as const).map(at(60)),
  ['**', { operator: '**', binds: 100, isRight: true }],
  ['^', { operator: '**', binds: 100, isRight: true }],
  ['??', { operator: '??', binds: 500 }],
]);

function at(binds: number) {
  return (operator: BinaryOperator): [string, Precedence] => [operator, { operator, binds }];
}

const UNARY: ReadonlyMap<string, { operator: UnaryOperator; binds: number }> = new Map([
  ['not', { operator: 'not' as const, binds: 50 }],
  ['!', { operator: 'not' as const, binds: 50 }],
  ['-', { operator: '-' as const, binds: 90 }],
  ['+', { operator: '+' as const, binds: 90 }],
]);

/** Throws an `ExpressionError`. */
export function parseExpression(text: string): Node {
  return new Parser(tokensOf(text)).parse();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #nesting = 0;
  #predicates = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Node {
    const node = this.#expression(0);
    if (this.#peek().kind !== 'end') this.#unexpected(this.#peek());
    return node;
  }

  #peek(): Token {
    return this.#tokens[this.#at]!;
  }

  #next(): Token {
    const token = this.#peek();
    if (token.kind !== 'end') this.#at += 1;
    return token;
  }

  #unexpected({ kind, text, at: place }: Token): never {
    const what = kind === 'end' ? 'end of expression' : `token ${JSON.stringify(text)}`;
    throw new ExpressionError(`unexpected ${what}`, place);
  }

  #is(text: string): boolean {
    const token = this.#peek();
    return token.text === text && (token.kind === 'operator' || token.kind === 'name');
  }

  /** Takes the word or mark if it comes next. */
  #accept(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) this.#unexpected(this.#peek());
  }

  #expression(binds: number): Node {
    if (this.#nesting >= NESTING_MAX) {
      throw new ExpressionError('too deeply nested', this.#peek().at);
    }
    this.#nesting += 1;
    const node = binds === 0 && this.#is('let') ? this.#let() : this.#operators(binds);
    this.#nesting -= 1;
    return node;
  }

  #let(): Node {
    const { at: place } = this.#next();
    const name = this.#next();
    if (name.kind !== 'name' || !isFreeName(name.text)) this.#unexpected(name);
    this.#expect('=');
    const value = this.#expression(0);
    this.#expect(';');
    return { kind: 'let', at: place, name: name.text, value, body: this.#expression(0) };
  }

  #operators(binds: number): Node {
    let left = this.#unary();
    for (;;) {
      const start = this.#at;
      const { at: place } = this.#peek();
      const isNegated = this.#accept('not');
      if (isNegated && !NEGATABLE.includes(this.#peek().text)) this.#unexpected(this.#peek());
      const found = this.#peek().kind === 'string' ? undefined : BINARY.get(this.#peek().text);
      if (found === undefined || found.binds < binds) {
        this.#at = start;
        break;
      }
      this.#next();
      if (found.operator === '|') left = this.#piped(left);
      else {
        const right = this.#expression(found.binds + (found.isRight ? 0 : 1));
        left = { kind: 'binary', at: place, operator: found.operator, left, right };
        if (isNegated) left = { kind: 'unary', at: place, operator: 'not', operand: left };
      }
    }
    return binds === 0 ? this.#conditional(left) : left;
  }

  #conditional(test: Node): Node {
    const { at: place } = this.#peek();
    if (!this.#accept('?')) return test;
    const yes = this.#expression(0);
    this.#expect(':');
    return { kind: 'conditional', at: place, test, yes, no: this.#expression(0) };
  }

  /** `value | function(...)`: the value is the first operand. */
  #piped(value: Node): Node {
    const name = this.#next();
    if (name.kind !== 'name' || !isFreeName(name.text)) this.#unexpected(name);
    return this.#postfix(this.#call(name, [value]));
  }

  #unary(): Node {
    const token = this.#peek();
    const unary = token.kind === 'string' ? undefined : UNARY.get(token.text);
    if (unary === undefined) return this.#postfix(this.#primary());
    this.#next();
    const operand = this.#expression(unary.binds);
    return { kind: 'unary', at: token.at, operator: unary.operator, operand };
  }

  #primary(): Node {
    const token = this.#next();
    const { kind, text, at: place } = token;
    if (kind === 'number') return { kind: 'literal', at: place, value: numberOf(token) };
    if (kind === 'string') return { kind: 'literal', at: place, value: text };
    if (kind === 'name') return this.#named(token);
    switch (text) {
      case '(': {
        const inner = this.#expression(0);
        this.#expect(')');
        return inner;
      }
      case '[':
        return { kind: 'array', at: place, items: this.#list(']', () => this.#expression(0)) };
      case '{':
        return { kind: 'map', at: place, entries: this.#list('}', () => this.#entry()) };
      case '#':
      case '#index':
        if (this.#predicates === 0) this.#unexpected(token);
        return { kind: text === '#' ? 'element' : 'index', at: place };
      case '.':
        // Inside of a predicate: a member of the element.
        if (this.#predicates === 0) this.#unexpected(token);
        return this.#member({ kind: 'element', at: place }, place, false);
      default:
        return this.#unexpected(token);
    }
  }

  #named(token: Token): Node {
    const { text, at: place } = token;
    if (CONSTANTS.has(text)) return { kind: 'literal', at: place, value: CONSTANTS.get(text)! };
    if (!isFreeName(text)) this.#unexpected(token);
    return this.#is('(') ? this.#call(token, []) : { kind: 'name', at: place, name: text };
  }

  #call({ text: name, at: place }: Token, first: readonly Node[]): Node {
    this.#expect('(');
    const hasPredicate = PREDICATES.has(name);
    const operands = [...first];
    const more = this.#list(')', () => {
      const isPredicate = hasPredicate && operands.length > 0;
      const operand = isPredicate ? this.#predicate() : this.#expression(0);
      operands.push(operand);
      return operand;
    });
    return { kind: 'call', at: place, name, operands: [...first, ...more] };
  }

  #predicate(): Node {
    this.#predicates += 1;
    const hasBraces = this.#accept('{');
    const body = this.#expression(0);
    if (hasBraces) this.#expect('}');
    this.#predicates -= 1;
    return body;
  }

  /** Elements between commas up to `end`; one may follow the last. */
  #list<Element>(end: string, read: () => Element): Element[] {
    const elements: Element[] = [];
    while (!this.#accept(end)) {
      elements.push(read());
      if (this.#accept(end)) break;
      this.#expect(',');
    }
    return elements;
  }

  #entry(): [Node, Node] {
    const token = this.#peek();
    let key: Node;
    if (this.#accept('(')) {
      key = this.#expression(0);
      this.#expect(')');
    } else {
      this.#next();
      if (token.kind !== 'name' && token.kind !== 'string' && token.kind !== 'number') {
        this.#unexpected(token);
      }
      key = { kind: 'literal', at: token.at, value: token.text };
    }
    this.#expect(':');
    return [key, this.#expression(0)];
  }

  #postfix(start: Node): Node {
    let node = start;
    for (;;) {
      const { at: place } = this.#peek();
      if (this.#accept('.')) node = this.#member(node, place, false);
      else if (this.#accept('?.')) {
        node = this.#is('[') ? this.#bracketed(node, true) : this.#member(node, place, true);
      } else if (this.#is('[')) node = this.#bracketed(node, false);
      else return node;
    }
  }

  #member(object: Node, place: number, optional: boolean): Node {
    const token = this.#next();
    if (token.kind !== 'name') this.#unexpected(token);
    const key: Node = { kind: 'literal', at: token.at, value: token.text };
    return { kind: 'member', at: place, object, key, optional };
  }

  /** `[key]`, `[from:to]` with either left out. */
  #bracketed(object: Node, optional: boolean): Node {
    const { at: place } = this.#next();
    const from = this.#is(':') ? undefined : this.#expression(0);
    if (!this.#accept(':')) {
      this.#expect(']');
      return { kind: 'member', at: place, object, key: from!, optional };
    }
    const to = this.#is(']') ? undefined : this.#expression(0);
    this.#expect(']');
    return { kind: 'slice', at: place, object, from, to };
  }
}

function numberOf({ text, at: place }: Token): Value {
  const digits = text.replaceAll('_', '');
  if (!/^0[xXoObB]/.test(digits) && /[.eE]/.test(digits)) return Number(digits);
  const value = BigInt(digits);
  if (wrapped(value) !== value) throw new ExpressionError(`integer literal is too large`, place);
  return value;
}
