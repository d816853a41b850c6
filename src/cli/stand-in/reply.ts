/**
 * A reply in octets: header and question echoed from the query, records with their names compressed as CoreDNS's
 * library does (RFC 1035 §4.1.4), cut with TC where they do not fit (RFC 2181 §9), the OPT record last (RFC 6891).
 *
 * The octets of RDATA come from dns-packet. Names in the RDATA of CNAME, NS, PTR, MX and SOA are compressed too, those
 * of SRV are not (RFC 3597 §4), so that a reader meets pointers wherever a real kube-dns would put them.
 */
import * as dnsPacket from 'dns-packet';
import type { Query } from './query.ts';

export interface Reply {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly recursionAvailable: boolean;
  readonly answers: readonly dnsPacket.Answer[];
  readonly authorities: readonly dnsPacket.Answer[];
  readonly additionals: readonly dnsPacket.Answer[];
}

/** A reply without records, as CoreDNS sends its errors. */
export function emptyReply(rcode: number): Reply {
  return {
    rcode,
    authoritative: false,
    recursionAvailable: false,
    answers: [],
    authorities: [],
    additionals: [],
  };
}

const OPT_OCTETS = 11;
const HEADER = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RA: 0x0080, KEPT: 0x7910 } as const; // KEPT: opcode, RD, CD

/** `sizeMax` in octets; records are left out from the end, and TC says so, until the message fits. */
export function encodeReply(query: Query, reply: Reply, sizeMax: number): Buffer {
  const writer = new MessageWriter(sizeMax - (query.edns ? OPT_OCTETS : 0));
  writer.raw(query.octets.subarray(0, query.questionEnd));
  if (query.question) writer.remember(query);
  const counts = [0, 0, 0];
  const sections = [reply.answers, reply.authorities, reply.additionals];
  let isTruncated = false;
  for (const [section, records] of sections.entries()) {
    for (const record of records) {
      isTruncated ||= !writer.record(record);
      if (!isTruncated) counts[section]! += 1;
    }
  }
  const octets = Buffer.concat([writer.octets(), optRecord(query, reply.rcode)]);
  const flags =
    (octets.readUInt16BE(2) & HEADER.KEPT) |
    HEADER.QR |
    (reply.authoritative ? HEADER.AA : 0) |
    (isTruncated ? HEADER.TC : 0) |
    (reply.recursionAvailable ? HEADER.RA : 0) |
    (reply.rcode & 15);
  const header = [flags, query.question ? 1 : 0, counts[0]!, counts[1]!];
  for (const [index, word] of header.entries()) octets.writeUInt16BE(word, 2 + 2 * index);
  octets.writeUInt16BE(counts[2]! + (query.edns ? 1 : 0), 10);
  return octets;
}

/** Only where the query had one (RFC 6891 §6.1.1); the size is the client's, as CoreDNS echoes it. */
function optRecord(query: Query, rcode: number): Buffer {
  if (!query.edns) return Buffer.alloc(0);
  const octets = Buffer.alloc(OPT_OCTETS);
  octets.writeUInt16BE(41, 1);
  octets.writeUInt16BE(query.edns.udpPayloadSize, 3);
  octets.writeUInt8(rcode >> 4, 5);
  octets.writeUInt16BE(query.edns.dnssecOk ? 0x8000 : 0, 7);
  return octets;
}

/** The largest UDP payload that the client of `query` takes (RFC 6891 §6.2.3: below 512 counts as 512). */
export function udpSizeMax(query: Query): number {
  return Math.max(512, query.edns?.udpPayloadSize ?? 512);
}

/** A whole message and one record beyond it: what a writer can have written before it takes the record back. */
const SCRATCH = Buffer.alloc(2 * 65536 + 512);

/** Writes records behind one another up to a size and knows at which offset each name suffix stands; one at a time. */
class MessageWriter {
  readonly #sizeMax: number;
  readonly #offsets = new Map<string, number>();
  #end = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = Math.min(sizeMax, 65535);
  }

  /** A view that the next writer overwrites. */
  octets(): Buffer {
    return SCRATCH.subarray(0, this.#end);
  }

  raw(octets: ArrayLike<number>): void {
    SCRATCH.set(octets, this.#end);
    this.#end += octets.length;
  }

  /** Makes the question's name, suffix by suffix, a target for pointers; its letters keep the client's case. */
  remember(query: Query): void {
    const labels: { text: string; offset: number }[] = [];
    for (let offset = 12; query.octets[offset]! > 0; offset += query.octets[offset]! + 1) {
      const end = offset + 1 + query.octets[offset]!;
      labels.push({ text: query.octets.toString('latin1', offset + 1, end).toLowerCase(), offset });
    }
    if (labels.some(({ text }) => text.includes('.'))) return; // its text would pass for another name
    const texts = labels.map(({ text }) => text);
    for (const [index, { offset }] of labels.entries()) {
      this.#offsets.set(texts.slice(index).join('.'), offset);
    }
  }

  /** False where the record does not fit; the names it left behind are of no use then, so nothing may follow. */
  record(record: dnsPacket.Answer): boolean {
    const start = this.#end;
    const plain = dnsPacket.encode({ type: 'response', answers: [record] }).subarray(12);
    const ownerOctets = record.name === '.' ? 1 : Buffer.byteLength(record.name) + 2;
    this.#name(record.name);
    this.raw(plain.subarray(ownerOctets, ownerOctets + 10));
    const rdataStart = this.#end;
    this.#rdata(record, plain.subarray(ownerOctets + 10));
    SCRATCH.writeUInt16BE(this.#end - rdataStart, rdataStart - 2);
    if (this.#end <= this.#sizeMax) return true;
    this.#end = start;
    return false;
  }

  #rdata(record: dnsPacket.Answer, plain: Buffer): void {
    if (record.type === 'CNAME' || record.type === 'NS' || record.type === 'PTR') {
      this.#name(record.data);
    } else if (record.type === 'MX') {
      this.raw(plain.subarray(0, 2));
      this.#name(record.data.exchange);
    } else if (record.type === 'SOA') {
      this.#name(record.data.mname);
      this.#name(record.data.rname);
      this.raw(plain.subarray(-20));
    } else {
      this.raw(plain);
    }
  }

  #name(name: string): void {
    const labels = name === '.' ? [] : name.split('.');
    for (const [index, label] of labels.entries()) {
      const suffix = labels.slice(index).join('.').toLowerCase();
      const offset = this.#offsets.get(suffix);
      if (offset !== undefined) {
        this.raw([0xc0 | (offset >> 8), offset & 255]);
        return;
      }
      if (this.#end < 0x4000) this.#offsets.set(suffix, this.#end);
      this.raw([label.length]);
      this.raw(Buffer.from(label, 'latin1'));
    }
    this.raw([0]);
  }
}
