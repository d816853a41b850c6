/**
 * Messages of nfnetlink in octets: built, and taken apart. Layouts: linux/netlink.h, linux/netfilter/nfnetlink.h,
 * linux/netfilter/nf_tables.h. Numbers are in the machine's order, which is little-endian wherever this runs, except what
 * nf_tables itself sends, which is big-endian.
 *
 *     datagram  := message*
 *     message   := length:4 type:2 flags:2 sequence:4 port:4 | family:1 version:1 resource:2 | attribute*
 *     attribute := length:2 type:2 value, padded to 4
 */

const NLMSG_ERROR = 2;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_CREATE = 0x400;
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const SUBSYSTEM_NFTABLES = 10;
const NFPROTO_UNSPEC = 0;
const NFPROTO_INET = 1;
/** nlmsghdr, and with it nfgenmsg. */
const NETLINK_HEADER_SIZE = 16;
const HEADER_SIZE = 20;
const NESTED = 0x8000;

const ELEMENT_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
const ELEMENT = { KEY: 1, TIMEOUT: 4, EXPIRATION: 5 } as const;
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
}

type SetMessageType = 'NEWSETELEM' | 'DELSETELEM' | 'GETSETELEM';

/** A message about one element; `timeoutMs` is for a new one that expires. */
export function setMessage(
  type: SetMessageType,
  { table, set, key }: SetElement,
  timeoutMs?: number,
): Uint8Array {
  const element = [attribute(NESTED | ELEMENT.KEY, attribute(FIRST, key))];
  if (timeoutMs !== undefined) {
    const timeout = new Uint8Array(8);
    viewOf(timeout).setBigUint64(0, BigInt(timeoutMs));
    element.push(attribute(ELEMENT.TIMEOUT, timeout));
  }
  const flags = type === 'NEWSETELEM' ? NLM_F_CREATE : 0;
  return message(typeOf(NFT_MESSAGE[type]), flags, { family: NFPROTO_INET, resource: 0 }, [
    attribute(ELEMENT_LIST.TABLE, Buffer.from(`${table}\0`)),
    attribute(ELEMENT_LIST.SET, Buffer.from(`${set}\0`)),
    attribute(NESTED | ELEMENT_LIST.ELEMENTS, attribute(NESTED | FIRST, Buffer.concat(element))),
  ]);
}

/** A datagram that is one transaction: all messages or none. The last is acknowledged, one that fails answers in any case. */
export function batchOf(messages: readonly Uint8Array[], firstSequence: number): Uint8Array {
  const frame = { family: NFPROTO_UNSPEC, resource: SUBSYSTEM_NFTABLES };
  const all = [message(BATCH_BEGIN, 0, frame, []), ...messages, message(BATCH_END, 0, frame, [])];
  for (const [index, octets] of all.entries()) number(octets, firstSequence + index);
  const last = viewOf(all.at(-2)!);
  last.setUint16(6, last.getUint16(6, true) | NLM_F_ACK, true);
  return Buffer.concat(all);
}

/** A datagram of one message that asks. */
export function request(octets: Uint8Array, sequence: number): Uint8Array {
  return number(octets, sequence);
}

/** The errno of each answer to a message from `firstSequence` on; 0 for an acknowledgement. */
export function errnosIn(datagram: Uint8Array, firstSequence: number): number[] {
  return [...messagesIn(datagram)]
    .filter(({ type, sequence }) => type === NLMSG_ERROR && sequence >= firstSequence)
    .map(({ body }) => -viewOf(body).getInt32(0, true));
}

/** Milliseconds until the element in the datagram expires; undefined where there is none, or it does not. */
export function expirationIn(datagram: Uint8Array): number | undefined {
  for (const { type, body } of messagesIn(datagram)) {
    if (type !== typeOf(NFT_MESSAGE.NEWSETELEM)) continue;
    const value = find(body, [ELEMENT_LIST.ELEMENTS, FIRST, ELEMENT.EXPIRATION]);
    if (value?.length === 8) return Number(viewOf(value).getBigUint64(0));
  }
  return undefined;
}

export function changesIn(datagram: Uint8Array): NftChange[] {
  return [...messagesIn(datagram)]
    .filter(({ type }) => type >> 8 === SUBSYSTEM_NFTABLES)
    .map(changeOf);
}

interface NetlinkMessage {
  readonly type: number;
  readonly sequence: number;
  /** Behind nlmsghdr. */
  readonly body: Uint8Array;
}

/** Ends at the first message whose length is none. */
function* messagesIn(datagram: Uint8Array): Generator<NetlinkMessage> {
  const view = viewOf(datagram);
  for (let at = 0; at + NETLINK_HEADER_SIZE <= datagram.length; ) {
    const length = view.getUint32(at, true);
    if (length < HEADER_SIZE || at + length > datagram.length) return;
    const body = datagram.subarray(at + NETLINK_HEADER_SIZE, at + length);
    yield { type: view.getUint16(at + 4, true), sequence: view.getUint32(at + 8, true), body };
    at += (length + 3) & ~3;
  }
}

/** The first attribute of every kind of message is its table. */
function changeOf({ type, body }: NetlinkMessage): NftChange {
  const message = type & 0xff;
  const isChain = message === NFT_MESSAGE.NEWCHAIN || message === NFT_MESSAGE.DELCHAIN;
  // NFTA_CHAIN_NAME is 3, behind the handle; NFTA_RULE_CHAIN, NFTA_SET_NAME and NFTA_SET_ELEM_LIST_SET are 2.
  const name = message === NFT_MESSAGE.DELTABLE ? '' : textOf(find(body, [isChain ? 3 : 2]));
  return { message, table: textOf(find(body, [1])), name };
}

function textOf(value: Uint8Array | undefined): string {
  return value === undefined ? '' : Buffer.from(value).toString('latin1').replace(/\0$/, '');
}

/** The value at a path of nested attributes, behind nfgenmsg. */
function find(body: Uint8Array, path: readonly number[]): Uint8Array | undefined {
  let value: Uint8Array | undefined = body.subarray(HEADER_SIZE - NETLINK_HEADER_SIZE);
  for (const type of path) {
    if (value === undefined) return undefined;
    value = attributeOf(value, type);
  }
  return value;
}

function attributeOf(attributes: Uint8Array, wanted: number): Uint8Array | undefined {
  const view = viewOf(attributes);
  for (let at = 0; at + 4 <= attributes.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > attributes.length) return undefined;
    if ((view.getUint16(at + 2, true) & ~NESTED) === wanted) {
      return attributes.subarray(at + 4, at + length);
    }
    at += (length + 3) & ~3;
  }
  return undefined;
}

function typeOf(message: number): number {
  return (SUBSYSTEM_NFTABLES << 8) | message;
}

function message(
  type: number,
  flags: number,
  { family, resource }: { family: number; resource: number },
  attributes: readonly Uint8Array[],
): Uint8Array {
  const octets = Buffer.concat([new Uint8Array(HEADER_SIZE), ...attributes]);
  const view = viewOf(octets);
  view.setUint32(0, octets.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags | NLM_F_REQUEST, true);
  view.setUint8(16, family);
  view.setUint16(18, resource);
  return octets;
}

function number(octets: Uint8Array, sequence: number): Uint8Array {
  viewOf(octets).setUint32(8, sequence, true);
  return octets;
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  const octets = new Uint8Array((4 + value.length + 3) & ~3);
  const view = viewOf(octets);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  octets.set(value, 4);
  return octets;
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}
