/** Names that stand for addresses: `in-addr.arpa` (RFC 1035 §3.5) and `ip6.arpa` (RFC 3596 §2.5). */
import { nameToText } from './name.ts';
import type { Octets } from './octets.ts';

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa\.$/;
const IPV6 = /^((?:[\da-f]\.){32})ip6\.arpa\.$/;

/** The 4 or 16 octets of the address that a lower-case name stands for; undefined where it stands for none. */
export function addressOfReverseName(name: Octets): Uint8Array | undefined {
  const text = nameToText(name);
  const octets = IPV4.exec(text)?.slice(1).reverse().map(Number);
  if (octets !== undefined) {
    return octets.every((octet) => octet <= 255) ? Uint8Array.from(octets) : undefined;
  }
  const nibbles = IPV6.exec(text)?.[1]?.split('.').slice(0, 32).reverse().join('');
  return nibbles === undefined ? undefined : Uint8Array.from(Buffer.from(nibbles, 'hex'));
}
