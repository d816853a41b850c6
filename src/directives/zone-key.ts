/**
 * Zones as the Corefile writes them: the keys of server blocks (`zone[:port]`, `dns://zone`, `10.0.0.0/8`) and the names
 * that directives take. Names are presentation text (RFC 1035 §5.1); what leaves here is their one spelling: lower-case,
 * with a final dot.
 *
 * A CIDR key stands for the reverse zones (RFC 1035 §3.5, RFC 3596 §2.5) that cover it exactly: one where the prefix ends
 * at an octet (IPv4) or a nibble (IPv6), else as many as the next such boundary makes, as in CoreDNS.
 */
import { isIPv4 } from 'node:net';
import type { Position, Word } from '../corefile/ast.ts';
import { lowerName, nameFromText, nameToText } from '../wire/name.ts';
import { canonicalAddress, portOf } from './address.ts';
import { fail } from './argument.ts';
import type { BlockContext } from './block-context.ts';

export interface ZoneKey {
  readonly zone: string;
  readonly port: number;
  readonly at: Position;
}

/** Schemes that CoreDNS knows for a server block, and that this program does not serve. */
const UNSERVED_SCHEMES = ['tls', 'quic', 'grpc', 'https', 'https3', 'unix'];

const KNOWN_SCHEME = new RegExp(`^(?:dns|${UNSERVED_SCHEMES.join('|')})://`);
const ZONE_SHAPE = 'ZONE[:PORT] or ADDRESS/PREFIX[:PORT]';

/** Whether a zone, lower-case and with its final dot, holds reverse names (RFC 1035 §3.5, RFC 3596 §2.5). */
export function isReverseZone(zone: string): boolean {
  return /(^|\.)(in-addr|ip6)\.arpa\.$/.test(zone);
}

/** The zones of one key of a server block. */
export function readZoneKeys(word: Word, defaultPort: number): ZoneKey[] {
  const { zones, port } = readHost('server block', word);
  if (port === 0) fail('server block', word, `'${word.text}': expected a port from 1 to 65535`);
  return zones.map((zone) => ({ zone, port: port ?? defaultPort, at: word.at }));
}

/** The zones of a directive's argument that may be a key as well; a port in it means nothing. */
export function readZones(directive: string, word: Word): string[] {
  return readHost(directive, word).zones;
}

/**
 * The zones of a list of arguments. Like CoreDNS it passes over what is none, with a warning, so it may be empty; `dns://` may be
 * any scheme here, and a port any number.
 */
export function readZoneList(
  directive: string,
  words: readonly Word[],
  { warn }: Pick<BlockContext, 'warn'>,
): string[] {
  return words.flatMap((word) => {
    const bare = word.text.replace(KNOWN_SCHEME, '').replace(/:\d+$/, '');
    const host = hostOf({ text: bare, at: word.at });
    if (typeof host !== 'string') return host.zones;
    warn({ directive, at: word.at, problem: `'${word.text}' passed over: expected ${ZONE_SHAPE}` });
    return [];
  });
}

/** One domain name. */
export function readName(directive: string, word: Word): string {
  return normalName(word.text) ?? fail(directive, word, `'${word.text}': expected a domain name`);
}

/**
 * The names of a list of arguments; an empty word is the root, as in Go's dns.Fqdn. Like CoreDNS it takes what is no name for one
 * that nobody asks for; here it is passed over with a warning, so the list may be empty.
 */
export function readNameList(
  directive: string,
  words: readonly Word[],
  { warn }: Pick<BlockContext, 'warn'>,
): string[] {
  return words.flatMap(({ text, at }) => {
    const name = normalName(text || '.');
    if (name !== undefined) return [name];
    warn({ directive, at, problem: `'${text}' passed over: expected a domain name` });
    return [];
  });
}

function normalName(text: string): string | undefined {
  const name = text === '' ? undefined : nameFromText(text);
  return name === undefined ? undefined : nameToText(lowerName(name));
}

interface Host {
  readonly zones: string[];
  readonly port: number | undefined;
}

function readHost(directive: string, word: Word): Host {
  const host = hostOf(word);
  return typeof host === 'string' ? fail(directive, word, `'${word.text}': ${host}`) : host;
}

/** As text, what is wrong. */
function hostOf(word: Word): Host | string {
  const [, scheme, host = ''] = /^(?:([a-z0-9]+):\/\/)?(.*)$/s.exec(word.text) ?? [];
  if (scheme !== undefined && UNSERVED_SCHEMES.includes(scheme)) {
    return `${scheme}:// is not supported here: expected dns:// or no scheme`;
  }
  if (scheme !== undefined && scheme !== 'dns') {
    return 'unknown scheme: expected dns:// or none';
  }
  const [, zone = host, portText] = /^(.*):(\d+)$/s.exec(host) ?? [];
  const port = portText === undefined ? undefined : portOf(portText);
  if (portText !== undefined && port === undefined) {
    return 'expected a port from 1 to 65535';
  }
  const reverse = reverseZones(zone);
  if (reverse !== undefined) return { zones: reverse, port };
  // A colon is legal in a name, but here it is a port or an address that went wrong.
  const looksWrong = zone.includes(':') || /^[\d.]+\/\d+$/.test(zone);
  const name = looksWrong ? undefined : normalName(zone);
  return name === undefined ? `expected ${ZONE_SHAPE}` : { zones: [name], port };
}

/** The reverse zones of a CIDR block; undefined where the text is none. */
function reverseZones(text: string): string[] | undefined {
  const [, addressText = '', prefixText = ''] = /^([\da-fA-F:.]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = canonicalAddress(addressText);
  // CoreDNS refuses these too: their first group reads as a port or is lost.
  if (address === undefined || /^[:0].*:/.test(addressText)) return undefined;
  const digits = isIPv4(address) ? octetsOf(address) : nibblesOf(address);
  const digitBits = isIPv4(address) ? 8 : 4;
  const prefix = Number(prefixText);
  if (prefix > digits.length * digitBits) return undefined;
  const kept = Math.ceil(prefix / digitBits);
  const freeBits = kept * digitBits - prefix;
  const suffix = isIPv4(address) ? 'in-addr.arpa.' : 'ip6.arpa.';
  if (kept === 0) return [suffix];
  const first = digits[kept - 1]! & ~((1 << freeBits) - 1);
  const parents = digits.slice(0, kept - 1).reverse();
  const radix = isIPv4(address) ? 10 : 16;
  return Array.from({ length: 1 << freeBits }, (_, index) =>
    [first + index, ...parents]
      .map((digit) => `${digit.toString(radix)}.`)
      .join('')
      .concat(suffix),
  );
}

function octetsOf(address: string): number[] {
  return address.split('.').map(Number);
}

function nibblesOf(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  const hex = [...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join('');
  return [...hex].map((digit) => Number.parseInt(digit, 16));
}
