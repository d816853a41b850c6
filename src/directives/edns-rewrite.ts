/**
 * `rewrite edns0`: the EDNS options (RFC 6891 §6.1.2) that our question to an upstream carries. It starts with none, since none of a
 * client's go on (node-cache mixes them into what it caches for all); so `append` and `set` add one, `replace` changes one that an
 * earlier rule has added, `unset` takes it away. Replies carry none, with `revert` or without.
 */
import { addressOctets } from '../base/ip-address.ts';
import { nameToText } from '../wire/name.ts';
import type { EdnsOption } from '../wire/reply.ts';
import type { Labels } from './labels.ts';
import type { Question } from './resolution.ts';

export type EdnsAction = 'set' | 'append' | 'replace' | 'unset';

/** Where an option's data comes from. */
export type EdnsData =
  | { readonly kind: 'octets'; readonly hex: string }
  | { readonly kind: 'variable'; readonly name: EdnsVariable }
  /** Of `metadata`, such as `forward/upstream`. */
  | { readonly kind: 'label'; readonly label: string }
  /** The client's subnet (RFC 7871): bits kept of IPv4 and IPv6 addresses. */
  | { readonly kind: 'subnet'; readonly ipv4Bits: number; readonly ipv6Bits: number };

export const EDNS_VARIABLES = [
  'qname',
  'qtype',
  'client_ip',
  'client_port',
  'protocol',
  'server_ip',
  'server_port',
] as const;
export type EdnsVariable = (typeof EDNS_VARIABLES)[number];

export interface EdnsRewrite {
  readonly action: EdnsAction;
  readonly code: number;
  readonly data: EdnsData;
}

/** RFC 5001 and RFC 7871. */
export const EDNS_CODE = { NSID: 3, SUBNET: 8 } as const;

/** The options of a question by a rule; undefined where the rule does not apply. */
export function rewriteOptions(
  { action, code, data }: EdnsRewrite,
  question: Question,
  labels: Labels,
): readonly EdnsOption[] | undefined {
  const options = question.ednsOptions ?? [];
  const others = options.filter((option) => option.code !== code);
  if (action === 'unset') return others;
  const isThere = others.length < options.length;
  if (isThere ? action === 'append' : action === 'replace') return undefined;
  const octets = dataOf(data, question, labels);
  return octets && [...others, { code, data: octets }];
}

/** Whether the data is another for each client. */
export function isClientsOwn({ data }: EdnsRewrite): boolean {
  if (data.kind === 'subnet' || data.kind === 'label') return true;
  return data.kind === 'variable' && data.name !== 'qname' && data.name !== 'qtype';
}

/** Undefined where it cannot be had: nobody asks, or nobody has set the label. */
function dataOf(data: EdnsData, question: Question, labels: Labels): Uint8Array | undefined {
  if (data.kind === 'octets') return Uint8Array.from(Buffer.from(data.hex, 'hex'));
  if (data.kind === 'variable') return VARIABLES[data.name](question);
  if (data.kind === 'label') {
    const provenance = { traceId: question.span?.traceId };
    const value = labels.valueOf(data.label, question.qname, provenance);
    return value === '' ? undefined : Uint8Array.from(Buffer.from(value));
  }
  const address = addressOctets(question.asker?.peer().host ?? '');
  return address && subnetOf(address, address.length === 4 ? data.ipv4Bits : data.ipv6Bits);
}

/** RFC 7871 §6: family, source and scope prefix length, and the octets that hold the prefix. */
function subnetOf(address: Uint8Array, bits: number): Uint8Array {
  const family = address.length === 4 ? 1 : 2;
  const kept = address.slice(0, Math.ceil(bits / 8));
  if (bits % 8 !== 0) kept[kept.length - 1]! &= 0xff << (8 - (bits % 8));
  return Uint8Array.of(0, family, bits, 0, ...kept);
}

const VARIABLES: Readonly<Record<EdnsVariable, (question: Question) => Uint8Array | undefined>> = {
  qname: ({ qname }) => Uint8Array.from(Buffer.from(nameToText(qname))),
  qtype: ({ qtype }) => twoOctets(qtype),
  client_ip: ({ asker }) => addressOctets(asker?.peer().host ?? ''),
  client_port: ({ asker }) => asker && twoOctets(asker.peer().port),
  protocol: ({ transport }) => Uint8Array.from(Buffer.from(transport)),
  server_ip: ({ asker }) => addressOctets(asker?.local().host ?? ''),
  server_port: ({ asker }) => asker && twoOctets(asker.local().port),
};

function twoOctets(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
