/**
 * The parameters of SVCB and HTTPS records from their text (RFC 9460 §2.1, App. A): `KEY[=VALUE]`, in any order there, by
 * number on the wire. Inside a value of `alpn`, commas separate and a doubled backslash before one keeps it.
 */
import { addressOctets, addressText } from '../base/ip-address.ts';
import { characterString, characterStringText } from './character-string.ts';
import { type Octets, u16 as readU16 } from './octets.ts';
import { ZoneTextError, type ZoneWord } from './zone-tokens.ts';

/** IANA's registry; `dohpath` is RFC 9461. */
const KEYS: readonly string[] = [
  ...['mandatory', 'alpn', 'no-default-alpn', 'port', 'ipv4hint', 'ech', 'ipv6hint', 'dohpath'],
];

type Encode = (value: string) => Octets | undefined;

const ENCODERS: ReadonlyMap<string, Encode> = new Map<string, Encode>([
  ['mandatory', mandatory],
  ['alpn', protocols],
  ['no-default-alpn', (value) => (value === '' ? new Uint8Array(0) : undefined)],
  ['port', port],
  ['ipv4hint', (value) => addresses(value, 4)],
  ['ech', (value) => Buffer.from(value, 'base64')],
  ['ipv6hint', (value) => addresses(value, 16)],
]);

/** The wire form of the words; a quoted value is a word of its own behind `KEY=`. Throws a `ZoneTextError`. */
export function serviceParameters(words: readonly ZoneWord[]): Octets {
  const values = new Map<number, Octets>();
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    const [, key = '', equals, plain = ''] = /^([a-z0-9-]+)(=?)(.*)$/s.exec(word.text) ?? [];
    const next = words[index + 1];
    const takesNext = equals === '=' && plain === '' && next?.isQuoted === true;
    if (takesNext) index += 1;
    const number = keyNumber(key);
    const value = takesNext ? next.text : plain;
    const octets = (ENCODERS.get(key) ?? characterString)(value);
    if (number === undefined || word.isQuoted || octets === undefined || values.has(number)) {
      throw new ZoneTextError('bad service parameter', word);
    }
    values.set(number, octets);
  }
  const parts = [...values]
    .sort(([left], [right]) => left - right)
    .flatMap(([key, value]) => [u16(key), u16(value.length), value]);
  return Uint8Array.from(Buffer.concat(parts));
}

function keyNumber(key: string): number | undefined {
  const known = KEYS.indexOf(key);
  if (known >= 0) return known;
  const [, digits] = /^key(0|[1-9]\d{0,4})$/.exec(key) ?? [];
  return digits !== undefined && Number(digits) < 65_535 ? Number(digits) : undefined;
}

function u16(value: number): Octets {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function mandatory(value: string): Octets | undefined {
  const numbers = value.split(',').map(keyNumber);
  if (numbers.includes(undefined) || numbers.includes(0)) return undefined;
  const sorted = (numbers as number[]).sort((left, right) => left - right);
  return Buffer.concat(sorted.map(u16));
}

function protocols(value: string): Octets | undefined {
  // The master file takes one level of escapes away, the list the other.
  const list = characterString(value);
  const names =
    list &&
    Buffer.from(list)
      .toString('latin1')
      .match(/(?:[^\\,]|\\.)+/gs);
  const octets = names?.map((name) => Buffer.from(name.replace(/\\(.)/gs, '$1'), 'latin1'));
  if (octets === undefined || octets.some(({ length }) => length > 255)) return undefined;
  return Buffer.concat(octets.map((name) => Buffer.concat([Uint8Array.of(name.length), name])));
}

function port(value: string): Octets | undefined {
  return /^\d{1,5}$/.test(value) && Number(value) < 65_536 ? u16(Number(value)) : undefined;
}

function addresses(value: string, size: 4 | 16): Octets | undefined {
  const octets = value.split(',').map(addressOctets);
  const areRight = octets.every((address) => address?.length === size);
  return areRight ? Buffer.concat(octets as Octets[]) : undefined;
}

/** The words of parameters as they stand on the wire, each value in quotes; undefined where they are malformed. */
export function serviceParameterTexts(octets: Octets): readonly string[] | undefined {
  const texts: string[] = [];
  for (let at = 0; at < octets.length; ) {
    const end = at + 4 + readU16(octets, at + 2);
    if (at + 4 > octets.length || end > octets.length) return undefined;
    const key = readU16(octets, at);
    const value = (DECODERS[key] ?? characterStringText)(octets.subarray(at + 4, end));
    if (value === undefined) return undefined;
    texts.push(`${keyText(key)}="${value}"`);
    at = end;
  }
  return texts;
}

function keyText(key: number): string {
  return KEYS[key] ?? `key${key}`;
}

/** By number, as `KEYS` has them. */
const DECODERS: readonly (((value: Octets) => string | undefined) | undefined)[] = [
  (value) =>
    pieces(value, 2)
      ?.map((key) => keyText(readU16(key, 0)))
      .join(),
  protocolTexts,
  (value) => (value.length === 0 ? '' : undefined),
  (value) => (value.length === 2 ? String(readU16(value, 0)) : undefined),
  (value) => pieces(value, 4)?.map(addressText).join(),
  (value) => Buffer.from(value).toString('base64'),
  (value) => pieces(value, 16)?.map(addressText).join(),
];

/** Undefined where the size is no multiple. */
function pieces(value: Octets, size: number): Octets[] | undefined {
  if (value.length % size !== 0) return undefined;
  return Array.from({ length: value.length / size }, (_, index) =>
    value.subarray(index * size, (index + 1) * size),
  );
}

/** Escaped for the list, and then for the master file. */
function protocolTexts(value: Octets): string | undefined {
  const names: string[] = [];
  for (let at = 0; at < value.length; ) {
    const end = at + 1 + value[at]!;
    if (end > value.length) return undefined;
    const name = Buffer.from(value.subarray(at + 1, end)).toString('latin1');
    names.push(name.replace(/[\\,]/g, '\\$&'));
    at = end;
  }
  return characterStringText(Buffer.from(names.join(), 'latin1'));
}
