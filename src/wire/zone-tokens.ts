/**
 * One entry of a master file in words (RFC 1035 §5.1): quotes keep spaces, parentheses join lines, `;` begins a comment, and a
 * backslash takes its special meaning from what follows. Escapes stay in the words: names and character-strings read them
 * by themselves.
 */

export interface ZoneWord {
  /** Without its quotes, escapes as they stand. */
  readonly text: string;
  readonly isQuoted: boolean;
  /** From 1, in characters. */
  readonly line: number;
  readonly column: number;
}

export interface ZoneEntry {
  readonly words: readonly ZoneWord[];
  /** Whether white space comes first: then there is no owner. */
  readonly isIndented: boolean;
}

/** A problem with its place, as CoreDNS's library words it: `dns: PROBLEM: "WORD" at line: 1:7`. */
export class ZoneTextError extends Error {
  constructor(problem: string, { text, line, column }: Omit<ZoneWord, 'isQuoted'>) {
    super(`dns: ${problem}: ${JSON.stringify(text)} at line: ${line}:${column}`);
  }
}

const WORD = /"((?:[^"\\]|\\.)*)"|((?:[^\s"();\\]|\\.)+)|;[^\n]*|[()]|\n|[^\S\n]+|./sy;

/** The first entry of a text; without words where it holds none. Throws a `ZoneTextError`. */
export function firstEntry(text: string): ZoneEntry {
  const words: ZoneWord[] = [];
  let isIndented = false;
  let depth = 0;
  let line = 1;
  let lineAt = 0;
  WORD.lastIndex = 0;
  for (let at = 0; at < text.length; at = WORD.lastIndex) {
    const [token, quoted, plain] = WORD.exec(text)!;
    const place = { line, column: at - lineAt + 1 };
    if (quoted !== undefined) words.push({ text: quoted, isQuoted: true, ...place });
    else if (plain !== undefined) words.push({ text: plain, isQuoted: false, ...place });
    else if (token === '(') depth += 1;
    else if (token === ')' && depth === 0)
      throw new ZoneTextError('unbalanced brace', { text: token, ...place });
    else if (token === ')') depth -= 1;
    else if (token === '\n' && depth === 0 && words.length > 0) break;
    else if (token === '\n') isIndented = false;
    else if (/^\s/.test(token)) isIndented ||= words.length === 0 && depth === 0;
    else if (!token.startsWith(';'))
      throw new ZoneTextError('unclosed quote', { text: token, ...place });
    for (const character of token) {
      if (character === '\n') {
        line += 1;
        lineAt = WORD.lastIndex - (token.length - token.lastIndexOf('\n') - 1);
      }
    }
  }
  if (depth > 0) throw new ZoneTextError('unbalanced brace', { text: '(', line, column: 1 });
  return { words, isIndented };
}
