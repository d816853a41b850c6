/**
 * The `TO...` of `forward`: IP addresses, `dns://`, `tls://ADDRESS%SERVERNAME` and `https://` endpoints, host names, and
 * files like resolv.conf, of which the `nameserver` lines count. Host names stay names: the upstream room resolves them.
 */
import type { Word } from '../corefile/ast.ts';
import type { Endpoint, UpstreamTransport } from '../upstream/options.ts';
import { nameFromText } from '../wire/name.ts';
import { canonicalAddress, portOf, splitHostPort } from './address.ts';
import { fail } from './argument.ts';
import type { BlockContext } from './block-context.ts';

export interface UpstreamList {
  /** Each once, in the order of the Corefile. */
  readonly to: readonly Endpoint[];
  readonly resolvConf: readonly string[];
}

/** CoreDNS's bound on the upstreams of one `forward`. */
const UPSTREAM_COUNT_MAX = 15;
/** RFC 1035 §4.2, RFC 7858 §3.1, RFC 8484 §3. */
const DEFAULT_PORTS: Record<UpstreamTransport, number> = { dns: 53, tls: 853, https: 443 };
/** CoreDNS's DoH client asks at the path that RFC 8484 §4.1 shows; a path of its own is refused. */
const DOH_PATH = '/dns-query';

/** Throws a `CorefileError` where a word is none of these, or none names a server. */
export function readUpstreams(words: readonly Word[], context: BlockContext): UpstreamList {
  const to = new Map<string, Endpoint>();
  const resolvConf: string[] = [];
  for (const word of words) {
    const found = readWord(word, context);
    if (found.file !== undefined) resolvConf.push(found.file);
    for (const endpoint of found.endpoints) {
      const key = `${endpoint.host} ${endpoint.port}`;
      if (!to.has(key)) to.set(key, endpoint);
    }
  }
  if (to.size === 0) fail('forward', words[0]!, 'no nameservers found: expected at least one');
  if (to.size > UPSTREAM_COUNT_MAX) {
    fail('forward', words[0]!, `${to.size} upstreams: expected at most ${UPSTREAM_COUNT_MAX}`);
  }
  return { to: [...to.values()], resolvConf };
}

interface Found {
  readonly endpoints: readonly Endpoint[];
  /** The file that they were read from. */
  readonly file: string | undefined;
}

function readWord(word: Word, context: BlockContext): Found {
  const [, scheme = 'dns', rest = ''] = /^(?:([a-z0-9]+):\/\/)?(.*)$/s.exec(word.text) ?? [];
  if (!isTransport(scheme)) {
    fail(
      'forward',
      word,
      `'${word.text}': ${scheme}:// is not supported: expected dns://, tls:// or https://`,
    );
  }
  if (scheme === 'https' && rest.includes('/')) {
    fail('forward', word, `'${word.text}': expected no path: ${DOH_PATH} is asked`);
  }
  const parts = splitHostPort(rest);
  const [host, serverName] = splitServerName(parts?.host ?? rest.replace(/^\[(.*)\]$/s, '$1'));
  const address = canonicalAddress(host);
  if (address === undefined && scheme === 'dns') {
    const file = context.files.read(rest);
    if (file.code === 'read')
      return { endpoints: nameservers(file.text, word, context), file: rest };
    if (rest.includes('/'))
      fail('forward', word, `'${rest}': expected a readable file: ${file.reason}`);
  }
  if (address === undefined && !isHostName(host)) {
    fail(
      'forward',
      word,
      `'${word.text}': expected an IP address, a file like resolv.conf or a host name`,
    );
  }
  const port = parts === undefined ? DEFAULT_PORTS[scheme] : portOf(parts.port);
  if (port === undefined || port === 0) {
    return fail('forward', word, `'${word.text}': expected a port from 1 to 65535`);
  }
  const endpoint = {
    transport: scheme,
    host: address ?? host,
    port,
    // With plain DNS what follows the `%` is the zone of a link-local address, which CoreDNS drops.
    serverName: scheme === 'dns' ? undefined : serverName,
    path: scheme === 'https' ? DOH_PATH : undefined,
  };
  return { endpoints: [endpoint], file: undefined };
}

function isTransport(scheme: string): scheme is UpstreamTransport {
  return Object.hasOwn(DEFAULT_PORTS, scheme);
}

function splitServerName(host: string): [string, string | undefined] {
  const at = host.lastIndexOf('%');
  return at === -1 ? [host, undefined] : [host.slice(0, at), host.slice(at + 1)];
}

/** A number as last label is a mistyped address, as no top-level domain is one (RFC 3696 §2). */
function isHostName(host: string): boolean {
  return /^[\w.-]+$/.test(host) && nameFromText(host) !== undefined && !/(^|\.)\d+\.?$/.test(host);
}

/** The servers of a resolv.conf file, which have no ports; lines of other kinds mean nothing here. */
function nameservers(text: string, word: Word, context: BlockContext): Endpoint[] {
  return text.split('\n').flatMap((line) => {
    const [keyword, server = ''] = line.trim().split(/\s+/);
    if (keyword !== 'nameserver') return [];
    const host = canonicalAddress(splitServerName(server)[0]);
    if (host === undefined) {
      const problem = `${word.text}: '${line.trim()}': ignored: expected an IP address`;
      context.warn({ directive: 'forward', at: word.at, problem });
      return [];
    }
    return [
      { transport: 'dns', host, port: DEFAULT_PORTS.dns, serverName: undefined, path: undefined },
    ];
  });
}
