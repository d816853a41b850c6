/**
 * What a template of the `template` directive sees: CoreDNS's data (`.Zone`, `.Name`, `.Match`, `.Group` ...) and its function
 * `parseInt`. Type names are those that CoreDNS's messages show.
 */

import type { Value } from '../expression/value.ts';
import { textOf } from '../gotemplate/octet-string.ts';
import { PARSE_UINT } from '../gotemplate/parse-uint.ts';
import {
  boolValue,
  type GoFunction,
  type GoStruct,
  type GoValue,
  intValue,
  stringMapValue,
  stringsValue,
  stringValue,
  uintValue,
} from '../gotemplate/value.ts';
import { nameToText } from '../wire/name.ts';
import { type Octets, u16 } from '../wire/octets.ts';
import { QueryFields, readQuery, VERDICT } from '../wire/query.ts';
import { className, FLAG, HEADER_SIZE, typeName } from '../wire/registry.ts';
import { buildUpstreamQuery } from '../wire/reply.ts';
import type { Question } from './resolution.ts';
import { mapValueOf } from './template-values.ts';

/** The header's bit that has no meaning (RFC 1035 §4.1.1). */
const RESERVED_BIT = 0x0040;

export const TEMPLATE_FUNCTIONS: Readonly<Record<string, GoFunction>> = { parseInt: PARSE_UINT };

/** How a question fits a template. */
export interface TemplateMatch {
  /** The template's zone that holds the name, as text. */
  readonly zone: string;
  readonly name: string;
  /** Empty where the number has no name, as in CoreDNS. */
  readonly qclass: string;
  readonly qtype: string;
  /** By number; the whole name's match is the first. */
  readonly groups: readonly string[];
  /** Empty where a group has none. */
  readonly groupNames: readonly string[];
  readonly pattern: string;
  readonly variables: ReadonlyMap<string, Value>;
}

/** Templates whose text has one of these say something about the client: its answer is not for others. */
export const PERSONAL_FIELDS = /\b(?:Remote|Message|Meta)\b/;

/** By number and by name. */
export function groupsOf({
  groups,
  groupNames,
}: Pick<TemplateMatch, 'groups' | 'groupNames'>): ReadonlyMap<string, string> {
  const byKey = new Map(groups.map((group, index) => [String(index), group]));
  for (const [index, group] of groups.entries()) {
    const name = groupNames[index] ?? '';
    if (name !== '') byKey.set(name, group);
  }
  return byKey;
}

/** `labelOf`: the value of a label of `metadata`. */
export function templateData(
  match: TemplateMatch,
  question: Question,
  labelOf: (label: string) => string,
): GoStruct {
  const { zone, name, qclass, qtype, groups, pattern, variables } = match;
  return {
    kind: 'struct',
    type: 'template.templateData',
    fields: {
      Zone: () => stringValue(zone),
      Name: () => stringValue(name),
      Regex: () => stringValue(pattern),
      Match: () => stringsValue(groups),
      Group: () => stringMapValue(groupsOf(match)),
      Class: () => stringValue(qclass),
      Type: () => stringValue(qtype),
      Message: () => messageValue(question),
      Question: () => questionValue(question),
      Var: () => mapValueOf(variables),
      Remote: () => stringValue(question.asker?.peer().host ?? ''),
    },
    methods: {
      Meta: {
        parameters: ['string'],
        call: ([label]) =>
          stringValue(labelOf(label?.kind === 'string' ? textOf(label.value) : '')),
      },
    },
  };
}

/** miekg/dns's Question. */
function questionValue({ qname, qtype, qclass }: Question): GoStruct {
  const name = nameToText(qname);
  const text = `;${name}\t${className(qclass)}\t ${typeName(qtype)}`;
  return {
    kind: 'struct',
    type: 'dns.Question',
    fields: {
      Name: () => stringValue(name),
      Qtype: () => uintValue(qtype, 16),
      Qclass: () => uintValue(qclass, 16),
    },
    methods: { String: { parameters: [], call: () => stringValue(text) } },
    text: () => text,
  };
}

/** miekg/dns's Msg, without its records. */
function messageValue(question: Question): GoStruct {
  const query = queryOf(question);
  const flags = u16(query, 2);
  const flag = (bit: number) => () => boolValue((flags & bit) !== 0);
  const none = (): GoValue => ({ kind: 'slice', element: 'dns.RR', items: [] });
  return {
    kind: 'struct',
    type: 'dns.Msg',
    fields: {
      Id: () => uintValue(u16(query, 0), 16),
      Response: flag(FLAG.QR),
      Opcode: () => intValue((flags & FLAG.OPCODE) >> 11),
      Authoritative: flag(FLAG.AA),
      Truncated: flag(FLAG.TC),
      RecursionDesired: flag(FLAG.RD),
      RecursionAvailable: flag(FLAG.RA),
      Zero: flag(RESERVED_BIT),
      AuthenticatedData: flag(FLAG.AD),
      CheckingDisabled: flag(FLAG.CD),
      Rcode: () => intValue(flags & FLAG.RCODE),
      Question: () => ({
        kind: 'slice',
        element: 'dns.Question',
        items: [questionValue(question)],
      }),
      Answer: none,
      Ns: none,
      Extra: none,
    },
    methods: {
      Len: { parameters: [], call: () => intValue(query.length) },
      IsEdns0: { parameters: [], call: () => optValue(query) },
    },
  };
}

/** Where nobody asks, the question as a query. */
function queryOf(question: Question): Octets {
  const query = question.asker?.query;
  if (query !== undefined && query.length >= HEADER_SIZE) return query;
  return buildUpstreamQuery({ ...question, udpSize: 0 });
}

function optValue(query: Octets): GoValue {
  const fields = new QueryFields();
  const verdict = readQuery(query, 0, query.length, fields);
  if (verdict !== VERDICT.ACCEPT || !fields.hasOpt) return { kind: 'nil', type: '*dns.OPT' };
  return {
    kind: 'struct',
    type: 'dns.OPT',
    fields: {},
    methods: {
      Do: { parameters: [], call: () => boolValue(fields.dnssecOk) },
      UDPSize: { parameters: [], call: () => uintValue(fields.udpSize, 16) },
      Version: { parameters: [], call: () => uintValue(0, 8) },
    },
  };
}
