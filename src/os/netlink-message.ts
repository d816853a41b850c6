/**
 * Messages of rtnetlink(7) in octets, all in the machine's order (little-endian on every machine we run on):
 *
 *   message    u32 size | u16 type | u16 flags | u32 sequence | u32 port     then the body, padded to 4
 *   link       u8 family | u8 - | u16 device type | i32 index | u32 flags | u32 flags that count     then attributes
 *   address    u8 family | u8 prefix length | u8 flags | u8 scope | u32 index                        then attributes
 *   route      u8 family | u8 size of destination | u8 of source | u8 TOS | u8 table | u8 protocol | u8 scope | u8 type | u32 flags
 *                                                                                                  then attributes
 *   attribute  u16 size | u16 type | value, padded to 4                       sizes count their own header
 *   error      i32 -errno (0: done), then the header of the message it is about
 *
 * Pure: no socket, no system call.
 */
import { addressOctets, addressText } from '../base/ip-address.ts';
import { OS } from './libc.ts';

/** linux/rtnetlink.h and linux/netlink.h. */
export const MESSAGE = {
  ERROR: 2,
  DONE: 3,
  NEW_LINK: 16,
  DELETE_LINK: 17,
  GET_LINK: 18,
  NEW_ADDRESS: 20,
  DELETE_ADDRESS: 21,
  GET_ADDRESS: 22,
  NEW_ROUTE: 24,
  DELETE_ROUTE: 25,
  GET_ROUTE: 26,
} as const;
export const MESSAGE_FLAG = {
  REQUEST: 0x1,
  ACK: 0x4,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCLUSIVE: 0x200,
  CREATE: 0x400,
} as const;

/** IFF_UP of linux/if.h: as an administrator wants it, whatever the carrier. */
const LINK_UP = 0x1;
/** IFA_F_NODAD: an IPv6 address that is usable at once, without a second of looking for its double. */
const ADDRESS_NO_DAD = 0x2;
const ATTRIBUTE = { ADDRESS: 1, LOCAL: 2, LINK_NAME: 3, LINK_INFO: 18, LINK_KIND: 1 } as const;
/** RTA_* of linux/rtnetlink.h. */
const ROUTE_ATTRIBUTE = { DESTINATION: 1, LINK: 4, SOURCE: 7 } as const;
/** RTPROT_*: who made a route. */
export const ROUTE_PROTOCOL = { KERNEL: 2, STATIC: 4 } as const;
/** RT_TABLE_LOCAL, RT_SCOPE_HOST and RTN_LOCAL: what a route to an address of this machine's own is. */
const LOCAL_ROUTE = { table: 255, scope: 254, type: 2 } as const;

const HEADER_SIZE = 16;
const LINK_SIZE = 16;
const ADDRESS_SIZE = 8;
const ROUTE_SIZE = 12;
const ATTRIBUTE_HEADER_SIZE = 4;
/** NLA_F_NESTED: the value is attributes. NLA_TYPE_MASK: without this flag and another. */
export const ATTRIBUTE_NESTED = 0x8000;
const ATTRIBUTE_TYPE = 0x3fff;

export interface NetlinkMessage {
  readonly type: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

export interface LinkState {
  readonly index: number;
  readonly isUp: boolean;
}

export interface AddressState {
  /** Of the link. */
  readonly index: number;
  readonly address: string;
  readonly prefixLength: number;
}

/** A route to an address of this machine's own. */
export interface LocalRoute {
  readonly address: string;
  /** A number of ROUTE_PROTOCOL. */
  readonly protocol: number;
  /** Of the link that has the address. */
  readonly index?: number;
  /** What this machine's own clients take as their source toward it. */
  readonly source?: string;
}

/** A message with its header; `flags` are MESSAGE_FLAG. */
export function encodeMessage(
  type: number,
  flags: number,
  sequence: number,
  body: Uint8Array,
): Uint8Array {
  const octets = new Uint8Array(HEADER_SIZE + up(body.length));
  const view = new DataView(octets.buffer);
  view.setUint32(0, HEADER_SIZE + body.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  octets.set(body, HEADER_SIZE);
  return octets;
}

/** The messages that one read gave; a size that cannot be ends the list. */
export function decodeMessages(octets: Uint8Array): NetlinkMessage[] {
  const view = viewOf(octets);
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at + HEADER_SIZE <= octets.length; ) {
    const size = view.getUint32(at, true);
    if (size < HEADER_SIZE || at + size > octets.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      sequence: view.getUint32(at + 8, true),
      body: octets.slice(at + HEADER_SIZE, at + size),
    });
    at += up(size);
  }
  return messages;
}

/** The error number that an ERROR message tells; 0: what was asked for is done. */
export function errnoOf({ body }: NetlinkMessage): number {
  return -viewOf(body).getInt32(0, true);
}

export interface LinkFields {
  /** 0 where the name says which. */
  readonly index?: number;
  readonly name?: string;
  /** What kind to make: `dummy`. */
  readonly kind?: string;
  readonly isUp?: boolean;
}

/** The body of a message about a link. */
export function encodeLink({ index = 0, name, kind, isUp }: LinkFields): Uint8Array {
  const head = new Uint8Array(LINK_SIZE);
  const view = new DataView(head.buffer);
  view.setInt32(4, index, true);
  if (isUp !== undefined) {
    view.setUint32(8, isUp ? LINK_UP : 0, true);
    view.setUint32(12, LINK_UP, true);
  }
  return joined([
    head,
    name === undefined ? NOTHING : encodeAttribute(ATTRIBUTE.LINK_NAME, textOctets(`${name}\0`)),
    kind === undefined
      ? NOTHING
      : encodeAttribute(
          ATTRIBUTE.LINK_INFO,
          encodeAttribute(ATTRIBUTE.LINK_KIND, textOctets(kind)),
        ),
  ]);
}

