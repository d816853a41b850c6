/**
 * Go's strings are octets, mostly UTF-8: `len`, `index` and `slice` count them, widths and `%c` count code points. In this
 * room such a string is a JavaScript string with one character an octet (0..255), so that those operations are the obvious
 * ones; text is converted where it comes in and goes out. Quoting is that of Go's strconv.
 */

/** What stands for octets that are no UTF-8. */
export const REPLACEMENT = 0xfffd;

export function octetsOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export function textOf(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}

/** A code point as octets; what is none (a surrogate, too large, negative) as U+FFFD. */
export function encodeRune(rune: bigint | number): string {
  const value = Number(rune);
  const isRune = value >= 0 && value <= 0x10ffff && !(value >= 0xd800 && value <= 0xdfff);
  return octetsOf(String.fromCodePoint(isRune ? value : REPLACEMENT));
}

/** The code point at `at` and its octets; U+FFFD of one octet where there is no UTF-8. */
export function decodeRune(octets: string, at: number): { rune: number; size: number } {
  const first = octets.charCodeAt(at);
  if (first < 0x80) return { rune: first, size: 1 };
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const piece = octets.slice(at, at + size);
  const rune = textOf(piece).codePointAt(0)!;
  // Only well-formed UTF-8 survives the way there and back.
  return encodeRune(rune) === piece ? { rune, size } : { rune: REPLACEMENT, size: 1 };
}

function* runesOf(octets: string): Generator<{ rune: number; size: number }> {
  for (let at = 0; at < octets.length; ) {
    const decoded = decodeRune(octets, at);
    yield decoded;
    at += decoded.size;
  }
}

export function runeCount(octets: string): number {
  let count = 0;
  for (const _ of runesOf(octets)) count += 1;
  return count;
}

/** At most so many code points from the start. */
export function truncateRunes(octets: string, count: number): string {
  let at = 0;
  for (const { size } of runesOf(octets)) {
    if (count-- <= 0) break;
    at += size;
  }
  return octets.slice(0, at);
}

/** Go's unicode.IsPrint. */
export function isPrintable(rune: number): boolean {
  return rune === 0x20 || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(String.fromCodePoint(rune));
}

const NAMED_ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 0x5c,
};
const NAMES_OF_ESCAPES = new Map(Object.entries(NAMED_ESCAPES).map(([name, code]) => [code, name]));

/** Go's strconv.Quote, or QuoteRune with `'` for `quote`; `asciiOnly` escapes what lies beyond ASCII. */
export function quote(octets: string, mark = '"', asciiOnly = false): string {
  let out = '';
  let at = 0;
  for (const { rune, size } of runesOf(octets)) {
    const isBroken = rune === REPLACEMENT && size === 1;
    out += isBroken ? hexEscape(octets.charCodeAt(at)) : quoteRune(rune, mark, asciiOnly);
    at += size;
  }
  return mark + out + mark;
}

function quoteRune(rune: number, mark: string, asciiOnly: boolean): string {
  const name = NAMES_OF_ESCAPES.get(rune);
  if (name !== undefined) return `\\${name}`;
  if (rune === mark.charCodeAt(0)) return `\\${mark}`;
  if (rune < 0x80 ? isPrintable(rune) : !asciiOnly && isPrintable(rune)) return encodeRune(rune);
  if (rune < 0x20 || rune === 0x7f) return hexEscape(rune);
  const digits = rune.toString(16);
  return rune < 0x10000 ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`;
}

function hexEscape(octet: number): string {
  return `\\x${octet.toString(16).padStart(2, '0')}`;
}

const ESCAPE =
  /\\(?:([abfnrtv\\'"])|([0-7]{3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))/y;

/**
 * The octets of a literal of Go's, its quotes included: `"..."`, `'c'` or backquotes. Undefined where an escape is none. A
 * backslash and the other kind of quote mark is no escape.
 */
export function unquote(literal: string): string | undefined {
  const mark = literal[0]!;
  const body = literal.slice(1, -1);
  if (mark === '`') return octetsOf(body.replaceAll('\r', ''));
  let out = '';
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf('\\', at);
    out += octetsOf(body.slice(at, end < 0 ? undefined : end));
    if (end < 0) break;
    ESCAPE.lastIndex = end;
    const match = ESCAPE.exec(body);
    const octets = match === null ? undefined : escaped(match, mark);
    if (octets === undefined) return undefined;
    out += octets;
    at = ESCAPE.lastIndex;
  }
  return out;
}

function escaped([, name, octal, hex, short, long]: RegExpExecArray, mark: string) {
  if (name === '"' || name === "'") return name === mark ? name : undefined;
  if (name !== undefined) return String.fromCharCode(NAMED_ESCAPES[name]!);
  if (octal !== undefined) {
    const octet = Number.parseInt(octal, 8);
    return octet <= 0xff ? String.fromCharCode(octet) : undefined;
  }
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
  const rune = Number.parseInt(short ?? long!, 16);
  return rune <= 0x10ffff && !(rune >= 0xd800 && rune <= 0xdfff) ? encodeRune(rune) : undefined;
}
