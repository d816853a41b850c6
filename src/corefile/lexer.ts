/**
 * Splits the text of a Corefile into tokens: words and braces. It knows spaces, lines, comments, quotes and continued
 * lines, and no meaning: braces, imports and environment references are the parser's.
 *
 * The rules are those of CoreDNS's Caddyfile lexer. A word that starts with `"` runs to the next `"`, over lines too;
 * inside, `\"` is a quote and any other backslash stands for itself. A `#` begins a comment: to the end of the line, or, right
 * behind a word without quotes, to the next space (`forward . 192.0.2.1#53 192.0.2.2#53` names two servers). Beyond CoreDNS: a backslash at the very end of a line joins the next one, and a missing closing quote is an
 * error.
 */
import { CorefileError, type Position } from './ast.ts';

export interface Token {
  readonly text: string;
  readonly at: Position;
  /** Whether it is the first of its line (continued lines count as one). */
  readonly startsLine: boolean;
  /** Written in quotes: never a brace, an import or a comma. */
  readonly quoted: boolean;
}

/** What Go's unicode.IsSpace takes for space, for CoreDNS splits words there. */
export const SPACES =
  '\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const SPACE = new RegExp(`[${SPACES}]`);
const WORD = new RegExp(`[^${SPACES}#]+`, 'y');
const LINE_REST = /[^\n]*/y;
const GLUED_COMMENT = new RegExp(`(?:#[^${SPACES}]*)?`, 'y');
const CONTINUATION = /\\\r?\n/y;
const BYTE_ORDER_MARK = '\ufeff';

/** All tokens of one file; throws `CorefileError` where a quote is not closed. */
export function tokenize(text: string, file: string): Token[] {
  const tokens: Token[] = [];
  let at = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  let line = 1;
  let lineAt = at;
  let startsLine = true;
  while (at < text.length) {
    const character = text.charAt(at);
    const continuation = character === '\\' ? matchAt(CONTINUATION, text, at) : '';
    if (character === '\n' || continuation !== '') {
      startsLine ||= character === '\n';
      at += continuation.length || 1;
      line += 1;
      lineAt = at;
    } else if (SPACE.test(character)) {
      at += 1;
    } else if (character === '#') {
      at += matchAt(LINE_REST, text, at).length;
    } else {
      const position = { file, line, column: at - lineAt + 1 };
      const quoted = character === '"';
      const source = quoted ? quotedSource(text, at, position) : bareSource(text, at);
      tokens.push({ text: quoted ? unquote(source) : source, at: position, startsLine, quoted });
      startsLine = false;
      at += source.length;
      if (!quoted) at += matchAt(GLUED_COMMENT, text, at).length;
      const lineBreaks = source.split('\n').length - 1;
      if (lineBreaks > 0) lineAt = at - source.length + source.lastIndexOf('\n') + 1;
      line += lineBreaks;
    }
  }
  return tokens;
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

/** A word up to the next space or comment, without the backslash that continues its line. */
function bareSource(text: string, at: number): string {
  const word = matchAt(WORD, text, at);
  const isContinued =
    word.endsWith('\\') && matchAt(CONTINUATION, text, at + word.length - 1) !== '';
  return isContinued ? word.slice(0, -1) : word;
}

/** The text from one quote to its closing one, both included. */
function quotedSource(text: string, at: number, position: Position): string {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === '"') return text.slice(at, end + 1);
    if (text[end] === '\\') end += 1;
  }
  throw new CorefileError(position, `this quote is never closed: expected another '"'`);
}

function unquote(source: string): string {
  return source.slice(1, -1).replace(/\\./gs, (pair) => (pair === '\\"' ? '"' : pair));
}
