/** Fields of types that are rare: places on the earth, lists of prefixes, host identities, gateways, addresses of devices. */
import { addressOctets, addressText } from '../base/ip-address.ts';
import { prefixFromText } from '../base/ip-prefix.ts';
import type { Octets } from './octets.ts';
import {
  type Field,
  failed,
  field,
  integerOctets,
  lengthFirst,
  MalformedData,
  malformed,
  type RdataCursor,
  type RdataReader,
} from './rdata-field.ts';
import {
  base64Octets,
  goAddressText,
  hexOctets,
  readName,
  string,
  strings,
  u8,
  writeName,
} from './rdata-fields.ts';

/** Hexadecimal digits in groups of so many octets. */
function grouped(
  size: number,
  groupSize: number,
  separator: string,
  expected: string,
  writeDigits: (digits: string) => string,
): Field {
  const digits = 2 * groupSize;
  const group = `[\\da-fA-F]{${digits}}`;
  const pattern = new RegExp(`^${group}(?:${separator}${group}){${size / groupSize - 1}}$`);
  return field(
    expected,
    (text) => (pattern.test(text) ? hexOctets(text.replaceAll(separator, '')) : undefined),
    (data) =>
      writeDigits(data.take(size).toString('hex'))
        .match(new RegExp(`.{${digits}}`, 'g'))!
        .join(separator),
  );
}

/** RFC 7043. */
export const eui48 = grouped(6, 1, '-', 'six octets with hyphens', String);
export const eui64 = grouped(8, 1, '-', 'eight octets with hyphens', String);
/** RFC 6742 §2.1, §2.3: an identifier and a locator of 64 bits, which CoreDNS's library writes in two ways. */
export const nodeId = grouped(8, 2, ':', 'four groups of hexadecimal digits', String);
export const locator64 = grouped(8, 2, ':', 'four groups of hexadecimal digits', (digits) =>
  digits.toUpperCase(),
);

/** RFC 1712: a float as it is written. */
export const floatString = field(
  'a number',
  (text) => lengthFirst(isFloat(text) ? Buffer.from(text) : undefined),
  (data) => {
    const text = data.string().toString('latin1');
    return isFloat(text) ? text : malformed();
  },
);

function isFloat(text: string): boolean {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text);
}

/** RFC 1183 §3.2: an address and a subaddress, which may be missing. */
export const isdnAddress: Field = {
  read(reader) {
    const octets = strings.read(reader);
    return octets.length === octets[0]! + 1 ? Buffer.concat([octets, Buffer.alloc(1)]) : octets;
  },
  // One that is missing has no text of its own: as an empty one, it reads as such.
  write(data) {
    const address = string.write(data);
    return data.left === 0 ? `${address} ""` : `${address} ${strings.write(data)}`;
  },
};

/** Thousandths of a second of arc. */
const MINUTE = 60_000;
const DEGREE = 60 * MINUTE;
/** RFC 1876 §2: the equator, and the meridian of Greenwich. */
const ORIGIN = 2 ** 31;
/** Centimetres below the reference spheroid where altitudes begin. */
const ALTITUDE_BASE = 10_000_000;
/** RFC 1876 §3: a sphere of 1 m, known to 10 km and to 10 m. */
const PRECISIONS = [0x12, 0x16, 0x13] as const;

/** `D [M [S]] N|S`, or `E|W`: RFC 1876 §3. */
function angle(reader: RdataReader, degreesMax: number, marks: string): number {
  const expected = `an angle up to ${degreesMax} with ${marks[0]} or ${marks[1]}`;
  let sum = 0;
  const units = [DEGREE, MINUTE, 1_000];
  for (let index = 0; ; index++) {
    const word = reader.next(expected);
    const mark = word.text.length === 1 ? marks.indexOf(word.text.toUpperCase()) : -1;
    if (mark >= 0 && index > 0 && sum <= degreesMax * DEGREE) {
      return mark === 0 ? ORIGIN + sum : ORIGIN - sum;
    }
    const unit = units[index];
    const isNumber = (index === 2 ? /^\d+\.?\d*$/ : /^\d+$/).test(word.text);
    const max = index === 0 ? degreesMax : 59.999;
    if (unit === undefined || !isNumber || Number(word.text) > max) return failed(expected, word);
    sum += Math.trunc(Number(word.text) * unit);
  }
}

