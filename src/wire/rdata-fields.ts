/** The fields that most types are made of: integers, names, addresses, texts, digests, times, lists of types. */
import { addressOctets, addressText } from '../base/ip-address.ts';
import { characterString, characterStringText } from './character-string.ts';
import { nameFromText, nameSpan, nameToText } from './name.ts';
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
  restField,
  STRING_SIZE_MAX,
} from './rdata-field.ts';
import { typeFromName, typeName } from './registry.ts';
import { serviceParameters, serviceParameterTexts } from './service-parameters.ts';
import { timeFromText, timeText } from './signature-time.ts';
import { secondsOf } from './ttl-text.ts';

function unsigned(size: 1 | 2 | 4): Field {
  return field(
    `an integer of ${8 * size} bits`,
    (text) => (/^\d+$/.test(text) ? integerOctets(size, Number(text)) : undefined),
    (data) => String(data.integer(size)),
  );
}

export const u8 = unsigned(1);
export const u16 = unsigned(2);
export const u32 = unsigned(4);

/** An integer that may be written as a word. */
export function named(
  size: 1 | 2,
  expected: string,
  names: Readonly<Record<string, number>>,
  writesNames: boolean,
): Field {
  const texts = new Map(Object.entries(names).map(([name, value]) => [value, name]));
  return field(
    expected,
    (text) =>
      integerOctets(size, /^\d+$/.test(text) ? Number(text) : (names[text.toUpperCase()] ?? -1)),
    (data) => {
      const value = data.integer(size);
      return (writesNames ? texts.get(value) : undefined) ?? String(value);
    },
  );
}

export function readName(text: string): Octets | undefined {
  return nameFromText(text === '@' ? '.' : text);
}

export function writeName(data: RdataCursor): string {
  const labels: Octets[] = [];
  let size = data.integer(1);
  for (; size !== 0; size = data.integer(1)) {
    labels.push(Uint8Array.of(size), data.take(size));
  }
  const octets = Buffer.concat([...labels, Uint8Array.of(0)]);
  if (nameSpan(octets, 0, octets.length) !== octets.length) throw new MalformedData();
  return nameToText(octets);
}

export const name = field('a domain name', readName, writeName);
export const ttl = field(
  'seconds',
  (text) => integerOctets(4, secondsOf(text) ?? -1),
  (data) => String(data.integer(4)),
);
export const ipv4 = address(4, 'an IPv4 address');
export const ipv6 = address(16, 'an IPv6 address');

function address(size: 4 | 16, expected: string): Field {
  return field(
    expected,
    (text) => {
      const octets = addressOctets(text);
      return octets?.length === size ? octets : undefined;
    },
    (data) => goAddressText(data.take(size)),
  );
}

/** As Go prints it: the address of IPv4 in one of IPv6 in its own form. */
export function goAddressText(octets: Octets): string {
  const isMapped =
    octets.length === 16 &&
    octets.subarray(0, 12).every((octet, at) => octet === (at < 10 ? 0 : 0xff));
  return isMapped ? `::ffff:${addressText(octets.subarray(12))}` : addressText(octets);
}

/** A character-string, in quotes where it is written. */
export const string = field(
  'a character-string',
  (text) => lengthFirst(characterString(text)),
  (data) => quoted(data.string()),
);
/** One that stands without quotes. */
export const bareString = field(
  'a character-string',
  (text) => lengthFirst(characterString(text)),
  (data) => {
    const text = characterStringText(data.string());
    return /^[^ ();"\\]+$/.test(text) ? text : malformed();
  },
);
/** A text without a length, which ends the data. */
export const lastText = field('a character-string', characterString, (data) => quoted(data.rest()));

function quoted(octets: Octets): string {
  return `"${characterStringText(octets)}"`;
}

/** Longer ones are cut into several, as CoreDNS's library does. */
export const strings: Field = {
  read(reader) {
    const words = [reader.next('a character-string'), ...reader.rest()];
    const parts = words.flatMap((word) => {
      const octets = characterString(word.text) ?? failed('a character-string', word);
      const count = Math.max(1, Math.ceil(octets.length / STRING_SIZE_MAX));
      return Array.from({ length: count }, (_, index) => {
        const start = index * STRING_SIZE_MAX;
        return lengthFirst(octets.subarray(start, start + STRING_SIZE_MAX))!;
      });
    });
    return Buffer.concat(parts);
  },
  write(data) {
    const texts: string[] = [];
    while (data.left > 0) texts.push(quoted(data.string()));
    return texts.length === 0 ? malformed() : texts.join(' ');
  },
};

export function hexOctets(text: string): Octets | undefined {
  return /^(?:[\da-fA-F]{2})*$/.test(text) ? Buffer.from(text, 'hex') : undefined;
}

export function base64Octets(text: string): Octets | undefined {
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z\d+/]*={0,2}$/.test(text);
  return isBase64 ? Buffer.from(text, 'base64') : undefined;
}

