/**
 * Texts about a query and its reply, in CoreDNS's format (plugin/pkg/replacer): `log`'s lines, and what `dnstap` adds to its messages.
 * Formats are cut into pieces once; what stands between braces and is no placeholder stays as it is, and a label of `metadata`
 * (`{/forward/upstream}`) that has no value gives `-`.
 */
import { secondsText } from '../base/duration-text.ts';
import { lowerName, nameToText } from '../wire/name.ts';
import { type Octets, u8, u16 } from '../wire/octets.ts';
import { QueryFields, readQuery, VERDICT } from '../wire/query.ts';
import { SECTION, walkRecords } from '../wire/record.ts';
import {
  className,
  FLAG,
  flagNames,
  HEADER_SIZE,
  MESSAGE_SIZE_MAX,
  OPCODE,
  QTYPE,
  RCODE,
  rcodeName,
  typeName,
  UDP_SIZE_MIN,
} from '../wire/registry.ts';
import type { Labels } from './labels.ts';
import type { LogClass } from './log.ts';
import type { ReplyReport } from './resolution.ts';

/** A query and its reply: what a text is made of. */
export interface Exchange {
  readonly report: ReplyReport;
  readonly query: QueryFields;
  readonly qname: Octets;
  readonly reply: ReplyFacts;
  readonly labels: Labels;
}

interface ReplyFacts {
  /** With the upper bits from OPT (RFC 6891 §6.1.3). */
  readonly rcode: number;
  readonly hasAnswer: boolean;
  readonly hasSoaInAuthority: boolean;
}

type Piece = string | ((exchange: Exchange) => string);

const PLACEHOLDERS: Readonly<Record<string, (exchange: Exchange) => string>> = {
  '{type}': ({ query }) => typeName(query.qtype),
  '{name}': ({ qname }) => nameToText(lowerName(qname)),
  '{class}': ({ query }) => className(query.qclass),
  '{proto}': ({ report }) => report.protocol,
  '{size}': ({ report }) => String(report.query.length),
  '{remote}': ({ report }) => bracketed(report.peer().host),
  '{port}': ({ report }) => String(report.peer().port),
  '{local}': ({ report }) => bracketed(report.local().host),
  '{>id}': ({ query }) => String(query.id),
  '{>opcode}': ({ query }) => String(opcodeOf(query)),
  '{>do}': ({ query }) => String(query.dnssecOk),
  '{>bufsize}': ({ report, query }) => String(replySizeMax(report, query)),
  '{rcode}': ({ reply }) => rcodeText(reply.rcode),
  '{rsize}': ({ report }) => String(report.reply.length),
  '{duration}': ({ report }) => `${secondsText(report.durationMs)}s`,
  '{>rflags}': ({ report }) => flagNames(u16(report.reply, 2)).join(','),
};

const METADATA_PREFIX = '{/';
const NO_VALUE = '-';

/** A format, ready to be filled in. */
export class LogFormat {
  readonly #pieces: readonly Piece[];

  constructor(format: string) {
    this.#pieces = format.split(/(\{[^{}]*\})/).map(pieceOf);
  }

  fill(exchange: Exchange): string {
    const texts = this.#pieces.map((piece) =>
      typeof piece === 'string' ? piece : piece(exchange),
    );
    return texts.join('');
  }
}

/** Undefined for a query that CoreDNS answers before its chain: a malformed one, or of an unknown EDNS version. */
export function exchangeOf(report: ReplyReport, labels: Labels): Exchange | undefined {
  const query = new QueryFields();
  if (readQuery(report.query, 0, report.query.length, query) !== VERDICT.ACCEPT) return undefined;
  const qname = report.query.subarray(HEADER_SIZE, HEADER_SIZE + query.qnameSize);
  return { report, query, qname, reply: readReply(report.reply), labels };
}