function angleText(value: number, marks: string): string {
  const isPositive = value > ORIGIN;
  const sum = isPositive ? value - ORIGIN : ORIGIN - value;
  const [degrees, minutes] = [Math.floor(sum / DEGREE), Math.floor((sum % DEGREE) / MINUTE)];
  const whole = [degrees, minutes].map((part) => String(part).padStart(2, '0'));
  const seconds = ((sum % MINUTE) / 1_000).toFixed(3);
  return [...whole, seconds, marks[isPositive ? 0 : 1]].join(' ');
}

function altitude(reader: RdataReader): number {
  const word = reader.next('an altitude in metres');
  const text = word.text.replace(/m$/i, '');
  if (!/^[+-]?\d+(?:\.\d*)?$/.test(text)) return failed('an altitude in metres', word);
  const centimetres = Math.floor(Number(text) * 100 + ALTITUDE_BASE + 0.5);
  return centimetres >= 0 && centimetres < 2 ** 32
    ? centimetres
    : failed('an altitude that fits', word);
}

function altitudeText(value: number): string {
  const metres = (value - ALTITUDE_BASE) / 100;
  return `${value % 100 === 0 ? metres.toFixed(0) : metres.toFixed(2)}m`;
}

/** A digit and a power of ten, in centimetres. */
function precision(reader: RdataReader, otherwise: number): number {
  if (reader.peek() === undefined) return otherwise;
  const word = reader.next('metres');
  const [, whole = '', fraction = ''] = /^(\d{0,8})(?:\.(\d{1,2}))?m?$/i.exec(word.text) ?? [];
  if (whole + fraction === '' || Number(whole) > 90_000_000) return failed('metres', word);
  const metres = Number(whole);
  let [digit, power] = metres > 0 ? [metres, 2] : [Number(fraction.padEnd(2, '0')), 0];
  for (; digit >= 10; digit = Math.floor(digit / 10)) power += 1;
  return (digit << 4) | power;
}

function precisionText(value: number): string {
  const [digit, power] = [value >> 4, value & 0x0f];
  if (power >= 2) return `${digit}${'0'.repeat(power - 2)}m`;
  return `0.${String(digit * 10 ** power).padStart(2, '0')}m`;
}

/** RFC 1876. */
export const location: Field = {
  read(reader) {
    const angles = [angle(reader, 90, 'NS'), angle(reader, 180, 'EW'), altitude(reader)];
    const precisions = PRECISIONS.map((otherwise) => precision(reader, otherwise));
    const words = angles.map((value) => integerOctets(4, value)!);
    return Buffer.concat([Uint8Array.of(0, ...precisions), ...words]);
  },
  write(data) {
    // Of other versions nothing is known.
    if (data.integer(1) !== 0) throw new MalformedData();
    const precisions = [...data.take(3)].map(precisionText);
    const latitude = angleText(data.integer(4), 'NS');
    const longitude = angleText(data.integer(4), 'EW');
    return [latitude, longitude, altitudeText(data.integer(4)), ...precisions].join(' ');
  },
};

const FAMILY_SIZES: Readonly<Record<number, number>> = { 1: 4, 2: 16 };

/** RFC 3123: `[!]FAMILY:ADDRESS/PREFIX`, the zeros at the end of an address left out. */
export const prefixes: Field = {
  read(reader) {
    const parts = reader.rest().map((word) => {
      const [, negation, family, text = ''] = /^(!?)([12]):(.+)$/.exec(word.text) ?? [];
      const prefix = prefixFromText(text);
      const size = FAMILY_SIZES[Number(family)];
      const isExact = prefix?.address.join() === addressOctets(text.split('/')[0]!)?.join();
      if (prefix === undefined || prefix.address.length !== size || !isExact) {
        return failed('FAMILY:ADDRESS/PREFIX', word);
      }
      const address = prefix.address.subarray(0, prefix.address.findLastIndex((o) => o !== 0) + 1);
      const sizeOctet = address.length | (negation === '!' ? 0x80 : 0);
      return Buffer.concat([Uint8Array.of(0, Number(family), prefix.length, sizeOctet), address]);
    });
    return Buffer.concat(parts);
  },
  write(data) {
    const texts: string[] = [];
    while (data.left > 0) texts.push(prefixText(data));
    return texts.join(' ');
  },
};

