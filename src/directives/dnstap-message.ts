/** Messages of dnstap (dnstap.info, dnstap.proto) as protocol buffers: what was sent or received, by whom, and when. */
import { PbfWriter } from 'pbf';
import { addressOctets } from '../base/ip-address.ts';
import type { Octets } from '../wire/octets.ts';
import type { HostPort } from './resolution.ts';

/** `Message.Type`. */
export const TAP_TYPE = {
  CLIENT_QUERY: 5,
  CLIENT_RESPONSE: 6,
  FORWARDER_QUERY: 7,
  FORWARDER_RESPONSE: 8,
} as const;

/** `SocketProtocol`. */
export const TAP_PROTOCOL = { UDP: 1, TCP: 2, DOT: 3, DOH: 4 } as const;

export interface TapMessage {
  readonly type: number;
  readonly protocol: number;
  /** Who asked, and who was asked. */
  readonly querier: HostPort | undefined;
  readonly responder: HostPort | undefined;
  /** Milliseconds since 1970, with fractions. */
  readonly queriedAtMs: number;
  readonly respondedAtMs: number | undefined;
  readonly query: Octets | undefined;
  readonly response: Octets | undefined;
}

/** What is the same in all messages of a server, and the text beside one. */
export interface TapEnvelope {
  readonly identity: string;
  readonly version: string;
  readonly extra: string;
}

/** `Dnstap.type`: the only one there is. */
const TYPE_MESSAGE = 1;
/** `SocketFamily`. */
const FAMILY = { INET: 1, INET6: 2 } as const;

/** The octets of one frame. Numbers are those of dnstap.proto's fields. */
export function encodeTap(
  { identity, version, extra }: TapEnvelope,
  message: TapMessage,
): Uint8Array {
  const writer = new PbfWriter();
  writer.writeStringField(1, identity);
  writer.writeStringField(2, version);
  if (extra !== '') writer.writeStringField(3, extra);
  writer.writeMessage(14, writeMessage, message);
  writer.writeVarintField(15, TYPE_MESSAGE);
  return writer.finish();
}

function writeMessage(message: TapMessage, writer?: PbfWriter): void {
  const { type, protocol, querier, responder, query, response } = message;
  const out = writer!;
  const queryAddress = querier && addressOctets(querier.host);
  const responseAddress = responder && addressOctets(responder.host);
  const isIpv4 = (queryAddress ?? responseAddress)?.length === 4;
  out.writeVarintField(1, type);
  out.writeVarintField(2, isIpv4 ? FAMILY.INET : FAMILY.INET6);
  out.writeVarintField(3, protocol);
  if (queryAddress) out.writeBytesField(4, queryAddress);
  if (responseAddress) out.writeBytesField(5, responseAddress);
  if (queryAddress) out.writeVarintField(6, querier.port);
  if (responseAddress) out.writeVarintField(7, responder.port);
  writeTime(out, 8, message.queriedAtMs);
  if (query) out.writeBytesField(10, query);
  if (message.respondedAtMs !== undefined) writeTime(out, 12, message.respondedAtMs);
  if (response) out.writeBytesField(14, response);
}

/** Seconds, and nanoseconds in the field behind. */
function writeTime(out: PbfWriter, field: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  out.writeVarintField(field, seconds);
  out.writeFixed32Field(field + 1, Math.round((ms - seconds * 1000) * 1e6) % 1e9);
}
