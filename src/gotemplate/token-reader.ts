/**
 * The tokens of one template in reach of its parser: looked at, taken, complained of.
 */
import { lex, type Token, type TokenKind, tokenText } from './lexer.ts';

/** Of parentheses and control structures in one another; Go has 10,000 for the former and no bound for the latter. */
export const NESTING_MAX = 200;

/** The message holds the place: `template: NAME:LINE: ...`. */
export class SyntaxProblem extends Error {}

export class TokenReader {
  readonly name: string;
  /** The line where the action at hand begins; 0 outside of actions. */
  actionLine = 0;
  readonly #tokens: readonly Token[];
  #at = 0;
  /** Of the token looked at last. */
  #line = 1;
  #nesting = 0;

  constructor(name: string, text: string) {
    this.name = name;
    this.#tokens = lex(text);
  }

  get position(): number {
    return this.#at;
  }

  goBack(position: number): void {
    this.#at = position;
  }

  /** Runs `read` one level deeper. */
  nest<Result>(read: () => Result): Result {
    if (this.#nesting >= NESTING_MAX) this.fail('max expression depth exceeded');
    this.#nesting += 1;
    const result = read();
    this.#nesting -= 1;
    return result;
  }

  fail(problem: string): never {
    throw new SyntaxProblem(`template: ${this.name}:${this.#line}: ${problem}`);
  }

  unexpected(token: Token, context: string): never {
    if (token.kind !== 'error') this.fail(`unexpected ${tokenText(token)} in ${context}`);
    let place = '';
    if (this.actionLine !== 0 && this.actionLine !== token.line) {
      place = ` in action started at ${this.name}:${this.actionLine}`;
      if (token.text.endsWith(' action')) place = place.slice(' in action'.length);
    }
    return this.fail(token.text + place);
  }

  /** Takes a token; the last, `eof` or `error`, comes again and again. */
  next(): Token {
    const token = this.peek();
    this.#at = Math.min(this.#at + 1, this.#tokens.length);
    return token;
  }

  peek(): Token {
    const token = this.#tokens[this.#at] ?? this.#tokens.at(-1)!;
    this.#line = token.line;
    return token;
  }

  skipSpace(): Token {
    while (this.peek().kind === 'space') this.#at += 1;
    return this.peek();
  }

  nextNonSpace(): Token {
    this.skipSpace();
    return this.next();
  }

  expect(kind: TokenKind, context: string): Token {
    const token = this.nextNonSpace();
    return token.kind === kind ? token : this.unexpected(token, context);
  }
}
