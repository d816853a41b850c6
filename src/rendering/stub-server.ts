/** The servers and domains that a kube-dns ConfigMap may name, by the rules of kube-dns (RFC 1123 names, IP addresses, ports). */
import { hostPort } from '../base/ip-address.ts';
import { canonicalAddress, portOf, splitHostPort } from '../directives/address.ts';

/** A domain name in its longest text, without the final dot (RFC 1035 §2.3.4). */
const NAME_SIZE_MAX = 253;
const LABEL_SIZE_MAX = 63;

/** Lower-case, without a final dot; undefined where it is no RFC 1123 name. */
export function domainOf(text: string): string | undefined {
  if (text.length > NAME_SIZE_MAX + 1) return undefined;
  const name = text.toLowerCase().replace(/\.$/, '');
  const isName = name.split('.').every(isLabel) && name.length <= NAME_SIZE_MAX;
  return isName ? name : undefined;
}

function isLabel(label: string): boolean {
  return label.length <= LABEL_SIZE_MAX && /^[a-z0-9-]+$/.test(label) && !/^-|-$/.test(label);
}

/** `IP`, `IP:PORT`, `[IP]:PORT` as `forward` takes it; undefined for all else. */
export function addressServerOf(text: string): string | undefined {
  const address = canonicalAddress(text);
  if (address !== undefined) return address;
  const parts = splitHostPort(text);
  const host = canonicalAddress(parts?.host ?? '');
  const port = portOf(parts?.port ?? '');
  return host === undefined || port === undefined || port === 0 ? undefined : hostPort(host, port);
}

/**
 * The same, or a host name with or without port. A name always leaves with its port, so that `forward` does not take it for
 * a file. A number as last label is a mistyped address (RFC 3696 §2).
 */
export function stubServerOf(text: string): string | undefined {
  const server = addressServerOf(text);
  if (server !== undefined) return server;
  const parts = splitHostPort(text) ?? { host: text, port: '53' };
  const name = domainOf(parts.host);
  const port = portOf(parts.port);
  if (name === undefined || /(^|\.)\d+$/.test(name) || port === undefined || port === 0) {
    return undefined;
  }
  return `${name}:${port}`;
}
