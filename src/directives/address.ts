/** IP addresses, ports and `HOST:PORT` texts, as Go's net package reads them. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { Word } from '../corefile/ast.ts';
import { fail } from './argument.ts';

/** Where a listener binds; an empty host is every address. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** The one spelling of an IP address; an IPv4 one mapped into IPv6 becomes IPv4. Undefined for all else, zones included. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  return mapped ?? address;
}

/** `HOST:PORT`, `[HOST]:PORT` or `:PORT`; undefined where there is no port, or the colons belong to an IPv6 address. */
export function splitHostPort(text: string): { host: string; port: string } | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^[\]:]*)):([^[\]:]*)$/.exec(text);
  if (match === null) return undefined;
  return { host: match[1] ?? match[2] ?? '', port: match[3] ?? '' };
}

/** 0..65535; undefined for all else. */
export function portOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65535 ? port : undefined;
}

/** The address of an HTTP endpoint, such as `:8080`, `localhost:9153`, `[::1]:8080`; port 0 is any free one. */
export function listenAddressOf(directive: string, word: Word): ListenAddress {
  const parts = splitHostPort(word.text);
  const port = parts === undefined ? undefined : portOf(parts.port);
  if (parts === undefined || port === undefined) {
    return fail(directive, word, `'${word.text}': expected HOST:PORT or :PORT`);
  }
  return { host: canonicalAddress(parts.host) ?? parts.host, port };
}
