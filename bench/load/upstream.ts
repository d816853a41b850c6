/**
 * The upstream of the miss benchmark: answers every question of type A with the address that belongs to the name, and every
 * other type with no record, over UDP and over pipelined TCP. No cache, no delay, no failure.
 *
 * As a program it prints its port (the same for both), and exits on SIGTERM or when stdin closes.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  addressOfName,
  EDNS_UDP_SIZE,
  HEADER_OCTETS,
  OPT_OCTETS,
  questionEnd,
  RTYPE,
} from './protocol.ts';

/** Longer than any run, and within what a cache keeps by default (CoreDNS's `cache`: 3600 s). */
const TTL_SECONDS = 3600;
const ANSWER_OCTETS = 16;
/** A free TCP port may be taken for UDP; that it is ten times in a row does not happen. */
const BIND_ATTEMPTS_MAX = 10;
/** A DNS message over TCP, with its length, is at most this; more means that no frame is going to be complete. */
const PARTIAL_OCTETS_MAX = 2 + 65_535;

export interface Upstream {
  readonly port: number;
  close(): void;
}

/** Listens on 127.0.0.1. */
export async function startUpstream(): Promise<Upstream> {
  for (let attempt = 0; attempt < BIND_ATTEMPTS_MAX; attempt++) {
    const connections = new Set<Socket>();
    const tcp = createServer({ noDelay: true }, (socket) => serveConnection(socket, connections));
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address() as AddressInfo;
    const udp = await bindUdp(port);
    if (udp) return { port, close: () => closeAll(tcp, udp, connections) };
    tcp.close();
  }
  throw new Error('no port is free for both UDP and TCP');
}

async function bindUdp(port: number): Promise<UdpSocket | undefined> {
  const udp = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  udp.on('message', (query: Buffer, from: RemoteInfo) => {
    const answer = Buffer.allocUnsafe(query.length + ANSWER_OCTETS + OPT_OCTETS);
    const size = writeAnswer(query, 0, query.length, answer, 0);
    if (size > 0) udp.send(answer, 0, size, from.port, from.address);
  });
  udp.bind(port, '127.0.0.1');
  try {
    await once(udp, 'listening');
    return udp;
  } catch {
    udp.close();
    return undefined;
  }
}

/** All queries of a segment are answered with one write. */
function serveConnection(socket: Socket, connections: Set<Socket>): void {
  let partial: Buffer = Buffer.alloc(0);
  connections.add(socket);
  socket.on('error', () => socket.destroy()); // a client that went away; its queries are its own loss
  socket.on('close', () => connections.delete(socket));
  socket.on('data', (chunk: Buffer) => {
    const octets = partial.length > 0 ? Buffer.concat([partial, chunk]) : chunk;
    const frames = frameCount(octets);
    const answers = Buffer.allocUnsafe(octets.length + frames * (ANSWER_OCTETS + OPT_OCTETS));
    let at = 0;
    let size = 0;
    for (let frame = 0; frame < frames; frame++) {
      const end = at + 2 + octets.readUInt16BE(at);
      const answerOctets = writeAnswer(octets, at + 2, end, answers, size + 2);
      if (answerOctets > 0) size = answers.writeUInt16BE(answerOctets, size) + answerOctets;
      at = end;
    }
    partial = octets.subarray(at);
    if (size > 0) socket.write(answers.subarray(0, size));
    if (partial.length > PARTIAL_OCTETS_MAX) socket.destroy();
  });
}

/** How many whole frames of length and message there are. */
function frameCount(octets: Buffer): number {
  let count = 0;
  let at = 0;
  while (at + 2 <= octets.length) {
    at += 2 + octets.readUInt16BE(at);
    if (at > octets.length) break;
    count += 1;
  }
  return count;
}

/** Answers the query from `start` to `end`; says how many octets it wrote at `to`, 0 for what is no query. */
function writeAnswer(
  query: Buffer,
  start: number,
  end: number,
  answer: Buffer,
  to: number,
): number {
  const questionStop = questionEnd(query, start, end);
  if (questionStop < 0 || (query[start + 2]! & 0x80) !== 0) return 0;
  const isAddress = query.readUInt16BE(questionStop - 4) === RTYPE.A;
  const hasOpt = query.readUInt16BE(start + 10) > 0;
  query.copy(answer, to, start, questionStop);
  let at = to + questionStop - start;
  answer[to + 2] = 0x80 | (query[start + 2]! & 0x01); // QR, RD as asked
  answer[to + 3] = 0x80; // RA, NOERROR
  answer.writeUInt16BE(isAddress ? 1 : 0, to + 6);
  answer.writeUInt16BE(0, to + 8);
  answer.writeUInt16BE(hasOpt ? 1 : 0, to + 10);
  if (isAddress) {
    at = answer.writeUInt16BE(0xc000 | HEADER_OCTETS, at);
    at = answer.writeUInt32BE((RTYPE.A << 16) | 1, at);
    at = answer.writeUInt32BE(TTL_SECONDS, at);
    at = answer.writeUInt16BE(4, at);
    at = answer.writeInt32BE(addressOfName(query, start + HEADER_OCTETS, questionStop - 4), at);
  }
  if (hasOpt) at = writeOpt(answer, at);
  return at - to;
}

function writeOpt(answer: Buffer, to: number): number {
  answer.fill(0, to, to + OPT_OCTETS);
  answer.writeUInt16BE(RTYPE.OPT, to + 1);
  answer.writeUInt16BE(EDNS_UDP_SIZE, to + 3);
  return to + OPT_OCTETS;
}

function closeAll(tcp: Server, udp: UdpSocket, connections: Set<Socket>): void {
  tcp.close();
  udp.close();
  for (const socket of connections) socket.destroy();
}

if (import.meta.main) {
  const upstream = await startUpstream();
  console.log(upstream.port);
  process.stdin.on('close', () => process.exit()).resume();
}
