/** Blocks of IP addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3). */
import { addressOctets } from './ip-address.ts';

export interface IpPrefix {
  /** 4 or 16 octets; those behind the prefix are zero. */
  readonly address: Uint8Array;
  /** In bits. */
  readonly length: number;
}

/** Undefined where the text is none; bits behind the prefix are cleared, as Go's ParseCIDR does. */
export function prefixFromText(text: string): IpPrefix | undefined {
  const [, addressText = '', lengthText = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = addressOctets(addressText);
  const length = Number(lengthText);
  if (address === undefined || length > address.length * 8) return undefined;
  return { address: address.map((octet, index) => octet & maskAt(index, length)), length };
}

/** Whether an address of 4 or 16 octets lies in the block; one of the other family never does. */
export function isInPrefix(address: Uint8Array, prefix: IpPrefix): boolean {
  if (address.length !== prefix.address.length) return false;
  return address.every(
    (octet, index) => (octet & maskAt(index, prefix.length)) === prefix.address[index],
  );
}

function maskAt(index: number, length: number): number {
  const bits = Math.min(8, Math.max(0, length - 8 * index));
  return (0xff << (8 - bits)) & 0xff;
}
