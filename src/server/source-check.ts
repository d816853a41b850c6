/**
 * Sources that no honest datagram comes from: an answer to them would go to nobody, to everybody, or back to ourselves. They
 * are dropped and counted. Addresses are socket addresses as the kernel writes them (os/socket-address.ts).
 */
import { OS } from '../os/libc.ts';
import { u16 } from '../wire/octets.ts';

const PORT = 2;
const IPV4 = 4;
const IPV4_END = 8;
const IPV6 = 8;
const IPV6_END = 24;

/** Whether the peer at `at` can be answered; `own` is the address of the socket it came to. Allocates nothing. */
export function canBeAnswered(octets: Uint8Array, at: number, own: Uint8Array): boolean {
  const port = u16(octets, at + PORT);
  if (port === 0) return false;
  const isIpv4 = octets[at] === OS.AF_INET;
  const from = isIpv4 ? IPV4 : IPV6;
  const first = octets[at + from]!;
  // 0.0.0.0/8, and everything from 224.0.0.0: multicast, reserved, broadcast (RFC 6890). IPv6: ff00::/8.
  if (isIpv4 ? first === 0 || first >= 224 : first === 0xff) return false;
  const end = isIpv4 ? IPV4_END : IPV6_END;
  if (port === u16(own, PORT) && isSame(octets, at, own, from, end)) return false;
  return isIpv4 || !isUnspecified(octets, at + from, at + end);
}

function isSame(
  octets: Uint8Array,
  at: number,
  own: Uint8Array,
  from: number,
  end: number,
): boolean {
  for (let index = from; index < end; index++) {
    if (octets[at + index] !== own[index]) return false;
  }
  return true;
}

function isUnspecified(octets: Uint8Array, from: number, end: number): boolean {
  for (let index = from; index < end; index++) {
    if (octets[index] !== 0) return false;
  }
  return true;
}