function pieceOf(text: string): Piece {
  if (text.startsWith(METADATA_PREFIX) && text.endsWith('}')) {
    const label = text.slice(METADATA_PREFIX.length, -1);
    return (exchange) => labelValue(label, exchange) || NO_VALUE;
  }
  return Object.hasOwn(PLACEHOLDERS, text) ? PLACEHOLDERS[text]! : text;
}

/** `log` adds two labels of its own to those of other directives. */
function labelValue(label: string, exchange: Exchange): string {
  const { report, qname, labels } = exchange;
  if (label !== 'log/class' && label !== 'log/type') {
    return labels.valueOf(label, qname, report.provenance);
  }
  if (!labels.has(qname)) return '';
  return label === 'log/class' ? classOf(exchange) : typeOf(exchange);
}

/** CoreDNS's types of responses (plugin/pkg/response). */
function typeOf({ query, reply }: Exchange): string {
  if (opcodeOf(query) !== OPCODE.QUERY) return 'UPDATE';
  if (query.qtype === QTYPE.AXFR || query.qtype === QTYPE.IXFR) return 'META';
  const { rcode, hasAnswer, hasSoaInAuthority } = reply;
  if (rcode === RCODE.NOERROR && hasAnswer) return 'NOERROR';
  if (hasSoaInAuthority && rcode === RCODE.NOERROR) return 'NODATA';
  if (hasSoaInAuthority && rcode === RCODE.NXDOMAIN && !hasAnswer) return 'NXDOMAIN';
  if (rcode === RCODE.SERVFAIL || rcode === RCODE.NOTIMP) return 'SERVERERROR';
  return rcode === RCODE.NOERROR ? 'NOERROR' : 'OTHERERROR';
}

function readReply(reply: Octets): ReplyFacts {
  let rcode = u16(reply, 2) & FLAG.RCODE;
  let hasSoaInAuthority = false;
  walkRecords(reply, ({ section, type, fixedAt }) => {
    if (section === SECTION.AUTHORITY && type === QTYPE.SOA) hasSoaInAuthority = true;
    if (section === SECTION.ADDITIONAL && type === QTYPE.OPT) rcode |= u8(reply, fixedAt + 4) << 4;
    return true;
  });
  return { rcode, hasAnswer: u16(reply, 6) > 0, hasSoaInAuthority };
}

/**
 * CoreDNS's classes (plugin/pkg/response): NODATA is an empty answer with SOA (RFC 2308 §2.2), an NXDOMAIN that holds an
 * answer, the CNAME that led to it, is an error, and so is all that is no plain query. Expired signatures, an error there,
 * are not looked for.
 */
export function classOf({ query, reply }: Pick<Exchange, 'query' | 'reply'>): LogClass {
  const isTransfer = query.qtype === QTYPE.AXFR || query.qtype === QTYPE.IXFR;
  if (opcodeOf(query) !== OPCODE.QUERY || isTransfer) return 'error';
  const isNegative = reply.rcode === RCODE.NOERROR && reply.hasSoaInAuthority;
  const denies = reply.rcode === RCODE.NXDOMAIN || isNegative;
  if (denies && !reply.hasAnswer) return 'denial';
  return reply.rcode === RCODE.NOERROR ? 'success' : 'error';
}

function opcodeOf(query: QueryFields): number {
  return (query.flags & FLAG.OPCODE) >> 11;
}

/** CoreDNS's normalised buffer size: over TCP the largest message, over UDP at least 512 octets (RFC 6891 §6.2.3). */
function replySizeMax({ protocol }: ReplyReport, { udpSize }: QueryFields): number {
  return protocol === 'tcp' ? MESSAGE_SIZE_MAX : Math.max(udpSize, UDP_SIZE_MIN);
}

/** The bare number where there is no name: the log plugin differs from the metrics' `RCODE4000`. */
function rcodeText(rcode: number): string {
  return rcodeName(rcode).replace(/^RCODE/, '');
}

/** RFC 3986 §3.2.2. */
function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
