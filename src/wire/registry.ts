/**
 * The registries of DNS parameters (IANA), as far as this program names them. Any other number passes through untouched.
 */

export const HEADER_SIZE = 12;
/** RFC 1035 §2.3.4. */
export const NAME_SIZE_MAX = 255;
export const LABEL_SIZE_MAX = 63;
/** Of a name of 255 octets: 127 labels of one octet, and the root label. */
export const LABELS_MAX = 127;
export const MESSAGE_SIZE_MAX = 65535;
/** 65,535 less the headers of IPv4 and UDP: the largest datagram. */
export const UDP_REPLY_SIZE_MAX = 65507;
/** What a client without EDNS takes over UDP (RFC 1035 §4.2.1), and the least that one with EDNS takes (RFC 6891 §6.2.3). */
export const UDP_SIZE_MIN = 512;

/** Bits of the header's second 16-bit word (RFC 1035 §4.1.1, RFC 4035 §3). */
export const FLAG = {
  QR: 0x8000,
  OPCODE: 0x7800,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  /** Without a meaning (RFC 1035 §4.1.1); CoreDNS shows it as `z`. */
  RESERVED: 0x0040,
  AD: 0x0020,
  CD: 0x0010,
  RCODE: 0x000f,
} as const;

/** In the order of their bits. */
const FLAG_NAMES: readonly (readonly [name: string, bit: number])[] = [
  ['qr', FLAG.QR],
  ['aa', FLAG.AA],
  ['tc', FLAG.TC],
  ['rd', FLAG.RD],
  ['ra', FLAG.RA],
  ['z', FLAG.RESERVED],
  ['ad', FLAG.AD],
  ['cd', FLAG.CD],
];

export const OPCODE = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5 } as const;

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  BADVERS: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADMODE: 19,
  BADNAME: 20,
  BADALG: 21,
  BADTRUNC: 22,
  BADCOOKIE: 23,
} as const;

export const QCLASS = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const;

export const QTYPE = {
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  X25: 19,
  ISDN: 20,
  RT: 21,
  'NSAP-PTR': 23,
  SIG: 24,
  KEY: 25,
  PX: 26,
  GPOS: 27,
  AAAA: 28,
  LOC: 29,
  NXT: 30,
  EID: 31,
  NIMLOC: 32,
  SRV: 33,
  ATMA: 34,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  APL: 42,
  DS: 43,
  SSHFP: 44,
  IPSECKEY: 45,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  HIP: 55,
  NINFO: 56,
  RKEY: 57,
  TALINK: 58,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  UINFO: 100,
  UID: 101,
  GID: 102,
  UNSPEC: 103,
  NID: 104,
  L32: 105,
  L64: 106,
  LP: 107,
  EUI48: 108,
  EUI64: 109,
  NXNAME: 128,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  URI: 256,
  CAA: 257,
  AVC: 258,
  AMTRELAY: 260,
  RESINFO: 261,
  TA: 32768,
  DLV: 32769,
} as const;

/** RFC 4034 App. A.1, and those that came later. */
export const DNSSEC_ALGORITHM: Readonly<Record<string, number>> = {
  RSAMD5: 1,
  DH: 2,
  DSA: 3,
  RSASHA1: 5,
  'DSA-NSEC3-SHA1': 6,
  'RSASHA1-NSEC3-SHA1': 7,
  RSASHA256: 8,
  RSASHA512: 10,
  'ECC-GOST': 12,
  ECDSAP256SHA256: 13,
  ECDSAP384SHA384: 14,
  ED25519: 15,
  ED448: 16,
  INDIRECT: 252,
  PRIVATEDNS: 253,
  PRIVATEOID: 254,
};

/** RFC 4398 §2.1. */
export const CERTIFICATE_TYPE: Readonly<Record<string, number>> = {
  PKIX: 1,
  SPKI: 2,
  PGP: 3,
  IPIX: 4,
  ISPKI: 5,
  IPGP: 6,
  ACPKIX: 7,
  IACPKIX: 8,
  URI: 253,
  OID: 254,
};

const RCODE_NAMES = namesOf(RCODE);
const OPCODE_NAMES = namesOf(OPCODE);
const QTYPE_NAMES = namesOf(QTYPE);
const QCLASS_NAMES = namesOf(QCLASS);

/** `['qr', 'rd']`: the bits of a header's second word that are set. */
export function flagNames(flags: number): string[] {
  return FLAG_NAMES.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name);
}

/** `NXDOMAIN`, or `RCODE4000` for one without a name. */
export function rcodeName(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`;
}

/** `QUERY`; empty for one without a name, as CoreDNS's library has it. */
export function opcodeName(opcode: number): string {
  return OPCODE_NAMES.get(opcode) ?? '';
}

/** `AAAA`, or `TYPE65280` for one without a name (RFC 3597 §5). */
export function typeName(type: number): string {
  return QTYPE_NAMES.get(type) ?? `TYPE${type}`;
}

/** The number of a type by its name, in whatever letter case, or by `TYPE` and the number (RFC 3597 §5). */
export function typeFromName(text: string): number | undefined {
  return numberFromName(QTYPE, 'TYPE', text);
}

/** Likewise for classes: `IN`, `CLASS32`. */
export function classFromName(text: string): number | undefined {
  return numberFromName(QCLASS, 'CLASS', text);
}

function numberFromName(
  registry: Readonly<Record<string, number>>,
  prefix: string,
  text: string,
): number | undefined {
  const name = text.toUpperCase();
  if (Object.hasOwn(registry, name)) return registry[name];
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d{1,5}$/.test(digits) && Number(digits) <= 0xffff ? Number(digits) : undefined;
}

/** `IN`, or `CLASS32` for one without a name (RFC 3597 §5). */
export function className(qclass: number): string {
  return QCLASS_NAMES.get(qclass) ?? `CLASS${qclass}`;
}

/** Undefined where no rcode has the name. */
export function rcodeFromName(name: string): number | undefined {
  return Object.hasOwn(RCODE, name) ? RCODE[name as keyof typeof RCODE] : undefined;
}

function namesOf(registry: Record<string, number>): Map<number, string> {
  return new Map(Object.entries(registry).map(([name, value]) => [value, name]));
}
