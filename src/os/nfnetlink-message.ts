/**
 * Messages of nf_tables within netlink-message.ts's frames. Layouts: linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h.
 * What nf_tables itself counts is big-endian.
 *
 *     body  u8 family | u8 version | u16 resource, big-endian         then attributes
 *
 * Pure: no socket, no system call.
 */
import {
  ATTRIBUTE_NESTED,
  decodeAttributes,
  decodeMessages,
  encodeAttribute,
  encodeMessage,
  errnoOf,
  MESSAGE,
  MESSAGE_FLAG,
  type NetlinkMessage,
} from './netlink-message.ts';

const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const SUBSYSTEM_NFTABLES = 10;
const NFPROTO_UNSPEC = 0;
const NFPROTO_INET = 1;
const NFGENMSG_SIZE = 4;

const ELEMENT_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
const ELEMENT = { KEY: 1, TIMEOUT: 4, EXPIRATION: 5 } as const;
const CHAIN = { NAME: 3, HOOK: 4 } as const;
const RULE_USER_DATA = 7;
/** Within a list its only element, within a key its only value. */
const FIRST = 1;

/** nf_tables_msg_types, as far as somebody sends or hears them. */
export const NFT_MESSAGE = {
  DELTABLE: 2,
  NEWCHAIN: 3,
  DELCHAIN: 5,
  NEWRULE: 6,
  DELRULE: 8,
  DELSET: 11,
  NEWSETELEM: 12,
  GETSETELEM: 13,
  DELSETELEM: 14,
} as const;

/** One element of a set of a table of family inet; the key is an address's octets. */
export interface SetElement {
  readonly table: string;
  readonly set: string;
  readonly key: Uint8Array;
}

/** A change that somebody committed: its kind (NFT_MESSAGE) and the names of table and chain, where the message has them. */
export interface NftChange {
  readonly message: number;
  readonly table: string;
  /** Of a rule its chain; of a chain or a set its own name; empty for a table. */
  readonly name: string;
  /** Of a chain: it stands at a hook. */
  readonly isBaseChain: boolean;
  /** Of a rule: what whoever made it attached, its comment among it. */
  readonly userData: string;
}

type SetMessageType = 'NEWSETELEM' | 'DELSETELEM' | 'GETSETELEM';

