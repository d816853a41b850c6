/** Socket addresses (socket-octets.ts) from text and to text. */
import { readFileSync } from 'node:fs';
import { addressOctets, addressText } from '../base/ip-address.ts';
import { OS } from './libc.ts';

const IPV4_SIZE = 16;
const IPV6_SIZE = 28;

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

/** Writes the address at `at` and returns its size. `host` is an IP address, for link-local ones with `%interface`. */
export function writeSocketAddress(octets: Uint8Array, at: number, address: SocketAddress): number {
  const [host, zone] = address.host.split('%') as [string, string | undefined];
  const ip = addressOctets(host);
  if (ip === undefined) throw new TypeError(`not an IP address: ${address.host}`);
  const view = new DataView(octets.buffer, octets.byteOffset);
  view.setUint16(at + 2, address.port);
  if (ip.length === 4) {
    view.setUint16(at, OS.AF_INET, true);
    octets.set(ip, at + 4);
    return IPV4_SIZE;
  }
  view.setUint16(at, OS.AF_INET6, true);
  view.setUint32(at + 4, 0);
  octets.set(ip, at + 8);
  view.setUint32(at + 24, zone === undefined ? 0 : interfaceIndex(zone), true);
  return IPV6_SIZE;
}

/** The address at `at`, without its zone. */
export function readSocketAddress(octets: Uint8Array, at: number): SocketAddress {
  const view = new DataView(octets.buffer, octets.byteOffset);
  const isIpv4 = view.getUint16(at, true) === OS.AF_INET;
  const ip = isIpv4 ? octets.slice(at + 4, at + 8) : octets.slice(at + 8, at + 24);
  return { host: addressText(ip), port: view.getUint16(at + 2) };
}

function interfaceIndex(name: string): number {
  return /^\d+$/.test(name)
    ? Number(name)
    : Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
}
