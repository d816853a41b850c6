/** The words of an expression: numbers, strings, octets, names, operators and brackets. */

export type TokenKind = 'number' | 'string' | 'octets' | 'name' | 'operator' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Of a string, what it stands for; of octets, a character for each. */
  readonly text: string;
  /** In UTF-16 units. */
  readonly at: number;
}

/** In characters; a problem may quote a value of any size. */
const PROBLEM_SIZE_MAX = 200;

/** Something wrong in an expression, and where. */
export class ExpressionError extends Error {
  /** `at` is undefined where it has no place of its own. */
  constructor(problem: string, at?: number) {
    const isLong = problem.length > PROBLEM_SIZE_MAX;
    const text = isLong ? `${problem.slice(0, PROBLEM_SIZE_MAX).toWellFormed()}...` : problem;
    super(at === undefined ? text : `${text} (1:${at + 1})`);
  }
}

/** A run that is too long, or makes too much. */
export class BoundError extends ExpressionError {}

const TOKEN =
  /[ \t\r\n]+|\/\/[^\n]*|\/\*.*?\*\/|(0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\.\d|\d[\d_]*\.(?!\.)|\d)[\d_]*(?:[eE][+-]?\d+)?)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)|[bB]("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([\p{L}_$][\p{L}\p{Nd}_$]*)|(\?\.|\?\?|\.\.|\*\*|&&|\|\||::|[=!<>]=|#[A-Za-z]*|[-+*/%^!<>|?:;,.()[\]{}=])/suy;

/** Of one expression: a tree of so many nodes is never too deep for the engine's stack. */
const TOKENS_MAX = 1_000;

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.))/gsu;

const OCTET_ESCAPE = /\\(?:x([\da-fA-F]{2})|([0-3][0-7]{2})|(.))|[^\\]+/gsu;

/** Throws an `ExpressionError`; the last token is `end`. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    if (tokens.length >= TOKENS_MAX) throw new ExpressionError(`more than ${TOKENS_MAX} words`, at);
    const match = TOKEN.exec(text);
    if (match === null) {
      const isQuote = '"\'`'.includes(text[at]!);
      const character = String.fromCodePoint(text.codePointAt(at)!);
      throw new ExpressionError(
        isQuote ? 'literal not terminated' : `unrecognized character: ${character}`,
        at,
      );
    }
    const [, number, string, octets, name, operator] = match;
    if (number !== undefined) tokens.push({ kind: 'number', text: number, at });
    else if (string !== undefined) tokens.push({ kind: 'string', text: unquoted(string, at), at });
    else if (octets !== undefined) tokens.push({ kind: 'octets', text: octetsOf(octets, at), at });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name, at });
    else if (operator !== undefined) tokens.push({ kind: 'operator', text: operator, at });
  }
  tokens.push({ kind: 'end', text: 'end of expression', at: text.length });
  return tokens;
}

function unquoted(literal: string, at: number): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith('`')) return body;
  return body.replace(ESCAPE, (whole, hex, short, long, octal, other) => {
    const digits = hex ?? short ?? long;
    const code =
      digits === undefined ? octal && Number.parseInt(octal, 8) : Number.parseInt(digits, 16);
    if (code !== undefined && code <= 0x10ffff) return String.fromCodePoint(code);
    if ('\\\'"'.includes(other)) return other;
    return ESCAPES[other] ?? fail(`unable to unescape ${whole}`, at);
  });
}

/** As Go reads them, escapes stand for one octet each, and all else for its UTF-8. */
function octetsOf(literal: string, at: number): string {
  const [quote] = literal;
  return literal.slice(1, -1).replace(OCTET_ESCAPE, (whole, hex, octal, other) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    if (other === undefined) return Buffer.from(whole).toString('latin1');
    if (other === '\\' || other === quote) return other;
    return ESCAPES[other] ?? fail(`unable to unescape ${whole}`, at);
  });
}

function fail(problem: string, at: number): never {
  throw new ExpressionError(problem, at);
}