/** A message without number or header, to be put into a batch. */
export interface Draft {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

/** A message about one element; `timeoutMs` is for a new one that expires. */
export function setMessage(
  type: SetMessageType,
  { table, set, key }: SetElement,
  timeoutMs?: number,
): Draft {
  const parts = [nested(ELEMENT.KEY, encodeAttribute(FIRST, key))];
  if (timeoutMs !== undefined) {
    const timeout = Buffer.alloc(8);
    timeout.writeBigUInt64BE(BigInt(timeoutMs));
    parts.push(encodeAttribute(ELEMENT.TIMEOUT, timeout));
  }
  const body = Buffer.concat([
    nfgenmsg(NFPROTO_INET, 0),
    encodeAttribute(ELEMENT_LIST.TABLE, Buffer.from(`${table}\0`)),
    encodeAttribute(ELEMENT_LIST.SET, Buffer.from(`${set}\0`)),
    nested(ELEMENT_LIST.ELEMENTS, nested(FIRST, Buffer.concat(parts))),
  ]);
  const flags = type === 'NEWSETELEM' ? MESSAGE_FLAG.CREATE : 0;
  return { type: typeOf(NFT_MESSAGE[type]), flags, body };
}

/** A datagram that is one transaction. It may be sent many times: an answer is read before anything else is asked. */
export interface Batch {
  readonly octets: Uint8Array;
}

/** All messages or none. The last is acknowledged; the first that fails answers in any case. */
export function batchOf(messages: readonly Draft[]): Batch {
  const frame = { flags: 0, body: nfgenmsg(NFPROTO_UNSPEC, SUBSYSTEM_NFTABLES) };
  const all = [{ ...frame, type: BATCH_BEGIN }, ...messages, { ...frame, type: BATCH_END }];
  const octets = all.map(({ type, flags, body }, index) => {
    const acknowledged = index === messages.length ? MESSAGE_FLAG.ACK : 0;
    return encodeMessage(type, MESSAGE_FLAG.REQUEST | flags | acknowledged, index, body);
  });
  return { octets: Buffer.concat(octets) };
}

/**
 * Gives each element `timeoutMs` from now on, or for good where that is undefined, whether it is there or not. Before Linux 6.12
 * adding an element that is there does not renew it, and deleting one that is not there fails.
 */
export function renewalOf(elements: readonly SetElement[], timeoutMs: number | undefined): Batch {
  return batchOf(
    elements.flatMap((element) => [
      setMessage('NEWSETELEM', element, timeoutMs),
      setMessage('DELSETELEM', element),
      setMessage('NEWSETELEM', element, timeoutMs),
    ]),
  );
}

/** A datagram of one message that asks. */
export function request({ type, flags, body }: Draft): Uint8Array {
  return encodeMessage(type, MESSAGE_FLAG.REQUEST | flags, 0, body);
}

/** The errno of each answer; 0 for an acknowledgement. */
export function errnosIn(datagram: Uint8Array): number[] {
  return decodeMessages(datagram)
    .filter(({ type, body }) => type === MESSAGE.ERROR && body.length >= 4)
    .map(errnoOf);
}

/** Milliseconds until the element in the datagram expires; undefined where there is none, or it does not. */
export function expirationIn(datagram: Uint8Array): number | undefined {
  for (const { type, body } of decodeMessages(datagram)) {
    if (type !== typeOf(NFT_MESSAGE.NEWSETELEM)) continue;
    const value = find(body, [ELEMENT_LIST.ELEMENTS, FIRST, ELEMENT.EXPIRATION]);
    if (value?.length === 8) return Number(Buffer.from(value).readBigUInt64BE());
  }
  return undefined;
}

/** What a notification tells; undefined where it is none of nf_tables. The first attribute of every kind is the table. */
export function changeOf({ type, body }: NetlinkMessage): NftChange | undefined {
  if (type >> 8 !== SUBSYSTEM_NFTABLES) return undefined;
  const message = type & 0xff;
  const attributes = decodeAttributes(body.subarray(NFGENMSG_SIZE));
  const isChain = message === NFT_MESSAGE.NEWCHAIN || message === NFT_MESSAGE.DELCHAIN;
  const isRule = message === NFT_MESSAGE.NEWRULE || message === NFT_MESSAGE.DELRULE;
  // Rules and sets have their chain's or their own name at 2; of a table that is something else.
  const nameAt = isChain ? CHAIN.NAME : 2;
  return {
    message,
    table: textOf(attributes.get(1)),
    name: message === NFT_MESSAGE.DELTABLE ? '' : textOf(attributes.get(nameAt)),
    isBaseChain: isChain && attributes.has(CHAIN.HOOK),
    userData: isRule ? textOf(attributes.get(RULE_USER_DATA)) : '',
  };
}

function textOf(value: Uint8Array | undefined): string {
  return value === undefined ? '' : Buffer.from(value).toString('latin1').replace(/\0$/, '');
}

/** The value at a path of nested attributes, behind nfgenmsg. */
function find(body: Uint8Array, path: readonly number[]): Uint8Array | undefined {
  let value: Uint8Array | undefined = body.subarray(NFGENMSG_SIZE);
  for (const type of path) value = value && decodeAttributes(value).get(type);
  return value;
}

function typeOf(message: number): number {
  return (SUBSYSTEM_NFTABLES << 8) | message;
}

function nested(type: number, value: Uint8Array): Uint8Array {
  return encodeAttribute(ATTRIBUTE_NESTED | type, value);
}

/** struct nfgenmsg: family:1 version:1 resource:2, the last big-endian. */
function nfgenmsg(family: number, resource: number): Uint8Array {
  return Uint8Array.of(family, 0, resource >> 8, resource & 0xff);
}
