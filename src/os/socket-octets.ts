/**
 * `sockaddr_in` and `sockaddr_in6` (netinet/in.h) as they come from the kernel and go back to it; the family is in host order, the rest
 * in the network's. What a responder does with them needs no text, and so no node:net in its thread.
 */
import { OS } from './libc.ts';

/** Room for either; `sockaddr_in6` takes 28. */
export const SOCKET_ADDRESS_SIZE = 32;

/** The address without its port as a short text, equal for equal addresses: cheaper to make than a readable one. */
export function addressKey(octets: Uint8Array): string {
  const isIpv4 = octets[0] === OS.AF_INET;
  const end = isIpv4 ? 8 : 24;
  let key = '';
  for (let at = isIpv4 ? 4 : 8; at < end; at++) key += String.fromCharCode(octets[at]!);
  return key;
}
