/**
 * The query as templates see it, `.Message` and `.Question`: miekg/dns's Msg with its header, sections and records. Of a record there
 * are its header and its text, of OPT also what it says; the fields of each type's data are left out.
 */
import {
  boolValue,
  type GoFunction,
  type GoStruct,
  type GoValue,
  intValue,
  stringValue,
  uintValue,
} from '../gotemplate/value.ts';
import { nameToText } from '../wire/name.ts';
import { type Octets, u16 } from '../wire/octets.ts';
import { type EdnsOption, ednsOptions, ednsOptionText, optText } from '../wire/opt-text.ts';
import { recordHeaderText, recordText } from '../wire/record-text.ts';
import { messageRecords, type ResourceRecord, type Sections } from '../wire/records.ts';
import {
  className,
  FLAG,
  flagNames,
  HEADER_SIZE,
  opcodeName,
  QTYPE,
  rcodeName,
  typeName,
} from '../wire/registry.ts';
import { buildUpstreamQuery } from '../wire/reply.ts';
import type { Question } from './resolution.ts';

function getter(read: () => GoValue): GoFunction {
  return { parameters: [], call: read };
}

/** With the text as its String method. */
function struct(
  type: string,
  fields: GoStruct['fields'],
  text: () => string,
  methods: GoStruct['methods'] = {},
): GoStruct {
  const asString = getter(() => stringValue(text()));
  return { kind: 'struct', type, fields, methods: { String: asString, ...methods }, text };
}

function slice(element: string, items: readonly GoValue[]): GoValue {
  return { kind: 'slice', element, items };
}

/** miekg/dns's Question. */
export function questionValue({ qname, qtype, qclass }: Question): GoStruct {
  const name = nameToText(qname);
  const fields = {
    Name: () => stringValue(name),
    Qtype: () => uintValue(qtype, 16),
    Qclass: () => uintValue(qclass, 16),
  };
  return struct('dns.Question', fields, () => questionText({ qname, qtype, qclass }));
}

function questionText({ qname, qtype, qclass }: Pick<Question, 'qname' | 'qtype' | 'qclass'>) {
  return `;${nameToText(qname)}\t${className(qclass)}\t ${typeName(qtype)}`;
}

/** A query that is malformed behind its question has no records. */
export function messageValue(question: Question): GoStruct {
  const query = queryOf(question);
  const sections = messageRecords(query) ?? { answer: [], authority: [], additional: [] };
  const records = (list: readonly ResourceRecord[]) => () => slice('dns.RR', list.map(recordValue));
  const opt = sections.additional.find(({ type }) => type === QTYPE.OPT);
  const header = headerFields(query);
  const fields = {
    ...header,
    MsgHdr: () => struct('dns.MsgHdr', header, () => headerText(query)),
    Compress: () => boolValue(false),
    Question: () => slice('dns.Question', [questionValue(question)]),
    Answer: records(sections.answer),
    Ns: records(sections.authority),
    Extra: records(sections.additional),
  };
  return struct('dns.Msg', fields, () => messageText(question, query, sections), {
    Len: getter(() => intValue(uncompressedSize(question, sections))),
    IsEdns0: getter(() => (opt === undefined ? { kind: 'nil', type: '*dns.OPT' } : optValue(opt))),
    IsTsig: getter(() => {
      const tsig = sections.additional.at(-1);
      return tsig?.type === QTYPE.TSIG ? recordValue(tsig) : { kind: 'nil', type: '*dns.TSIG' };
    }),
  });
}

function uncompressedSize({ qname }: Question, sections: Sections): number {
  const records = [...sections.answer, ...sections.authority, ...sections.additional];
  const questionEnd = HEADER_SIZE + qname.length + 4;
  return records.reduce(
    (size, { owner, data }) => size + owner.length + 10 + data.length,
    questionEnd,
  );
}

function headerFields(query: Octets): GoStruct['fields'] {
  const flags = u16(query, 2);
  const flag = (bit: number) => () => boolValue((flags & bit) !== 0);
  return {
    Id: () => uintValue(u16(query, 0), 16),
    Response: flag(FLAG.QR),
    Opcode: () => intValue((flags & FLAG.OPCODE) >> 11),
    Authoritative: flag(FLAG.AA),
    Truncated: flag(FLAG.TC),
    RecursionDesired: flag(FLAG.RD),
    RecursionAvailable: flag(FLAG.RA),
    Zero: flag(FLAG.RESERVED),
    AuthenticatedData: flag(FLAG.AD),
    CheckingDisabled: flag(FLAG.CD),
    Rcode: () => intValue(flags & FLAG.RCODE),
  };
}

