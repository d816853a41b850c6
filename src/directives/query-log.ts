/**
 * The `log` directive at work: one line for each reply, in the format of the first rule whose zone holds the name. Formats
 * are cut into pieces once, as CoreDNS's replacer does it: what stands between braces and is no placeholder stays as it is,
 * and a label of `metadata` (`{/forward/upstream}`) that has no value gives `-`.
 *
 * Queries that CoreDNS answers before its chain, malformed ones and unknown EDNS versions, are not logged. Sizes are those of
 * the messages on the wire; CoreDNS counts a reply as if none of its names were compressed.
 */
import assert from 'node:assert/strict';
import { secondsText } from '../base/duration-text.ts';
import type { Log } from '../base/log.ts';
import { isBelow, lowerName, nameFromText, nameToText } from '../wire/name.ts';
import { type Octets, u8, u16 } from '../wire/octets.ts';
import { QueryFields, readQuery, VERDICT } from '../wire/query.ts';
import { SECTION, walkRecords } from '../wire/record.ts';
import {
  className,
  FLAG,
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
import type { LogClass, LogRule } from './log.ts';
import type { Observer, ReplyReport } from './resolution.ts';

/** What a line is made of. */
interface Exchange {
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

interface CompiledRule {
  readonly zone: Octets;
  readonly classes: ReadonlySet<LogClass>;
  readonly pieces: readonly Piece[];
}

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
  '{>rflags}': ({ report }) => flagsText(u16(report.reply, 2)),
};

const METADATA_PREFIX = '{/';
const NO_VALUE = '-';

/** The header's bit that has no meaning (RFC 1035 §4.1.1); CoreDNS shows it as `z`. */
const RESERVED_BIT = 0x0040;
/** In the order of their bits. */
const FLAG_NAMES: readonly (readonly [name: string, bit: number])[] = [
  ['qr', FLAG.QR],
  ['aa', FLAG.AA],
  ['tc', FLAG.TC],
  ['rd', FLAG.RD],
  ['ra', FLAG.RA],
  ['z', RESERVED_BIT],
  ['ad', FLAG.AD],
  ['cd', FLAG.CD],
];

/** Writes lines at the level `info`, without a plugin's prefix, as CoreDNS does. */
export class QueryLog implements Observer {
  readonly #rules: readonly CompiledRule[];
  readonly #log: Log;
  readonly #labels: Labels;
  readonly #query = new QueryFields();

  constructor(rules: readonly LogRule[], labels: Labels, log: Log) {
    this.#rules = rules.map(compileRule);
    this.#labels = labels;
    this.#log = log.unlimited();
  }

  replied(report: ReplyReport): void {
    const query = this.#query;
    if (readQuery(report.query, 0, report.query.length, query) !== VERDICT.ACCEPT) return;
    const qname = report.query.subarray(HEADER_SIZE, HEADER_SIZE + query.qnameSize);
    const rule = this.#rules.find(({ zone }) => isBelow(qname, zone));
    if (rule === undefined) return;
    const reply = readReply(report.reply);
    if (!rule.classes.has('all') && !rule.classes.has(classOf(query, reply))) return;
    const exchange = { report, query, qname, reply, labels: this.#labels };
    const texts = rule.pieces.map((piece) => (typeof piece === 'string' ? piece : piece(exchange)));
    this.#log.info(texts.join(''));
  }
}

function compileRule({ zone, format, classes }: LogRule): CompiledRule {
  const name = nameFromText(zone);
  assert(name !== undefined, `no domain name: ${zone}`);
  return {
    zone: name,
    classes: new Set(classes),
    pieces: format.split(/(\{[^{}]*\})/).map(pieceOf),
  };
}

function pieceOf(text: string): Piece {
  if (text.startsWith(METADATA_PREFIX) && text.endsWith('}')) {
    const label = text.slice(METADATA_PREFIX.length, -1);
    return (exchange) => labelValue(label, exchange) || NO_VALUE;
  }
  return Object.hasOwn(PLACEHOLDERS, text) ? PLACEHOLDERS[text]! : text;
}

/** `log` adds two labels of its own to those of other directives. */
function labelValue(label: string, { report, query, qname, reply, labels }: Exchange): string {
  if (label !== 'log/class' && label !== 'log/type') {
    return labels.valueOf(label, qname, report.provenance);
  }
  if (!labels.has(qname)) return '';
  return label === 'log/class' ? classOf(query, reply) : typeOf(query, reply);
}

/** CoreDNS's types of responses (plugin/pkg/response). */
function typeOf(query: QueryFields, reply: ReplyFacts): string {
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
function classOf(query: QueryFields, reply: ReplyFacts): LogClass {
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

function flagsText(flags: number): string {
  return FLAG_NAMES.filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
    .join(',');
}

/** RFC 3986 §3.2.2. */
function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