/** Of a NEW_LINK or DELETE_LINK message. */
export function decodeLink({ body }: NetlinkMessage): LinkState {
  const view = viewOf(body);
  return {
    index: view.getInt32(4, true),
    isUp: (view.getUint32(8, true) & LINK_UP) !== 0,
  };
}

/** The body of a message about an address; its scope is global, as `ip address add` has it. */
export function encodeAddress({ index, address, prefixLength }: AddressState): Uint8Array {
  const ip = octetsOf(address);
  const head = new Uint8Array(ADDRESS_SIZE);
  const view = new DataView(head.buffer);
  const isIpv4 = ip.length === 4;
  view.setUint8(0, isIpv4 ? OS.AF_INET : OS.AF_INET6);
  view.setUint8(1, prefixLength);
  view.setUint8(2, isIpv4 ? 0 : ADDRESS_NO_DAD);
  view.setUint32(4, index, true);
  return joined([
    head,
    encodeAttribute(ATTRIBUTE.LOCAL, ip),
    encodeAttribute(ATTRIBUTE.ADDRESS, ip),
  ]);
}

/** The body that asks for the addresses of every link. */
export function encodeAddressDump(): Uint8Array {
  return new Uint8Array(ADDRESS_SIZE);
}

/** Of a NEW_ADDRESS or DELETE_ADDRESS message; undefined where it has none that we understand. */
export function decodeAddress({ body }: NetlinkMessage): AddressState | undefined {
  const view = viewOf(body);
  const attributes = decodeAttributes(body.subarray(ADDRESS_SIZE));
  // Of a point-to-point link ADDRESS is the other end; IPv6 has LOCAL only there.
  const ip = attributes.get(ATTRIBUTE.LOCAL) ?? attributes.get(ATTRIBUTE.ADDRESS);
  if (ip === undefined || (ip.length !== 4 && ip.length !== 16)) return undefined;
  return {
    index: view.getUint32(4, true),
    address: addressText(ip),
    prefixLength: view.getUint8(1),
  };
}

/** The body that adds or deletes such a route. */
export function encodeLocalRoute({ address, protocol, index, source }: LocalRoute): Uint8Array {
  const { table, scope, type } = LOCAL_ROUTE;
  return joined([
    routeHead(address, [table, protocol, scope, type]),
    encodeAttribute(ROUTE_ATTRIBUTE.DESTINATION, octetsOf(address)),
    index === undefined
      ? NOTHING
      : encodeAttribute(ROUTE_ATTRIBUTE.LINK, new Uint8Array(Uint32Array.of(index).buffer)),
    source === undefined ? NOTHING : encodeAttribute(ROUTE_ATTRIBUTE.SOURCE, octetsOf(source)),
  ]);
}

/** The body that asks which way goes to an address. */
export function encodeRouteQuestion(address: string): Uint8Array {
  const destination = encodeAttribute(ROUTE_ATTRIBUTE.DESTINATION, octetsOf(address));
  return joined([routeHead(address, [0, 0, 0, 0]), destination]);
}

/** The source that goes with a route; undefined where it says none. */
export function decodeRouteSource({ body }: NetlinkMessage): string | undefined {
  const source = decodeAttributes(body.subarray(ROUTE_SIZE)).get(ROUTE_ATTRIBUTE.SOURCE);
  return source && addressText(source);
}

/** `kind`: table, protocol, scope, type. */
function routeHead(address: string, kind: readonly number[]): Uint8Array {
  const isIpv4 = octetsOf(address).length === 4;
  const family = isIpv4 ? OS.AF_INET : OS.AF_INET6;
  return Uint8Array.of(family, isIpv4 ? 32 : 128, 0, 0, ...kind, 0, 0, 0, 0);
}

const NOTHING = new Uint8Array(0);

/** An attribute with its header; `type` may carry ATTRIBUTE_NESTED. */
export function encodeAttribute(type: number, value: Uint8Array): Uint8Array {
  const octets = new Uint8Array(up(ATTRIBUTE_HEADER_SIZE + value.length));
  const view = new DataView(octets.buffer);
  view.setUint16(0, ATTRIBUTE_HEADER_SIZE + value.length, true);
  view.setUint16(2, type, true);
  octets.set(value, ATTRIBUTE_HEADER_SIZE);
  return octets;
}

/** Each attribute's value by its type without flags; the last one of a type, and none from where a size cannot be. */
export function decodeAttributes(octets: Uint8Array): Map<number, Uint8Array> {
  const view = viewOf(octets);
  const attributes = new Map<number, Uint8Array>();
  for (let at = 0; at + ATTRIBUTE_HEADER_SIZE <= octets.length; ) {
    const size = view.getUint16(at, true);
    if (size < ATTRIBUTE_HEADER_SIZE || at + size > octets.length) break;
    attributes.set(
      view.getUint16(at + 2, true) & ATTRIBUTE_TYPE,
      octets.subarray(at + ATTRIBUTE_HEADER_SIZE, at + size),
    );
    at += up(size);
  }
  return attributes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function octetsOf(address: string): Uint8Array {
  const ip = addressOctets(address);
  if (ip === undefined) throw new TypeError(`not an IP address: ${address}`);
  return ip;
}

function textOctets(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

function up(size: number): number {
  return (size + 3) & ~3;
}