export const base64 = restField('base64', base64Octets, (octets) => octets.toString('base64'));
export const hex = restField('hexadecimal digits', hexOctets, (octets) => octets.toString('hex'));
export const upperHex = restField('hexadecimal digits', hexOctets, (octets) =>
  octets.toString('hex').toUpperCase(),
);
export const salt = field(
  'a salt',
  (text) => lengthFirst(text === '-' ? new Uint8Array(0) : hexOctets(text)),
  (data) => data.string().toString('hex').toUpperCase() || '-',
);
export const type = field(
  'a type',
  (text) => integerOctets(2, typeFromName(text) ?? -1),
  (data) => typeName(data.integer(2)),
);
export const time = field(
  'a time',
  (text) => integerOctets(4, timeFromText(text) ?? -1),
  (data) => timeText(data.integer(4)),
);

/** RFC 4034 §4.1.2: the types that exist, in windows of 256 bits. */
export const types: Field = {
  read(reader) {
    const windows = new Map<number, Uint8Array>();
    for (const word of reader.rest()) {
      const number = typeFromName(word.text) ?? failed('a type', word);
      const bits = windows.get(number >> 8) ?? new Uint8Array(32);
      windows.set(number >> 8, bits);
      bits[(number & 0xff) >> 3]! |= 0x80 >> (number & 7);
    }
    const parts = [...windows]
      .sort(([left], [right]) => left - right)
      .map(([window, bits]) => {
        const size = bits.findLastIndex((octet) => octet !== 0) + 1;
        return Uint8Array.from([window, size, ...bits.subarray(0, size)]);
      });
    return Buffer.concat(parts);
  },
  write(data) {
    const names: string[] = [];
    while (data.left > 0) {
      const window = data.integer(1);
      for (const [at, octet] of data.string().entries()) {
        for (let bit = 0; bit < 8; bit++) {
          if ((octet & (0x80 >> bit)) !== 0) names.push(typeName((window << 8) + 8 * at + bit));
        }
      }
    }
    return names.join(' ');
  },
};

const BASE32 = '0123456789ABCDEFGHIJKLMNOPQRSTUV';

/** RFC 5155 §3.3: base32 with the extended alphabet, without padding. */
export const hashed = field(
  'a hash in base32hex',
  (text) => {
    if (!/^[0-9A-Va-v]+$/.test(text)) return undefined;
    return lengthFirst(
      Uint8Array.from(
        regrouped(
          Array.from(text, (c) => Number.parseInt(c, 32)),
          5,
          8,
        ),
      ),
    );
  },
  (data) => {
    const octets = data.string();
    if (octets.length === 0) throw new MalformedData();
    const padded = [...octets, ...(octets.length % 5 === 0 ? [] : [0])];
    const digits = regrouped(padded, 8, 5).slice(0, Math.ceil((octets.length * 8) / 5));
    return digits.map((digit) => BASE32[digit]).join('');
  },
);

/** Groups of so many bits as groups of others; what is left over at the end is dropped. */
function regrouped(groups: readonly number[], from: number, to: number): number[] {
  const out: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const group of groups) {
    buffer = ((buffer << from) | group) & 0xffff;
    bits += from;
    for (; bits >= to; bits -= to) out.push((buffer >> (bits - to)) & ((1 << to) - 1));
  }
  return out;
}

export const parameters: Field = {
  read: (reader) => serviceParameters(reader.rest()),
  write(data) {
    const texts = serviceParameterTexts(data.rest());
    if (texts === undefined) throw new MalformedData();
    return texts.join(' ');
  },
};

/** `\# SIZE HEX` (RFC 3597 §5). */
export const generic: Field = {
  read(reader) {
    reader.next('\\#');
    const sizeWord = reader.next('a size');
    const digits = restField('hexadecimal digits', hexOctets, String, sizeWord.text !== '0');
    const octets = digits.read(reader);
    return String(octets.length) === sizeWord.text
      ? octets
      : failed('the size of the data', sizeWord);
  },
  write(data) {
    const octets = data.rest();
    return octets.length === 0 ? '\\# 0' : `\\# ${octets.length} ${octets.toString('hex')}`;
  },
};
