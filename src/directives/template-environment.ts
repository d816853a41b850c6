/**
 * What the expressions of `template`'s `var` and `expr` may call: the functions of CoreDNS's `view` about a query, and `group` for
 * what a regular expression matched.
 */
import { addressOctets } from '../base/ip-address.ts';
import { isInPrefix, prefixFromText } from '../base/ip-prefix.ts';
import type { ExpressionFunction } from '../expression/function.ts';
import { ExpressionError } from '../expression/token.ts';
import type { Value, ValueType } from '../expression/value.ts';
import { nameToText } from '../wire/name.ts';
import { u16 } from '../wire/octets.ts';
import { QueryFields, readQuery } from '../wire/query.ts';
import { className, MESSAGE_SIZE_MAX, typeName, UDP_SIZE_MIN } from '../wire/registry.ts';
import { canonicalAddress } from './address.ts';
import type { Question } from './resolution.ts';

/** Functions that say something about the client: an answer that depends on them is not for others. */
export const PERSONAL_FUNCTIONS =
  /\b(?:client_ip|port|id|size|bufsize|proto|server_ip|server_port|metadata)\b/;

type Facts = Readonly<Record<string, readonly [ValueType, (question: Question) => Value]>>;

const FACTS: Facts = {
  type: ['string', ({ qtype }) => typeName(qtype)],
  name: ['string', ({ qname }) => nameToText(qname)],
  class: ['string', ({ qclass }) => className(qclass)],
  proto: ['string', ({ transport }) => transport],
  size: ['int', ({ asker }) => BigInt(asker?.query.length ?? 0)],
  client_ip: ['string', ({ asker }) => asker?.peer().host ?? ''],
  port: ['string', ({ asker }) => String(asker?.peer().port ?? '')],
  id: ['int', ({ asker }) => BigInt(asker && asker.query.length > 1 ? u16(asker.query, 0) : 0)],
  opcode: ['int', ({ opcode }) => BigInt(opcode)],
  do: ['bool', ({ dnssecOk }) => dnssecOk],
  bufsize: ['int', bufferSize],
  server_ip: ['string', ({ asker }) => asker?.local().host ?? ''],
  server_port: ['string', ({ asker }) => String(asker?.local().port ?? '')],
};

/** CoreDNS's: what the client takes over UDP, at least 512; over TCP any message. */
function bufferSize({ asker, transport }: Question): bigint {
  if (transport === 'tcp') return BigInt(MESSAGE_SIZE_MAX);
  const fields = new QueryFields();
  if (asker) readQuery(asker.query, 0, asker.query.length, fields);
  return BigInt(Math.max(fields.udpSize, UDP_SIZE_MIN));
}

/** `groups` by number and by name; `labelOf`: the value of a label of `metadata`. */
export function environmentOf(
  question: Question | undefined,
  groups: ReadonlyMap<string, string>,
  labelOf: (label: string) => string,
): ReadonlyMap<string, ExpressionFunction> {
  const functions = Object.entries(FACTS).map(([name, [result, read]]) => {
    // Without a question only the types are wanted.
    const call = () => (question === undefined ? null : read(question));
    return [name, { parameters: [], result, call }] as const;
  });
  const group = (key: Value) => groups.get(String(key)) ?? '';
  return new Map<string, ExpressionFunction>([
    ...functions,
    ['group', { parameters: ['any'], result: 'string', call: group }],
    [
      'metadata',
      { parameters: ['string'], result: 'string', call: (label) => labelOf(String(label)) },
    ],
    ['incidr', { parameters: ['string', 'string'], result: 'bool', call: isInCidr }],
  ]);
}

function isInCidr(addressValue: Value, cidrValue: Value): boolean {
  const address = addressOctets(canonicalAddress(String(addressValue)) ?? '');
  if (address === undefined) throw new ExpressionError('first argument is not an IP address');
  const prefix = prefixFromText(String(cidrValue));
  if (prefix !== undefined) return isInPrefix(address, prefix);
  throw new ExpressionError(`invalid CIDR address: ${cidrValue}`);
}
