/**
 * The few facts of DNS that the load generator and the upstream share, in octets and independent of `src/wire`: a
 * yardstick that used the code it measures would inherit its mistakes. RFC 1035 §4.1, RFC 6891 §6.1.2.
 */

export const HEADER_OCTETS = 12;
/** An OPT record without options: root, type, UDP size, extended RCODE and flags, RDLENGTH. */
export const OPT_OCTETS = 11;
/** The UDP size that our queries announce: what DNS Flag Day 2020 and current stubs use. */
export const EDNS_UDP_SIZE = 1232;

export const RTYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
} as const;

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
} as const;

/** The number of a type's mnemonic in upper case. */
export function typeNumber(mnemonic: string): number | undefined {
  return (RTYPE as Readonly<Record<string, number>>)[mnemonic];
}

/** The number of an RCODE's mnemonic in upper case. */
export function rcodeNumber(mnemonic: string): number | undefined {
  return (RCODE as Readonly<Record<string, number>>)[mnemonic];
}

/** The mnemonic of an RCODE of the header, or `RCODEn`. */
export function rcodeName(rcode: number): string {
  return Object.keys(RCODE).find((mnemonic) => rcodeNumber(mnemonic) === rcode) ?? `RCODE${rcode}`;
}

/**
 * The A record's four octets, as one number, for a QNAME in wire format at `start` (its root label at `end - 1`): 10/8
 * and 24 bits of FNV-1a over the lower-case octets. Whoever knows the name can so tell a right answer from a wrong one.
 */
export function addressOfName(octets: Uint8Array, start: number, end: number): number {
  let hash = 0x811c_9dc5 | 0;
  for (let at = start; at < end; at++) {
    const octet = octets[at]!;
    const isUpper = octet >= 0x41 && octet <= 0x5a;
    hash = Math.imul(hash ^ (isUpper ? octet | 0x20 : octet), 0x0100_0193);
  }
  return 0x0a00_0000 | ((hash ^ (hash >>> 24)) & 0x00ff_ffff);
}

/** A name in wire format, or what is wrong with it. No escapes: the names of a load are ours. */
export function encodeName(name: string): Uint8Array | Error {
  const labels = name.replace(/\.$/, '').split('.');
  const octets: number[] = [];
  for (const label of name === '.' ? [] : labels) {
    if (label.length === 0 || label.length > 63) return new Error(`bad label in name "${name}"`);
    octets.push(label.length, ...Buffer.from(label, 'latin1'));
  }
  octets.push(0);
  return octets.length > 255 ? new Error(`name too long: "${name}"`) : Uint8Array.from(octets);
}

/** The end of the question of the message from `start` to `end`, or -1 when it does not fit or is compressed. */
export function questionEnd(octets: Uint8Array, start: number, end: number): number {
  let at = start + HEADER_OCTETS;
  while (at < end) {
    const length = octets[at]!;
    if (length === 0) return at + 5 <= end ? at + 5 : -1;
    if (length > 63) return -1;
    at += 1 + length;
  }
  return -1;
}
