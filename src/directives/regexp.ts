/**
 * Regular expressions in Go's syntax (RE2), as the Corefile holds them, made into JavaScript's. What RE2 refuses is
 * refused (look-around, back references); of what it accepts, flags are taken at the very start or for a group
 * (`(?i)...`, `(?i:...)`) and not further on, and `\C` and `(?U)` not at all.
 *
 * JavaScript matches by backtracking, where RE2 takes linear time: patterns come from the operator, never from a query.
 */

export type CompiledRegexp =
  | { readonly code: 'compiled'; readonly regexp: RegExp }
  | { readonly code: 'invalid'; readonly reason: string };

const LEADING_FLAGS = /^\(\?([ims]+)\)/;
const ESCAPE = String.raw`\\x\{[\da-fA-F]+\}|\\x[\da-fA-F]{2}|\\[pP](?:\{\^?\w+\}|\w)|\\.`;
const TOKEN = new RegExp(
  String.raw`\\Q.*?(?:\\E|$)|${ESCAPE}|\[\^?\]?|\{\d+(?:,\d*)?\}|\(\?P?<\w+>|\(\?[im]*:|\(\?|.`,
  'suy',
);
const CLASS_TOKEN = new RegExp(String.raw`\[:\^?\w+:\]|${ESCAPE}|.`, 'suy');
/** Means the same in both languages, alone and in a class. */
const COMMON_ESCAPE = /^\\(?:[dDwWbBtnfrv]|x[\da-fA-F]{2})$/;
/** A set of characters: a `-` after one is itself. */
const SET = /^(?:\\[dDwWsSpP]|\[:)/;
/** ASCII only, and without the vertical tab. */
const SPACE_SET = '\\t\\n\\f\\r ';
const NAMED_SETS: Record<string, string> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** A pattern that searches as Go's regexp does. */
export function compileRegexp(pattern: string): CompiledRegexp {
  const [prefix = '', flags = ''] = LEADING_FLAGS.exec(pattern) ?? [];
  try {
    const source = translate(pattern.slice(prefix.length), flags.includes('s'));
    const kept = new Set(flags.replaceAll('s', ''));
    return { code: 'compiled', regexp: new RegExp(source, `u${[...kept].join('')}`) };
  } catch (error) {
    return { code: 'invalid', reason: (error as Error).message };
  }
}

/** The same pattern for JavaScript's `u` mode; throws a `SyntaxError`, as `RegExp` itself does. */
function translate(pattern: string, dotTakesLineEnd: boolean): string {
  let source = '';
  let isInClass = false;
  let previous = '';
  for (let at = 0; at < pattern.length; at += previous.length) {
    const matcher: RegExp = isInClass ? CLASS_TOKEN : TOKEN;
    matcher.lastIndex = at;
    const token: string = matcher.exec(pattern)![0];
    if (isInClass) {
      source += token === '-' && SET.test(previous) ? '\\-' : classToken(token);
      isInClass = token !== ']';
    } else if (token === '.') {
      source += dotTakesLineEnd ? '[^]' : '[^\\n]';
    } else {
      source += outerToken(token);
      isInClass = token.startsWith('[');
    }
    previous = token;
  }
  return source;
}

function outerToken(token: string): string {
  if (token.startsWith('\\Q')) {
    return [...token.slice(2).replace(/\\E$/, '')].map(literal).join('');
  }
  if (token === '\\A') return '(?<![^])';
  if (token === '\\z') return '(?![^])';
  if (token === '\\s' || token === '\\S') return `[${token === '\\S' ? '^' : ''}${SPACE_SET}]`;
  if (token.startsWith('\\')) return escapeToken(token);
  if (token === '(?') throw new SyntaxError('unknown kind of group (?');
  if (token.startsWith('(?P<')) return `(?<${token.slice(4)}`;
  // A bracket that comes first in a class, a brace that counts nothing, and a lone bracket are themselves.
  if (token.startsWith('[')) return token.replace(']', '\\]');
  return /^[{}\]]$/.test(token) ? `\\${token}` : token;
}

function classToken(token: string): string {
  if (token.startsWith('[:')) {
    const set = NAMED_SETS[token.slice(2, -2)];
    if (set === undefined) throw new SyntaxError(`unknown class ${token}`);
    return set;
  }
  if (token === '\\s') return SPACE_SET;
  if (token.startsWith('\\')) return escapeToken(token);
  return token === '[' ? '\\[' : token;
}

function escapeToken(token: string): string {
  if (COMMON_ESCAPE.test(token)) return token;
  if (token === '\\a') return '\\x07';
  if (token.startsWith('\\x{')) return `\\u${token.slice(2)}`;
  const [, kind, inverted, name = ''] = /^\\([pP])\{?(\^?)(\w+)\}?$/.exec(token) ?? [];
  if (kind !== undefined) {
    const isInverted = (kind === 'P') !== (inverted === '^');
    return `\\${isInverted ? 'P' : 'p'}{${name.length > 2 ? 'Script=' : ''}${name}}`;
  }
  if (/^\\[!-/:-@[-`{-~]$/.test(token)) return literal(token.slice(1));
  throw new SyntaxError(`unknown escape ${token}`);
}

/** One character that stands for itself. */
function literal(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