/** Where nobody asks, the question as a query. */
function queryOf(question: Question): Octets {
  const query = question.asker?.query;
  if (query !== undefined && query.length >= HEADER_SIZE) return query;
  return buildUpstreamQuery(question, 0);
}

function recordValue(record: ResourceRecord): GoStruct {
  if (record.type === QTYPE.OPT) return optValue(record);
  return struct(
    `dns.${typeName(record.type)
      .replace(/^TYPE\d+$/, 'RFC3597')
      .replaceAll('-', '')}`,
    { Hdr: () => headerValue(record) },
    () => recordText(record),
    { Header: getter(() => headerValue(record)) },
  );
}

function headerValue(record: ResourceRecord): GoStruct {
  const { owner, type, rclass, ttlS, data } = record;
  const fields = {
    Name: () => stringValue(nameToText(owner)),
    Rrtype: () => uintValue(type, 16),
    Class: () => uintValue(rclass, 16),
    Ttl: () => uintValue(ttlS, 32),
    // With names written out; CoreDNS has the size on the wire.
    Rdlength: () => uintValue(data.length, 16),
  };
  return struct('dns.RR_Header', fields, () => {
    return `${type === QTYPE.OPT ? ';' : ''}${recordHeaderText(record)}`;
  });
}

/** The fields of OPT lie in its class and TTL (RFC 6891 §6.1.3). */
function optValue(record: ResourceRecord): GoStruct {
  const { rclass, ttlS } = record;
  const options = ednsOptions(record.data);
  const fields = {
    Hdr: () => headerValue(record),
    Option: () => slice('dns.EDNS0', options.map(optionValue)),
  };
  return struct('dns.OPT', fields, () => optText(record), {
    Header: getter(() => headerValue(record)),
    UDPSize: getter(() => uintValue(rclass, 16)),
    Version: getter(() => uintValue((ttlS >>> 16) & 0xff, 8)),
    ExtendedRcode: getter(() => intValue((ttlS >>> 24) << 4)),
    Do: getter(() => boolValue((ttlS & 0x8000) !== 0)),
    Co: getter(() => boolValue((ttlS & 0x4000) !== 0)),
    Z: getter(() => uintValue(ttlS & 0x3fff, 16)),
  });
}

function optionValue(option: EdnsOption): GoStruct {
  return struct('dns.EDNS0_LOCAL', {}, () => ednsOptionText(option), {
    Option: getter(() => uintValue(option.code, 16)),
  });
}

function headerText(query: Octets): string {
  const flags = u16(query, 2);
  const opcode = opcodeName((flags & FLAG.OPCODE) >> 11);
  const status = `opcode: ${opcode}, status: ${rcodeName(flags & FLAG.RCODE)}`;
  return `;; ${status}, id: ${u16(query, 0)}\n;; flags:${flagNames(flags)
    .map((name) => ` ${name}`)
    .join('')};`;
}

/** As dig prints it. */
function messageText(question: Question, query: Octets, sections: Sections): string {
  const { answer, authority, additional } = sections;
  const opt = additional.find(({ type }) => type === QTYPE.OPT);
  const counts = [
    ...['QUERY: 1', `ANSWER: ${answer.length}`, `AUTHORITY: ${authority.length}`],
    `ADDITIONAL: ${additional.length}`,
  ];
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0
      ? ''
      : `\n;; ${title} SECTION:\n${lines.map((line) => `${line}\n`).join('')}`;
  const others = additional.filter((record) => record !== opt);
  return [
    `${headerText(query)} ${counts.join(', ')}\n`,
    opt === undefined ? '' : `${optText(opt)}\n`,
    section('QUESTION', [questionText(question)]),
    section('ANSWER', answer.map(recordText)),
    section('AUTHORITY', authority.map(recordText)),
    section('ADDITIONAL', others.map(recordText)),
  ].join('');
}
