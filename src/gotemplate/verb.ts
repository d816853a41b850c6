/**
 * One verb of Go's fmt, such as `%-5s` or `%#x`, applied to one value. What a verb cannot print says so in the output, as in
 * Go: `%!d(string=x)`.
 */
import { floatText } from './float-text.ts';
import {
  encodeRune,
  isPrintable,
  quote,
  runeCount,
  textOf,
  truncateRunes,
} from './octet-string.ts';
import { type GoValue, sortedEntries, typeOf } from './value.ts';

export interface Verb {
  readonly letter: string;
  readonly plus: boolean;
  /** Of fields, before their values. */
  readonly names: boolean;
  readonly minus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

/** `%v`. */
export const PLAIN: Verb = {
  letter: 'v',
  plus: false,
  names: false,
  minus: false,
  sharp: false,
  space: false,
  zero: false,
  width: undefined,
  precision: undefined,
};

/** The value as octets. */
export function applyVerb(verb: Verb, value: GoValue): string {
  if (verb.letter === 'T') return pad(verb, truncated(verb, typeOf(value)));
  switch (value.kind) {
    case 'none':
    case 'nil':
      return verb.letter === 'v' ? pad(verb, '<nil>') : misfit(verb, value);
    case 'bool':
      return 'tv'.includes(verb.letter) ? pad(verb, String(value.value)) : misfit(verb, value);
    case 'int':
    case 'uint':
      return integerVerb(verb, value);
    case 'float':
      return floatVerb(verb, value);
    case 'string':
      return stringVerb(verb, value.value) ?? misfit(verb, value);
    default:
      return compositeVerb(verb, value);
  }
}

/** What a value does not print with. */
function misfit(verb: Verb, value: GoValue): string {
  const shown = () => applyVerb({ ...verb, letter: 'v' }, value);
  return `%!${verb.letter}(${value.kind === 'none' ? '<nil>' : `${typeOf(value)}=${shown()}`})`;
}

function pad({ width = 0, minus, zero }: Verb, octets: string): string {
  const count = width - runeCount(octets);
  if (count <= 0) return octets;
  return minus ? octets + ' '.repeat(count) : (zero ? '0' : ' ').repeat(count) + octets;
}

function truncated({ precision }: Verb, octets: string): string {
  return precision === undefined ? octets : truncateRunes(octets, precision);
}

function stringVerb(verb: Verb, octets: string): string | undefined {
  const text = truncated(verb, octets);
  switch (verb.letter) {
    case 'v':
      return verb.sharp ? quoted(verb, text) : pad(verb, text);
    case 's':
      return pad(verb, text);
    case 'q':
      return quoted(verb, text);
    case 'x':
    case 'X':
      return pad(verb, hexOctets(verb, octets.slice(0, verb.precision)));
    default:
      return undefined;
  }
}

/** With `#`, backquotes where they can hold it. */
function quoted(verb: Verb, octets: string): string {
  const canBeRaw = verb.sharp && verb.letter !== 'v' && /^[^`]*$/.test(octets);
  const isRaw = canBeRaw && [...textOf(octets)].every((c) => c === '\t' || isPlain(c));
  return pad(verb, isRaw ? `\`${octets}\`` : quote(octets, '"', verb.plus));
}

function isPlain(character: string): boolean {
  const rune = character.codePointAt(0)!;
  return rune !== 0x7f && rune >= 0x20 && rune !== 0xfffd && rune !== 0xfeff;
}

function hexOctets({ letter, space, sharp }: Verb, octets: string): string {
  if (octets === '') return '';
  const digits = Array.from(octets, (octet) => octet.charCodeAt(0).toString(16).padStart(2, '0'));
  const prefix = sharp ? '0x' : '';
  const text = space ? digits.map((pair) => prefix + pair).join(' ') : prefix + digits.join('');
  return letter === 'X' ? text.toUpperCase() : text;
}

const BASES: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };
const PREFIXES: Readonly<Record<string, string>> = { b: '0b', o: '0', x: '0x', X: '0X' };

