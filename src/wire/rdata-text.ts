/**
 * RDATA between its octets and its text: the fields of each type in the order of its RFC, and the form that fits every type
 * (`\# SIZE HEX`, RFC 3597 §5), which is the only one for types that have no other. Names are uncompressed, relative ones below
 * the root. What is written is what CoreDNS's library writes.
 */
import type { Octets } from './octets.ts';
import { type Field, MalformedData, RdataCursor, RdataReader } from './rdata-field.ts';
import {
  bareString,
  base64,
  generic,
  hashed,
  hex,
  ipv4,
  ipv6,
  lastText,
  name,
  named,
  parameters,
  salt,
  string,
  strings,
  time,
  ttl,
  type as typeField,
  types,
  u8,
  u16,
  u32,
  upperHex,
} from './rdata-fields.ts';
import * as rare from './rdata-rare-fields.ts';
import { CERTIFICATE_TYPE, DNSSEC_ALGORITHM, QTYPE } from './registry.ts';
import { ZoneTextError, type ZoneWord } from './zone-tokens.ts';

const ALGORITHM_TEXT = 'an algorithm such as 8 or RSASHA256';
const algorithm = named(1, ALGORITHM_TEXT, DNSSEC_ALGORITHM, false);
const namedAlgorithm = named(1, ALGORITHM_TEXT, DNSSEC_ALGORITHM, true);
const certificateType = named(2, 'a type such as 1 or PKIX', CERTIFICATE_TYPE, true);

const DIGEST = [u16, algorithm, u8, upperHex];
const KEY = [u16, u8, u8, base64];
const ASSOCIATION = [u8, u8, u8, hex];
const SERVICE = [u16, name, parameters];
const SIGNATURE = [typeField, algorithm, u8, ttl, time, time, u16, name, base64];

const FIELDS: ReadonlyMap<number, readonly Field[]> = new Map<number, readonly Field[]>([
  [QTYPE.A, [ipv4]],
  [QTYPE.AAAA, [ipv6]],
  [QTYPE.NS, [name]],
  [QTYPE.MD, [name]],
  [QTYPE.MF, [name]],
  [QTYPE.CNAME, [name]],
  [QTYPE.DNAME, [name]],
  [QTYPE.MB, [name]],
  [QTYPE.MG, [name]],
  [QTYPE.MR, [name]],
  [QTYPE.PTR, [name]],
  [QTYPE['NSAP-PTR'], [name]],
  [QTYPE.SOA, [name, name, u32, ttl, ttl, ttl, ttl]],
  [QTYPE.HINFO, [string, string]],
  [QTYPE.MINFO, [name, name]],
  [QTYPE.MX, [u16, name]],
  [QTYPE.TXT, [strings]],
  [QTYPE.SPF, [strings]],
  [QTYPE.AVC, [strings]],
  [QTYPE.NINFO, [strings]],
  [QTYPE.RESINFO, [strings]],
  [QTYPE.UINFO, [string]],
  [QTYPE.X25, [bareString]],
  [QTYPE.ISDN, [rare.isdnAddress]],
  [QTYPE.GPOS, [rare.floatString, rare.floatString, rare.floatString]],
  [QTYPE.LOC, [rare.location]],
  [QTYPE.APL, [rare.prefixes]],
  [QTYPE.HIP, [rare.hostIdentity]],
  [QTYPE.IPSECKEY, [rare.ipsecKey]],
  [QTYPE.AMTRELAY, [rare.relay]],
  [QTYPE.RP, [name, name]],
  [QTYPE.TALINK, [name, name]],
  [QTYPE.AFSDB, [u16, name]],
  [QTYPE.RT, [u16, name]],
  [QTYPE.KX, [u16, name]],
  [QTYPE.LP, [u16, name]],
  [QTYPE.L32, [u16, ipv4]],
  [QTYPE.L64, [u16, rare.locator64]],
  [QTYPE.NID, [u16, rare.nodeId]],
  [QTYPE.EUI48, [rare.eui48]],
  [QTYPE.EUI64, [rare.eui64]],
  [QTYPE.UID, [u32]],
  [QTYPE.GID, [u32]],
  [QTYPE.EID, [upperHex]],
  [QTYPE.NIMLOC, [upperHex]],
  [QTYPE.PX, [u16, name, name]],
  [QTYPE.SRV, [u16, u16, u16, name]],
  [QTYPE.NAPTR, [u16, u16, string, string, string, name]],
  [QTYPE.URI, [u16, u16, lastText]],
  [QTYPE.CAA, [u8, bareString, lastText]],
  [QTYPE.CERT, [certificateType, u16, namedAlgorithm, base64]],
  [QTYPE.SSHFP, [u8, u8, upperHex]],
  [QTYPE.TLSA, ASSOCIATION],
  [QTYPE.SMIMEA, ASSOCIATION],
  [QTYPE.DHCID, [base64]],
  [QTYPE.OPENPGPKEY, [base64]],
  [QTYPE.DS, DIGEST],
  [QTYPE.CDS, DIGEST],
  [QTYPE.DLV, DIGEST],
  [QTYPE.TA, DIGEST],
  [QTYPE.DNSKEY, KEY],
  [QTYPE.CDNSKEY, KEY],
  [QTYPE.KEY, KEY],
  [QTYPE.RKEY, KEY],
  [QTYPE.RRSIG, SIGNATURE],
  [QTYPE.SIG, SIGNATURE],
  [QTYPE.NSEC, [name, types]],
  [QTYPE.NXT, [name, types]],
  [QTYPE.NSEC3, [u8, u8, u16, salt, hashed, types]],
  [QTYPE.NSEC3PARAM, [u8, u8, u16, salt]],
  [QTYPE.CSYNC, [u32, u16, types]],
  [QTYPE.ZONEMD, [u32, u8, u8, hex]],
  [QTYPE.SVCB, SERVICE],
  [QTYPE.HTTPS, SERVICE],
]);

/** The octets of a type's words, which stand behind `typeWord`. Throws a `ZoneTextError`. */
export function rdataFromWords(
  type: number,
  typeWord: ZoneWord,
  words: readonly ZoneWord[],
): Octets {
  const [first] = words;
  const isGeneric = first?.text === '\\#' && !first.isQuoted;
  const fields = isGeneric ? [generic] : FIELDS.get(type);
  if (fields === undefined) throw new ZoneTextError('only \\# SIZE HEX is known for', typeWord);
  const reader = new RdataReader(typeWord, words);
  const parts = fields.map((field) => field.read(reader));
  const [surplus] = reader.rest();
  if (surplus !== undefined) throw new ZoneTextError('unexpected', surplus);
  return Uint8Array.from(Buffer.concat(parts));
}

/** The words of RDATA whose names are uncompressed; undefined where it is not what its type says, or the type has none. */
export function rdataWords(type: number, octets: Octets): string | undefined {
  const fields = FIELDS.get(type);
  if (fields === undefined) return undefined;
  const data = new RdataCursor(octets);
  try {
    const texts = fields.map((field) => field.write(data));
    return data.left === 0 ? texts.filter((text) => text !== '').join(' ') : undefined;
  } catch (error) {
    if (!(error instanceof MalformedData)) throw error;
    return undefined;
  }
}

/** `\# SIZE HEX`. */
export function genericWords(octets: Octets): string {
  return generic.write(new RdataCursor(octets));
}
