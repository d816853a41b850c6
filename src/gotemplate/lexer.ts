/**
 * Cuts a template into text and the tokens between `{{` and `}}`, as Go's text/template does: trim markers take the white
 * space beside them, comments vanish, spaces between operands are tokens. An error is the last token.
 */

export type TokenKind =
  | 'error'
  | 'eof'
  | 'text'
  | 'left delimiter'
  | 'right delimiter'
  | 'space'
  | 'identifier'
  | 'field'
  | 'variable'
  | 'bool'
  | 'number'
  | 'complex'
  | 'character'
  | 'string'
  | 'char'
  | 'pipe'
  | 'assign'
  | 'declare'
  | '('
  | ')'
  | 'dot'
  | Keyword;

const KEYWORDS = [
  ...['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'nil', 'range'],
  ...['template', 'with'],
] as const;
type Keyword = (typeof KEYWORDS)[number];

export interface Token {
  readonly kind: TokenKind;
  /** As it stands; of an error, the message. */
  readonly text: string;
  /** In UTF-16 units. */
  readonly at: number;
  /** From 1. */
  readonly line: number;
}

const SPACES = ' \t\r\n';
const SPACE_RUN = /[ \t\r\n]+/y;
const WORD = /[\p{L}\p{Nd}_]*/uy;
/** Escapes are looked at later. */
const QUOTED = /"(?:[^"\\\n]|\\[^\n])*"/y;
const RAW_QUOTED = /`[^`]*`/y;
const CHARACTER = /'(?:[^'\\\n]|\\[^\n])*'/y;
const NUMBER =
  /[+-]?(?:0[xX][\da-fA-F_]*(?:\.[\da-fA-F_]*)?(?:[pP][+-]?[\d_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?[\d_]*)?)i?/y;
const SINGLE: Readonly<Record<string, TokenKind>> = { '=': 'assign', '|': 'pipe' };

/** All tokens; the last is `eof` or `error`. */
export function lex(text: string): readonly Token[] {
  return new Lexer(text).run();
}

class LexError extends Error {}

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #parens = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): readonly Token[] {
    const startOfError = () => ({ at: this.#at, line: this.#line });
    try {
      for (let found = this.#lexText(); found !== 'end'; found = this.#lexText()) {
        if (found === 'action') while (this.#lexAction());
      }
      this.#emit('eof', this.#at);
    } catch (error) {
      if (!(error instanceof LexError)) throw error;
      this.#tokens.push({ kind: 'error', text: error.message, ...startOfError() });
    }
    return this.#tokens;
  }

  /** Adds the token that ends at `end`, and goes there. */
  #emit(kind: TokenKind, end: number): void {
    const text = this.#text.slice(this.#at, end);
    this.#tokens.push({ kind, text, at: this.#at, line: this.#line });
    this.#skipTo(end);
  }

  #skipTo(end: number): void {
    for (let at = this.#at; at < end; at++) if (this.#text[at] === '\n') this.#line += 1;
    this.#at = end;
  }

  /** Text up to the next action, and its delimiter; a comment as a whole. */
  #lexText(): 'action' | 'comment' | 'end' {
    const at = this.#text.indexOf('{{', this.#at);
    const end = at < 0 ? this.#text.length : at;
    const trims = at >= 0 && this.#text[at + 2] === '-' && this.#isSpace(at + 3);
    const textEnd = trims ? this.#trimmedEnd(end) : end;
    if (textEnd > this.#at) this.#emit('text', textEnd);
    this.#skipTo(end);
    if (at < 0) return 'end';
    const inside = at + (trims ? 4 : 2);
    if (this.#text.startsWith('/*', inside)) {
      this.#lexComment(inside);
      return 'comment';
    }
    this.#emit('left delimiter', at + 2);
    this.#skipTo(inside);
    this.#parens = 0;
    return 'action';
  }

  #trimmedEnd(end: number): number {
    let at = end;
    while (at > this.#at && this.#isSpace(at - 1)) at -= 1;
    return at;
  }

  #lexComment(start: number): void {
    const end = this.#text.indexOf('*/', start + 2);
    if (end < 0) throw new LexError('unclosed comment');
    const close = this.#rightDelimiter(end + 2);
    if (close === undefined) throw new LexError('comment ends before closing delimiter');
    this.#skipTo(close.end);
  }

  /** Where the closing delimiter at `at` begins and ends, with its trim marker and the space that it takes. */
  #rightDelimiter(at: number): { start: number; end: number } | undefined {
    if (this.#text.startsWith('}}', at)) return { start: at, end: at + 2 };
    if (!this.#isSpace(at) || !this.#text.startsWith('-}}', at + 1)) return undefined;
    SPACE_RUN.lastIndex = at + 4;
    const spaces = SPACE_RUN.exec(this.#text)?.[0] ?? '';
    return { start: at + 2, end: at + 4 + spaces.length };
  }

  /** One token inside an action; false after its closing delimiter. */
  #lexAction(): boolean {
    const close = this.#rightDelimiter(this.#at);
    if (close !== undefined) {
      if (this.#parens > 0) throw new LexError('unclosed left paren');
      this.#skipTo(close.start);
      this.#emit('right delimiter', close.start + 2);
      this.#skipTo(close.end);
      return false;
    }
    const character = this.#text[this.#at];
    if (character === undefined) throw new LexError('unclosed action');
    if (SPACES.includes(character)) this.#lexSpace();
    else if (this.#startsWord(character)) this.#lexWord();
    else this.#lexMark(character);
    return true;
  }

  #startsWord(character: string): boolean {
    return (
      (character === '.' && !/\d/.test(this.#text[this.#at + 1] ?? '')) ||
      character === '$' ||
      (this.#wordEnd(this.#at) > this.#at && !/\d/.test(character))
    );
  }

  /** Spaces, but for the last where it belongs to a trim marker. */
  #lexSpace(): void {
    SPACE_RUN.lastIndex = this.#at;
    const end = this.#at + SPACE_RUN.exec(this.#text)![0].length;
    this.#emit('space', this.#text.startsWith('-}}', end) ? end - 1 : end);
  }

  /** `$`, `$x`, `.`, `.Field`, a keyword or an identifier. */
  #lexWord(): void {
    const mark = this.#text[this.#at]!;
    const isMarked = mark === '.' || mark === '$';
    const end = this.#wordEnd(this.#at + (isMarked ? 1 : 0));
    if (!this.#isTerminator(end)) {
      throw new LexError(`bad character ${runeText(this.#text.codePointAt(end)!)}`);
    }
    const word = this.#text.slice(this.#at, end);
    this.#emit(wordKind(word), end);
  }

  #lexMark(character: string): void {
    const single = SINGLE[character];
    if (single !== undefined) this.#emit(single, this.#at + 1);
    else if (character === '(' || character === ')') this.#lexParenthesis(character);
    else if (character === ':') this.#lexDeclare();
    else if (character === '"') this.#lexLiteral(QUOTED, 'string', 'quoted string');
    else if (character === '`') this.#lexLiteral(RAW_QUOTED, 'string', 'raw quoted string');
    else if (character === "'") this.#lexLiteral(CHARACTER, 'character', 'character constant');
    else if (/[\d.+-]/.test(character)) this.#lexNumber();
    else if (/[!-~]/.test(character)) this.#emit('char', this.#at + 1);
    else {
      const rune = runeText(this.#text.codePointAt(this.#at)!);
      throw new LexError(`unrecognized character in action: ${rune}`);
    }
  }

  #lexDeclare(): void {
    if (this.#text[this.#at + 1] !== '=') throw new LexError('expected :=');
    this.#emit('declare', this.#at + 2);
  }

  #lexParenthesis(mark: '(' | ')'): void {
    this.#parens += mark === '(' ? 1 : -1;
    if (this.#parens < 0) throw new LexError('unexpected right paren');
    this.#emit(mark, this.#at + 1);
  }

  #lexLiteral(pattern: RegExp, kind: TokenKind, name: string): void {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) throw new LexError(`unterminated ${name}`);
    this.#emit(kind, this.#at + match[0].length);
  }

  #lexNumber(): void {
    const end = this.#numberEnd(this.#at);
    const sign = this.#text[end];
    if (sign !== '+' && sign !== '-') {
      this.#emit('number', end);
      return;
    }
    const complexEnd = this.#numberEnd(end);
    if (this.#text[complexEnd - 1] !== 'i') this.#badNumber(complexEnd);
    this.#emit('complex', complexEnd);
  }

  #numberEnd(at: number): number {
    NUMBER.lastIndex = at;
    const end = at + NUMBER.exec(this.#text)![0].length;
    if (this.#wordEnd(end) > end) {
      this.#badNumber(end + String.fromCodePoint(this.#text.codePointAt(end)!).length);
    }
    return end;
  }

  #badNumber(end: number): never {
    throw new LexError(`bad number syntax: ${JSON.stringify(this.#text.slice(this.#at, end))}`);
  }

  #wordEnd(at: number): number {
    WORD.lastIndex = at;
    return at + WORD.exec(this.#text)![0].length;
  }

  #isSpace(at: number): boolean {
    const character = this.#text[at];
    return character !== undefined && SPACES.includes(character);
  }

  /** What may follow a word. */
  #isTerminator(at: number): boolean {
    const next = this.#text[at];
    if (next === undefined || SPACES.includes(next) || '.,|:)('.includes(next)) return true;
    return this.#text.startsWith('}}', at);
  }
}

function wordKind(word: string): TokenKind {
  if (word === '.') return 'dot';
  if (word.startsWith('.')) return 'field';
  if (word.startsWith('$')) return 'variable';
  if (word === 'true' || word === 'false') return 'bool';
  return KEYWORDS.find((keyword) => keyword === word) ?? 'identifier';
}

/** Go's `%#U`. */
function runeText(rune: number): string {
  const digits = rune.toString(16).toUpperCase().padStart(4, '0');
  return `U+${digits} '${String.fromCodePoint(rune)}'`;
}

/** A token in a message. */
export function tokenText({ kind, text }: Token): string {
  if (kind === 'eof') return 'EOF';
  if (kind === 'error') return text;
  if (kind === 'dot' || KEYWORDS.some((keyword) => keyword === kind)) return `<${text}>`;
  const characters = [...text];
  const quoted = JSON.stringify(characters.slice(0, 10).join(''));
  return characters.length > 10 ? `${quoted}...` : quoted;
}
