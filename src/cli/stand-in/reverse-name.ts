/**
 * The name under which the PTR record of an address stands: `in-addr.arpa` (RFC 1035 §3.5) and `ip6.arpa`
 * (RFC 3596 §2.5). Lower case, no dot at the end.
 */
import { assert } from '../../base/invariant.ts';
import { addressOctets } from '../../base/ip-address.ts';

/** Takes an address in any of its textual forms, without a zone. */
export function reverseName(address: string): string {
  const octets = addressOctets(address);
  assert(octets, `${address} is no IP address`);
  if (octets.length === 4) return `${octets.reverse().join('.')}.in-addr.arpa`;
  return `${[...Buffer.from(octets).toString('hex')].reverse().join('.')}.ip6.arpa`;
}
