/**
 * Numbers as Go's source has them: integers of base 2, 8, 10 and 16 with `_` between digits, floats, and characters. One may
 * stand for an integer, a float or both, as its use asks. Imaginary ones are refused: no template can do anything with them.
 */
import { decodeRune, unquote } from './octet-string.ts';

export interface Constant {
  readonly integer: bigint | undefined;
  readonly float: number | undefined;
}

export const INT_MAX = 2n ** 63n - 1n;
export const INT_MIN = -(2n ** 63n);
export const UINT_MAX = 2n ** 64n - 1n;

const INTEGER =
  /^([+-]?)(?:0[xX](_?[\da-fA-F]+(?:_[\da-fA-F]+)*)|0[oO]?(_?[0-7]+(?:_[0-7]+)*)|0[bB](_?[01]+(?:_[01]+)*)|(0|[1-9]\d*(?:_\d+)*))$/;
const FLOAT = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+)?$/;
const HEX_FLOAT = /^([+-]?)0[xX]([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)$/;

/** Undefined where the text is no integer, whatever its size. */
export function integerOf(text: string): bigint | undefined {
  const match = INTEGER.exec(text);
  if (match === null) return undefined;
  const [, sign, hex, octal, binary, decimal] = match;
  const prefix =
    hex !== undefined ? '0x' : octal !== undefined ? '0o' : binary !== undefined ? '0b' : '';
  const value = BigInt(prefix + (hex ?? octal ?? binary ?? decimal)!.replaceAll('_', ''));
  return sign === '-' ? -value : value;
}

/** Throws an `Error` with Go's words. */
export function constantOf(text: string): Constant {
  if (text.endsWith('i')) throw new Error(`complex number: ${JSON.stringify(text)}: not supported`);
  const integer = integerOf(text);
  if (integer !== undefined && integer >= INT_MIN && integer <= UINT_MAX) {
    return { integer, float: Number(integer) };
  }
  const float = floatOf(text);
  if (float === undefined || !Number.isFinite(float)) {
    throw new Error(`illegal number syntax: ${JSON.stringify(text)}`);
  }
  if (!/[.eEpP]/.test(text)) throw new Error(`integer overflow: ${JSON.stringify(text)}`);
  const isWhole = Number.isInteger(float) && Math.abs(float) < 2 ** 63;
  return { integer: isWhole ? BigInt(float) : undefined, float };
}

function floatOf(text: string): number | undefined {
  if (FLOAT.test(text)) return Number(text.replaceAll('_', ''));
  const match = HEX_FLOAT.exec(text);
  const [, sign, whole = '', fraction = '', exponent] = match ?? [];
  if (whole + fraction === '') return undefined;
  const mantissa = Number.parseInt(whole + fraction, 16);
  return (sign === '-' ? -1 : 1) * mantissa * 2 ** (Number(exponent) - 4 * fraction.length);
}

/** The code point of `'c'`; throws an `Error` with Go's words. */
export function characterOf(literal: string): Constant {
  const octets = unquote(literal);
  if (octets === undefined || octets === '') throw new Error('invalid syntax');
  const isOctet = /^'\\(?:x|[0-7])/.test(literal);
  const { rune, size } = isOctet ? { rune: octets.charCodeAt(0), size: 1 } : decodeRune(octets, 0);
  if (size !== octets.length) throw new Error(`malformed character constant: ${literal}`);
  return { integer: BigInt(rune), float: rune };
}
