/** What the tests of observers share: reports of replies, and a log that keeps its lines. */
import * as dnsPacket from 'dns-packet';
import { createLog } from '../../src/base/log.ts';
import type { ReplyReport } from '../../src/directives/resolution.ts';
import { encodeQuery, FLAG, type QueryFields } from '../support/messages.ts';

export interface ReplyFields {
  readonly rcode?: number;
  /** Flags besides QR. */
  readonly flags?: number;
  readonly answers?: dnsPacket.Answer[];
  readonly authorities?: dnsPacket.Answer[];
  readonly additionals?: dnsPacket.Answer[];
}

export const A_RECORD: dnsPacket.Answer = {
  type: 'A',
  name: 'www.example.org',
  data: '192.0.2.1',
  ttl: 30,
};
export const SOA_RECORD: dnsPacket.Answer = {
  type: 'SOA',
  name: 'example.org',
  ttl: 30,
  data: { mname: 'ns.example.org', rname: 'admin.example.org', minimum: 30 },
};
/** With 1 for the upper bits of the rcode. */
export const OPT_RECORD: dnsPacket.Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 1,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

/** A report of an answer to `www.example.org. A` from 192.0.2.7:4242 at 192.0.2.53, but for what is given. */
export function reportOf(
  query: Partial<QueryFields> = {},
  { rcode = 0, flags = FLAG.RD | FLAG.RA, ...records }: ReplyFields = {},
  rest: Partial<ReplyReport> = {},
): ReplyReport {
  const octets = encodeQuery({ name: 'www.example.org', id: 1234, ...query });
  const reply = dnsPacket.encode({ type: 'response', id: 1234, ...records });
  reply.writeUInt16BE(FLAG.QR | flags | rcode, 2);
  return {
    query: octets,
    reply,
    protocol: 'udp',
    durationMs: 0.123456,
    peer: () => ({ host: '192.0.2.7', port: 4242 }),
    local: () => ({ host: '192.0.2.53', port: 53 }),
    failure: undefined,
    provenance: undefined,
    ...rest,
  };
}

/** A log at the level `debug`, and its lines without their ends. */
export function capturedLog() {
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line.trimEnd()));
  log.setLevel('debug');
  return { lines, log };
}
