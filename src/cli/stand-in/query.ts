/**
 * A query as the stand-in sees it: what it needs of the header, the question (decoded, and its octets for the echo)
 * and the OPT record (RFC 1035 §4.1, RFC 6891 §6.1).
 *
 * Which queries get an error reply and which get none follows what CoreDNS does before its plugins: a response is
 * dropped, another opcode is NOTIMP, anything but one question is FORMERR, an EDNS version above 0 is BADVERS.
 */
import * as dnsPacket from 'dns-packet';

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;
export type Rcode = (typeof RCODE)[keyof typeof RCODE];

export interface Question {
  /** Lower case, no dot at the end; the root is `.`. */
  readonly name: string;
  /** A mnemonic, `UNKNOWN_65` where dns-packet knows none. */
  readonly type: string;
  readonly class: string;
}

export interface Query {
  /** The whole message; header and question are echoed from it. */
  readonly octets: Buffer;
  /** Where the question section ends; 12 where it cannot be read or does not hold exactly one question. */
  readonly questionEnd: number;
  readonly question: Question | undefined;
  readonly edns: { readonly udpPayloadSize: number; readonly dnssecOk: boolean } | undefined;
  /** What is wrong with it; undefined for a query that deserves an answer. */
  readonly error: Rcode | undefined;
}

const HEADER_OCTETS = 12;

/** Undefined: no reply is due, because it is no query or has no whole header. */
export function readQuery(octets: Buffer): Query | undefined {
  if (octets.length < HEADER_OCTETS || octets[2]! & 0x80) return undefined;
  const broken = { octets, questionEnd: HEADER_OCTETS, question: undefined, edns: undefined };
  if ((octets[2]! >> 3) & 15) return { ...broken, error: RCODE.NOTIMP };
  const message = decode(octets);
  const [first, second] = message?.questions ?? [];
  if (message === undefined || first === undefined || second !== undefined) {
    return { ...broken, error: RCODE.FORMERR };
  }
  const opt = message.additionals?.find((record) => record.type === 'OPT');
  return {
    octets,
    questionEnd: endOfQuestion(octets),
    question: { name: first.name.toLowerCase(), type: first.type, class: String(first.class) },
    edns: opt && { udpPayloadSize: opt.udpPayloadSize, dnssecOk: opt.flag_do },
    error: opt && opt.ednsVersion > 0 ? RCODE.BADVERS : undefined,
  };
}

/** Undefined for octets that are no message: dns-packet throws on them, and here that is a value. */
function decode(octets: Buffer): dnsPacket.DecodedPacket | undefined {
  try {
    return dnsPacket.decode(octets);
  } catch {
    return undefined;
  }
}

/** Walks the labels of a question that `decode` has read; a first question has no compression pointer to follow. */
function endOfQuestion(octets: Buffer): number {
  let offset = HEADER_OCTETS;
  while (octets[offset]! > 0) offset += octets[offset]! + 1;
  return offset + 5;
}
