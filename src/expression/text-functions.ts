/** Functions about texts. Positions count octets of UTF-8, as Go's do; `len` counts characters. */
import { type ExpressionFunction, ofTexts } from './function.ts';
import { checkSize } from './size.ts';
import { ExpressionError } from './token.ts';
import type { Value } from './value.ts';

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

/** From one octet to another; a character that is cut reads as U+FFFD. */
export function sliceText(text: string, from: number, to: number): string {
  if (isAscii(text)) return text.slice(from, to);
  return Buffer.from(text).subarray(from, to).toString();
}

export function octetCount(text: string): number {
  return Buffer.byteLength(text);
}

function octetsBefore(text: string, at: number): Value {
  return BigInt(at < 0 ? at : Buffer.byteLength(text.slice(0, at)));
}

/** Letter by letter: none becomes two. */
function changeCase(text: string, change: (text: string) => string): string {
  if (isAscii(text)) return change(text);
  const letters = Array.from(text, (letter) => {
    const changed = change(letter);
    return [...changed].length === 1 ? changed : letter;
  });
  return letters.join('');
}

function trimmed(text: string, characters: string | undefined): string {
  const set = characters === undefined ? undefined : new Set(characters);
  const has = (letter: string) => set?.has(letter) ?? /\s/.test(letter);
  const letters = [...text];
  const from = letters.findIndex((letter) => !has(letter));
  if (from < 0) return '';
  return letters.slice(from, letters.findLastIndex((letter) => !has(letter)) + 1).join('');
}

/** At most so many parts; `keep`: each but the last with the separator behind it. */
function parts(text: string, separator: string, limit: bigint, keep: boolean): Value {
  if (limit === 0n) return [];
  const all = separator === '' ? [...text] : text.split(separator);
  const count = limit < 0n || limit > BigInt(all.length) ? all.length : Number(limit);
  const first = all.slice(0, Math.max(count - 1, 0));
  const last = count === 0 ? [] : [all.slice(count - 1).join(separator)];
  return [...(keep ? first.map((part) => part + separator) : first), ...last];
}

function splitting(keep: boolean): ExpressionFunction {
  return {
    parameters: ['string', 'string', 'int'],
    needed: 2,
    result: 'array',
    call: (text, separator, limit = -1n) =>
      parts(text as string, separator as string, limit as bigint, keep),
  };
}

/** An empty `from` is found before each character and at the end. */
function replaced(text: string, from: string, to: string, limit: bigint): string {
  const pieces = from === '' ? ['', ...text] : text.split(from);
  const ends = from === '' ? pieces.length : pieces.length - 1;
  const count = limit < 0n || limit > BigInt(ends) ? ends : Number(limit);
  checkSize(text.length + count * (to.length - from.length));
  const changed = pieces.slice(0, count).map((piece) => piece + to);
  return changed.join('') + pieces.slice(count).join(from);
}

function repeated(text: string, count: bigint): string {
  if (count < 0n) throw new ExpressionError('invalid argument for repeat: negative count');
  checkSize(text.length * Number(count));
  return text.repeat(Number(count));
}

function joined(items: readonly Value[], separator: string): string {
  let size = separator.length * Math.max(items.length - 1, 0);
  for (const item of items) {
    if (typeof item !== 'string') throw new ExpressionError('join: expected an array of strings');
    size += item.length;
  }
  checkSize(size);
  return items.join(separator);
}

function fromBase64(text: string): string {
  const digits = text.replace(/[\r\n]/g, '');
  const isBase64 = digits.length % 4 === 0 && /^[A-Za-z\d+/]*={0,2}$/.test(digits);
  if (!isBase64) throw new ExpressionError('illegal base64 data');
  return Buffer.from(digits, 'base64').toString();
}

export const TEXT_FUNCTIONS: Readonly<Record<string, ExpressionFunction>> = {
  trim: ofTexts(2, 'string', trimmed, 1),
  trimPrefix: ofTexts(
    2,
    'string',
    (text, prefix = ' ') => (text.startsWith(prefix) ? text.slice(prefix.length) : text),
    1,
  ),
  trimSuffix: ofTexts(
    2,
    'string',
    (text, suffix = ' ') =>
      text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text,
    1,
  ),
  upper: ofTexts(1, 'string', (text) => changeCase(text, (part) => part.toUpperCase())),
  lower: ofTexts(1, 'string', (text) => changeCase(text, (part) => part.toLowerCase())),
  split: splitting(false),
  splitAfter: splitting(true),
  replace: {
    parameters: ['string', 'string', 'string', 'int'],
    needed: 3,
    result: 'string',
    call: (text, from, to, limit = -1n) =>
      replaced(text as string, from as string, to as string, limit as bigint),
  },
  repeat: {
    parameters: ['string', 'int'],
    result: 'string',
    call: (text, count) => repeated(text as string, count as bigint),
  },
  join: {
    parameters: ['array', 'string'],
    needed: 1,
    result: 'string',
    call: (items, separator = '') => joined(items as Value[], separator as string),
  },
  indexOf: ofTexts(2, 'int', (text, part = '') => octetsBefore(text, text.indexOf(part))),
  lastIndexOf: ofTexts(2, 'int', (text, part = '') => octetsBefore(text, text.lastIndexOf(part))),
  hasPrefix: ofTexts(2, 'bool', (text, part = '') => text.startsWith(part)),
  hasSuffix: ofTexts(2, 'bool', (text, part = '') => text.endsWith(part)),
  toBase64: ofTexts(1, 'string', (text) => Buffer.from(text).toString('base64')),
  fromBase64: ofTexts(1, 'string', fromBase64),
};
