/**
 * What the upstream answers, from the name alone: an A record whose address belongs to the name; NODATA with an SOA for
 * other types; NXDOMAIN with an SOA for everything below `cluster.local`, as a cluster's DNS answers the guesses that a stub
 * makes with its search path. Negative answers carry an SOA since nothing caches them without (RFC 2308 §5).
 */
import {
  addressOfName,
  EDNS_UDP_SIZE,
  HEADER_OCTETS,
  OPT_OCTETS,
  questionEnd,
  RCODE,
  RTYPE,
} from './protocol.ts';

/** Longer than any run, and within what a cache keeps by default (CoreDNS's `cache`: 3600 s; 1800 s for denials). */
const TTL_SECONDS = 3600;
const NEGATIVE_TTL_SECONDS = 1800;
/** Pointer or root, type, class, TTL, RDLENGTH, and of the SOA two root names and five numbers. */
const SOA_OCTETS = 1 + 10 + 22;
/** The most that an answer is longer than its query. */
export const ANSWER_GROWTH_MAX = SOA_OCTETS + OPT_OCTETS;
/** The end of a name in wire format, lower case. */
const CLUSTER_SUFFIX = Buffer.from('\x07cluster\x05local\0', 'latin1');

/** Answers the query from `start` to `end`; says how many octets it wrote at `to`, 0 for what is no query. */
export function writeAnswer(
  query: Buffer,
  start: number,
  end: number,
  answer: Buffer,
  to: number,
): number {
  const questionStop = questionEnd(query, start, end);
  if (questionStop < 0 || (query[start + 2]! & 0x80) !== 0) return 0;
  const nameStop = questionStop - 4;
  const isGuess = endsWithSuffix(query, start + HEADER_OCTETS, nameStop);
  const isAddress = !isGuess && query.readUInt16BE(nameStop) === RTYPE.A;
  const hasOpt = query.readUInt16BE(start + 10) > 0;
  query.copy(answer, to, start, questionStop);
  let at = to + questionStop - start;
  answer[to + 2] = 0x80 | (query[start + 2]! & 0x01); // QR, RD as asked
  answer[to + 3] = 0x80 | (isGuess ? RCODE.NXDOMAIN : RCODE.NOERROR); // RA
  answer.writeUInt16BE(isAddress ? 1 : 0, to + 6);
  answer.writeUInt16BE(isAddress ? 0 : 1, to + 8);
  answer.writeUInt16BE(hasOpt ? 1 : 0, to + 10);
  if (isAddress) {
    at = answer.writeUInt16BE(0xc000 | HEADER_OCTETS, at);
    at = answer.writeUInt32BE((RTYPE.A << 16) | 1, at);
    at = answer.writeUInt32BE(TTL_SECONDS, at);
    at = answer.writeUInt16BE(4, at);
    at = answer.writeInt32BE(addressOfName(query, start + HEADER_OCTETS, nameStop), at);
  } else {
    at = writeSoa(answer, at);
  }
  if (hasOpt) at = writeOpt(answer, at);
  return at - to;
}

function endsWithSuffix(octets: Buffer, start: number, end: number): boolean {
  const from = end - CLUSTER_SUFFIX.length;
  if (from < start) return false;
  return CLUSTER_SUFFIX.every((octet, index) => {
    const found = octets[from + index]!;
    return found === octet || (found >= 0x41 && found <= 0x5a && (found | 0x20) === octet);
  });
}

/** Of the root: whatever the name, it lies below. */
function writeSoa(answer: Buffer, to: number): number {
  let at = answer.writeUInt8(0, to);
  at = answer.writeUInt32BE((RTYPE.SOA << 16) | 1, at);
  at = answer.writeUInt32BE(NEGATIVE_TTL_SECONDS, at);
  at = answer.writeUInt16BE(22, at);
  at = answer.writeUInt16BE(0, at); // MNAME and RNAME: the root
  for (const value of [1, 3600, 600, 86_400, NEGATIVE_TTL_SECONDS]) {
    at = answer.writeUInt32BE(value, at);
  }
  return at;
}

function writeOpt(answer: Buffer, to: number): number {
  answer.fill(0, to, to + OPT_OCTETS);
  answer.writeUInt16BE(RTYPE.OPT, to + 1);
  answer.writeUInt16BE(EDNS_UDP_SIZE, to + 3);
  return to + OPT_OCTETS;
}