function prefixText(data: RdataCursor): string {
  const family = data.integer(2);
  const length = data.integer(1);
  const sizeOctet = data.integer(1);
  const size = FAMILY_SIZES[family];
  const address = data.take(sizeOctet & 0x7f);
  if (size === undefined || address.length > size) throw new MalformedData();
  const whole = Buffer.concat([address, Buffer.alloc(size - address.length)]);
  const isExact =
    prefixFromText(`${addressText(whole)}/${length}`)?.address.join() === whole.join();
  if (!isExact) throw new MalformedData();
  return `${sizeOctet >= 0x80 ? '!' : ''}${family}:${goAddressText(whole)}/${length}`;
}

/** RFC 8005 §5, §6: algorithm, host identity tag, key, and the names of rendezvous servers. */
export const hostIdentity: Field = {
  read(reader) {
    const algorithm = u8.read(reader);
    const tagWord = reader.next('hexadecimal digits');
    const tag = hexOctets(tagWord.text) ?? failed('hexadecimal digits', tagWord);
    const keyWord = reader.next('base64');
    const key = base64Octets(keyWord.text) ?? failed('base64', keyWord);
    if (tag.length > 255) failed('at most 255 octets', tagWord);
    const servers = reader
      .rest()
      .map((word) => readName(word.text) ?? failed('a domain name', word));
    const keySize = integerOctets(2, key.length) ?? failed('at most 65535 octets', keyWord);
    return Buffer.concat([Uint8Array.of(tag.length), algorithm, keySize, tag, key, ...servers]);
  },
  write(data) {
    const tagSize = data.integer(1);
    const algorithm = data.integer(1);
    const keySize = data.integer(2);
    const tag = data.take(tagSize).toString('hex');
    const texts = [algorithm, tag, data.take(keySize).toString('base64')].map(String);
    while (data.left > 0) texts.push(writeName(data));
    return texts.join(' ');
  },
};

/** RFC 4025 §2.5, RFC 8777 §4.2.4: none, an address, or a name, as a type before it says. */
const GATEWAYS: readonly ((text: string) => Octets | undefined)[] = [
  (text) => (text === '.' ? new Uint8Array(0) : undefined),
  (text) => ofSize(4, addressOctets(text)),
  (text) => ofSize(16, addressOctets(text)),
  readName,
];

function ofSize(size: number, octets: Octets | undefined): Octets | undefined {
  return octets?.length === size ? octets : undefined;
}

function readGateway(reader: RdataReader, type: number): Octets {
  const expected = 'the gateway of that type';
  const word = reader.next(expected);
  return GATEWAYS[type]?.(word.text) ?? failed(expected, word);
}

function writeGateway(data: RdataCursor, type: number): string {
  switch (type) {
    case 0:
      return '.';
    case 1:
      return goAddressText(data.take(4));
    case 2:
      return goAddressText(data.take(16));
    case 3:
      return writeName(data);
    default:
      throw new MalformedData();
  }
}

/** RFC 4025: precedence, type of the gateway, algorithm, gateway, and the key, if there is one. */
export const ipsecKey: Field = {
  read(reader) {
    const head = Buffer.concat([u8, u8, u8].map((part) => part.read(reader)));
    const gateway = readGateway(reader, head[1]!);
    const words = reader.rest();
    const key = base64Octets(words.map(({ text }) => text).join(''));
    return Buffer.concat([head, gateway, key ?? failed('base64', words[0]!)]);
  },
  write(data) {
    const [precedence, type, algorithm] = data.take(3) as unknown as [number, number, number];
    const gateway = writeGateway(data, type);
    return `${precedence} ${type} ${algorithm} ${gateway} ${data.rest().toString('base64')}`;
  },
};

/** RFC 8777: precedence, whether discovery is optional, type of the relay, relay. */
export const relay: Field = {
  read(reader) {
    const precedence = u8.read(reader);
    const optional = reader.next('0 or 1');
    if (optional.text !== '0' && optional.text !== '1') failed('0 or 1', optional);
    const [type] = u8.read(reader) as unknown as [number];
    const bits = (optional.text === '1' ? 0x80 : 0) | type;
    return Buffer.concat([precedence, Uint8Array.of(bits), readGateway(reader, type)]);
  },
  write(data) {
    const [precedence, bits] = data.take(2) as unknown as [number, number];
    const type = bits & 0x7f;
    return `${precedence} ${bits >> 7} ${type} ${writeGateway(data, type)}`;
  },
};