function integerVerb(verb: Verb, value: Extract<GoValue, { kind: 'int' | 'uint' }>): string {
  const { letter } = verb;
  const integer = value.value;
  if (letter === 'v' && verb.sharp && value.kind === 'uint') {
    return integerText({ ...verb, letter: 'x' }, integer);
  }
  if (letter === 'c') return pad(verb, encodeRune(integer));
  if (letter === 'q') return pad(verb, quote(encodeRune(integer), "'", verb.plus));
  if (letter === 'U') return unicodeText(verb, integer);
  return BASES[letter] === undefined ? misfit(verb, value) : integerText(verb, integer);
}

function integerText(verb: Verb, value: bigint): string {
  const { letter, precision, width = 0 } = verb;
  const sign = value < 0n ? '-' : verb.plus ? '+' : verb.space ? ' ' : '';
  // A precision of 0 prints no digit for 0.
  if (precision === 0 && value === 0n) return ' '.repeat(width);
  const magnitude = (value < 0n ? -value : value).toString(BASES[letter]);
  const isZeroPadded = verb.zero && !verb.minus && precision === undefined;
  const digitCount = precision ?? (isZeroPadded ? width - sign.length : 0);
  let digits = magnitude.padStart(digitCount, '0');
  if (letter === 'X') digits = digits.toUpperCase();
  const prefix = letter === 'O' ? '0o' : verb.sharp ? (PREFIXES[letter] ?? '') : '';
  const isOctalZero = letter === 'o' && digits.startsWith('0');
  const text = sign + (isOctalZero ? '' : prefix) + digits;
  return pad({ ...verb, zero: false }, text);
}

function unicodeText(verb: Verb, value: bigint): string {
  const digits = BigInt.asUintN(64, value).toString(16).toUpperCase();
  const text = `U+${digits.padStart(Math.max(verb.precision ?? 0, 4), '0')}`;
  const shows = verb.sharp && value >= 0n && value <= 0x10ffffn && isPrintable(Number(value));
  return pad({ ...verb, zero: false }, shows ? `${text} '${encodeRune(value)}'` : text);
}

function floatVerb(verb: Verb, value: Extract<GoValue, { kind: 'float' }>): string {
  if (!'veEfFgG'.includes(verb.letter)) return misfit(verb, value);
  const letter = verb.letter === 'v' ? 'g' : verb.letter;
  const precision = verb.precision ?? (/[eEfF]/.test(letter) ? 6 : -1);
  const text = floatText(Math.abs(value.value), letter, precision);
  const isNegative = value.value < 0 || Object.is(value.value, -0);
  const sign = isNegative ? '-' : verb.plus ? '+' : verb.space ? ' ' : '';
  if (verb.zero && !verb.minus && Number.isFinite(value.value)) {
    return sign + text.padStart((verb.width ?? 0) - sign.length, '0');
  }
  return pad({ ...verb, zero: false }, sign + text);
}

/** Inside of something else, nothing is never a misfit. */
function elementText(verb: Verb, value: GoValue): string {
  return value.kind === 'none' ? '<nil>' : applyVerb(verb, value);
}

/** Each element with the verb. */
function compositeVerb(verb: Verb, value: Extract<GoValue, { kind: 'slice' | 'map' | 'struct' }>) {
  const isSyntax = verb.letter === 'v' && verb.sharp;
  if (value.kind === 'slice') {
    const items = value.items.map((item) => elementText(verb, item));
    return isSyntax ? `${typeOf(value)}{${items.join(', ')}}` : `[${items.join(' ')}]`;
  }
  if (value.kind === 'map') {
    const entries = sortedEntries(value.entries).map(([key, item]) => {
      return `${stringVerb(verb, key) ?? misfit(verb, { kind: 'string', value: key })}:${elementText(verb, item)}`;
    });
    return isSyntax ? `${typeOf(value)}{${entries.join(', ')}}` : `map[${entries.join(' ')}]`;
  }
  const text = value.text === undefined || isSyntax ? undefined : stringVerb(verb, value.text());
  if (text !== undefined) return text;
  const fields = Object.entries(value.fields).map(([name, read]) => {
    const field = elementText(verb, read());
    return isSyntax || verb.names ? `${name}:${field}` : field;
  });
  return isSyntax ? `&${value.type}{${fields.join(', ')}}` : `&{${fields.join(' ')}}`;
}
