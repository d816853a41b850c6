/**
 * Reads an expression of the expr language (expr-lang.org) into its tree: operators by their precedence, `? :`, `if`, `let`,
 * sequences, pipes, predicates and methods.
 */
import { CONSTANTS, isFreeName, NEGATABLE } from './names.ts';
import type { BinaryOperator, Node } from './node.ts';
import { BINARY, COMPARISONS, UNARY } from './precedence.ts';
import { type Pointer, PREDICATES } from './predicates.ts';
import { ExpressionError, type Token, tokensOf } from './token.ts';
import { octetsValue, type Value, wrapped } from './value.ts';

/** Of operands in one another; the evaluator follows it with the engine's own stack. */
export const NESTING_MAX = 100;

/** Throws an `ExpressionError`. */
export function parseExpression(text: string): Node {
  return new Parser(tokensOf(text)).parse();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #nesting = 0;
  /** What the predicate at hand may name; undefined outside of predicates. */
  #pointers: readonly Pointer[] | undefined;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Node {
    const node = this.#sequence();
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
    const node = this.#statement(binds) ?? this.#operators(binds);
    this.#nesting -= 1;
    return node;
  }

  /** `let` and `if` stand where no operator is open. */
  #statement(binds: number): Node | undefined {
    if (binds > 0) return undefined;
    if (this.#is('let')) return this.#let();
    return this.#is('if') ? this.#if() : undefined;
  }

  /** Expressions between semicolons; the last is what counts. */
  #sequence(): Node {
    const first = this.#expression(0);
    const nodes = [first];
    while (this.#accept(';') && this.#peek().kind !== 'end') nodes.push(this.#expression(0));
    return nodes.length === 1 ? first : { kind: 'sequence', at: first.at, nodes };
  }

  #if(): Node {
    const { at: place } = this.#next();
    const test = this.#expression(0);
    const yes = this.#braced();
    this.#expect('else');
    const no = this.#is('if') ? this.#expression(0) : this.#braced();
    return { kind: 'conditional', at: place, test, yes, no };
  }

  #braced(): Node {
    this.#expect('{');
    const body = this.#sequence();
    this.#expect('}');
    return body;
  }

  #let(): Node {
    const { at: place } = this.#next();
    const name = this.#next();
    if (name.kind !== 'name' || !isFreeName(name.text)) this.#unexpected(name);
    this.#expect('=');
    const value = this.#expression(0);
    this.#expect(';');
    return { kind: 'let', at: place, name: name.text, value, body: this.#sequence() };
  }

  #operators(binds: number): Node {
    let left = this.#unary();
    for (;;) {
      const start = this.#at;
      const { at: place } = this.#peek();
      const isNegated = this.#accept('not');
      if (isNegated && !NEGATABLE.includes(this.#peek().text)) this.#unexpected(this.#peek());
      const found = isText(this.#peek()) ? undefined : BINARY.get(this.#peek().text);
      if (found === undefined || found.binds < binds) {
        this.#at = start;
        break;
      }
      this.#next();
      if (found.operator === '|') left = this.#piped(left);
      else if (COMPARISONS.includes(found.operator)) left = this.#compared(left, found.binds);
      else {
        const right = this.#expression(found.binds + (found.isRight ? 0 : 1));
        left = { kind: 'binary', at: place, operator: found.operator, left, right };
        if (isNegated) left = { kind: 'unary', at: place, operator: 'not', operand: left };
      }
    }
    return binds === 0 ? this.#conditional(left) : left;
  }

  /** `1 < x < 10`: each with its neighbours. The first operator is taken. */
  #compared(first: Node, binds: number): Node {
    let left = first;
    let whole: Node | undefined;
    do {
      const { text, at: place } = this.#tokens[this.#at - 1]!;
      const right = this.#expression(binds + 1);
      const { operator } = BINARY.get(text)! as { operator: BinaryOperator };
      const one: Node = { kind: 'binary', at: place, operator, left, right };
      whole =
        whole === undefined
          ? one
          : { kind: 'binary', at: place, operator: 'and', left: whole, right: one };
      left = right;
    } while (COMPARISONS.some((operator) => this.#accept(operator)));
    return whole;
  }

  /** `test ? yes : no`, `test ?: no`. */
  #conditional(first: Node): Node {
    let test = first;
    for (;;) {
      const { at: place } = this.#peek();
      if (!this.#accept('?')) return test;
      const yes = this.#is(':') ? test : this.#expression(0);
      this.#expect(':');
      test = { kind: 'conditional', at: place, test, yes, no: this.#expression(0) };
    }
  }

  /** `value | function(...)`: the value is the first operand. */
  #piped(value: Node): Node {
    const name = this.#next();
    if (name.kind !== 'name' || !isFreeName(name.text)) this.#unexpected(name);
    return this.#postfix(this.#call(name, [value]));
  }

  #unary(): Node {
    const token = this.#peek();
    const unary = isText(token) ? undefined : UNARY.get(token.text);
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
    if (kind === 'octets') {
      const octets = Array.from(text, (character) => BigInt(character.charCodeAt(0)));
      return { kind: 'literal', at: place, value: octetsValue(octets) };
    }
    if (kind === 'name') return this.#named(token);
    switch (text) {
      case '(': {
        const inner = this.#sequence();
        this.#expect(')');
        return inner;
      }
      case '[':
        return { kind: 'array', at: place, items: this.#list(']', () => this.#expression(0)) };
      case '{':
        return { kind: 'map', at: place, entries: this.#list('}', () => this.#entry()) };
      case '.':
        // Inside of a predicate: a member of the element.
        if (this.#pointers === undefined) this.#unexpected(token);
        return this.#member({ kind: 'element', at: place }, place, false);
      case '::':
        return this.#call(this.#next(), [], true);
      default:
        return text.startsWith('#') ? this.#pointer(token) : this.#unexpected(token);
    }
  }

  #pointer(token: Token): Node {
    const { text, at: place } = token;
    if (this.#pointers === undefined) this.#unexpected(token);
    if (text === '#') return { kind: 'element', at: place };
    const pointer = this.#pointers.find((name) => text === `#${name}`);
    if (pointer === undefined) throw new ExpressionError(`unknown pointer ${text}`, place);
    return { kind: pointer === 'acc' ? 'accumulator' : pointer, at: place };
  }

  #named(token: Token): Node {
    const { text, at: place } = token;
    if (CONSTANTS.has(text)) return { kind: 'literal', at: place, value: CONSTANTS.get(text)! };
    if (text === '$env') return { kind: 'environment', at: place };
    if (!isFreeName(text)) this.#unexpected(token);
    return this.#is('(') ? this.#call(token, []) : { kind: 'name', at: place, name: text };
  }

  #call({ text: name, at: place }: Token, first: readonly Node[], isBuiltin = false): Node {
    this.#expect('(');
    const pointers = PREDICATES.get(name)?.pointers;
    const operands = [...first];
    this.#list(')', () => {
      const isPredicate = pointers !== undefined && operands.length === 1;
      operands.push(isPredicate ? this.#predicate(pointers) : this.#expression(0));
    });
    return { kind: 'call', at: place, name, operands, isBuiltin };
  }

  #predicate(pointers: readonly Pointer[]): Node {
    const outer = this.#pointers;
    this.#pointers = pointers;
    const body = this.#is('{') ? this.#braced() : this.#expression(0);
    this.#pointers = outer;
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
    if (this.#accept('(')) {
      const operands = this.#list(')', () => this.#expression(0));
      return { kind: 'method', at: place, object, name: token.text, operands, optional };
    }
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

/** Whether its text is what the expression is about, and no mark. */
function isText({ kind }: Token): boolean {
  return kind === 'string' || kind === 'octets';
}

function numberOf({ text, at: place }: Token): Value {
  const digits = text.replaceAll('_', '');
  if (!/^0[xXoObB]/.test(digits) && /[.eE]/.test(digits)) return Number(digits);
  const value = BigInt(digits);
  if (wrapped(value) !== value) throw new ExpressionError(`integer literal is too large`, place);
  return value;
}
