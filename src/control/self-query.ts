/**
 * One query of ours to an address of ours, over UDP, as a client on this node would ask it. It leaves from a loopback address:
 * a rule that sends the address elsewhere while nobody serves it (the stand-by NAT of interception) leaves such packets alone,
 * since they cannot leave the node; so the query reaches the socket that is bound here, or nobody.
 */
import { createSocket } from 'node:dgram';
import { addressText } from '../base/ip-address.ts';
import { randomUint } from '../os/random.ts';
import { nameFromText } from '../wire/name.ts';
import { type Octets, setU16, u16 } from '../wire/octets.ts';
import { SECTION, walkRecords } from '../wire/record.ts';
import { FLAG, HEADER_SIZE, OPCODE, QCLASS, QTYPE } from '../wire/registry.ts';
import { buildUpstreamQuery } from '../wire/reply.ts';

export interface SelfQuestion {
  /** A domain name, absolute. */
  readonly name: string;
  readonly qtype: number;
  /** Default QUERY. */
  readonly opcode?: number;
}

export type SelfAnswer =
  | {
      readonly code: 'answered';
      readonly rcode: number;
      /** Of the A and AAAA records in the answer section. */
      readonly addresses: readonly string[];
    }
  /** `reason`: for a log line. */
  | { readonly code: 'failed'; readonly reason: string };

export interface SelfAddress {
  readonly host: string;
  readonly port: number;
}

/** Room for some 70 addresses, unfragmented. */
const UDP_SIZE = 1232;

/** Never rejects. */
export function askSelf(
  { host, port }: SelfAddress,
  question: SelfQuestion,
  timeoutMs: number,
): Promise<SelfAnswer> {
  const { promise, resolve } = Promise.withResolvers<SelfAnswer>();
  const isIpv6 = host.includes(':');
  const socket = createSocket(isIpv6 ? 'udp6' : 'udp4').unref();
  const fail = (reason: string) => resolve({ code: 'failed', reason });
  const timer = setTimeout(fail, timeoutMs, `no answer within ${timeoutMs / 1000} s`).unref();
  const query = buildQuery(question);
  socket.on('error', (error) => fail(error.message));
  socket.on('message', (reply) => {
    if (isReplyTo(query, reply)) resolve(readAnswer(reply));
  });
  socket.bind(0, isIpv6 ? '::1' : '127.0.0.1', () => {
    // Connected, so that a closed port is told as an error and strangers are not heard.
    socket.connect(port, host, (error?: Error) => {
      if (error) fail(error.message);
      else socket.send(query);
    });
  });
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

/** With an id of its own. */
export function buildQuery({ name, qtype, opcode = OPCODE.QUERY }: SelfQuestion): Octets {
  const query = buildUpstreamQuery(
    {
      qname: nameFromText(name)!,
      qtype,
      qclass: QCLASS.IN,
      opcode,
      rd: true,
      cd: false,
      dnssecOk: false,
    },
    UDP_SIZE,
  );
  setU16(query, 0, randomUint(2));
  return query;
}

/** The socket is new and connected; what it hears beside its answer is a mistake or a forgery. */
function isReplyTo(query: Octets, reply: Octets): boolean {
  return (
    reply.length >= HEADER_SIZE &&
    u16(reply, 0) === u16(query, 0) &&
    (u16(reply, 2) & FLAG.QR) !== 0
  );
}

function readAnswer(reply: Octets): SelfAnswer {
  const addresses: string[] = [];
  const isWhole = walkRecords(reply, ({ section, type, dataAt, dataEnd }) => {
    const size = type === QTYPE.A ? 4 : type === QTYPE.AAAA ? 16 : 0;
    if (section !== SECTION.ANSWER || size === 0 || dataEnd - dataAt !== size) return true;
    addresses.push(addressText(reply.subarray(dataAt, dataEnd)));
    return true;
  });
  if (!isWhole) return { code: 'failed', reason: 'a malformed answer' };
  return { code: 'answered', rcode: u16(reply, 2) & FLAG.RCODE, addresses };
}
