/** Go's strconv.ParseUint as a function for templates: `TEXT BASE BITS`. */
import { integerOf, UINT_MAX } from './number.ts';
import { quote, textOf } from './octet-string.ts';
import { CallError, type GoFunction, type GoValue, uintValue } from './value.ts';

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';

export const PARSE_UINT: GoFunction = {
  parameters: ['string', 'int', 'int'],
  call: ([text, base, bits]) => uintValue(parseUint(octets(text!), integer(base!), integer(bits!))),
};

function octets(value: GoValue): string {
  return value.kind === 'string' ? value.value : '';
}

function integer(value: GoValue): number {
  return value.kind === 'int' ? Number(value.value) : 0;
}

function parseUint(text: string, base: number, bits: number): bigint {
  const fail = (problem: string): never => {
    throw new CallError(`strconv.ParseUint: parsing ${textOf(quote(text))}: ${problem}`);
  };
  if (text === '') return fail('invalid syntax');
  if (base !== 0 && (base < 2 || base > 36)) return fail(`invalid base ${base}`);
  if (bits < 0 || bits > 64) return fail(`invalid bit size ${bits}`);
  const value = base === 0 ? unsignedOf(text) : digitsValue(text, base);
  if (value === undefined) return fail('invalid syntax');
  return value >> BigInt(bits === 0 ? 64 : bits) === 0n ? value : fail('value out of range');
}

/** Base 0: the text's prefix says which. */
function unsignedOf(text: string): bigint | undefined {
  return /^[+-]/.test(text) ? undefined : integerOf(text);
}

function digitsValue(text: string, base: number): bigint | undefined {
  let value = 0n;
  for (const character of text.toLowerCase()) {
    const digit = DIGITS.indexOf(character);
    if (digit < 0 || digit >= base) return undefined;
    // What no 64 bits hold is out of range, however long it goes on.
    if (value <= UINT_MAX) value = value * BigInt(base) + BigInt(digit);
  }
  return value;
}
