/** One question to one server over UDP or TCP, from a socket of its own: what a person does with dig. */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import * as dnsPacket from 'dns-packet';

export interface DnsServer {
  readonly host: string;
  readonly port: number;
}

export interface DnsQuestion {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'NS' | 'SOA';
  readonly protocol: 'udp' | 'tcp';
}

export type DnsAnswer =
  | {
      readonly ok: true;
      readonly rcode: string;
      /** Data of the answer section as text, of the asked type, sorted. */
      readonly data: readonly string[];
      readonly durationMs: number;
    }
  | { readonly ok: false; readonly reason: string };

/** Shorter than a check's time, so that a silent server is told from a slow check. */
const TIMEOUT_MS = 2000;
const UDP_SIZE = 1232;
const ID_MAX = 0x10000;

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (connection refused)',
  EHOSTUNREACH: 'no route, or something rejects it (EHOSTUNREACH)',
  ENETUNREACH: 'no route (ENETUNREACH)',
  EADDRNOTAVAIL: 'no address of this machine can reach it (EADDRNOTAVAIL)',
  EPERM: 'a rule of this machine forbids it (EPERM)',
  ECONNRESET: 'it resets the connection',
};

/** Never rejects. */
export async function askServer(
  server: DnsServer,
  question: DnsQuestion,
  signal: AbortSignal,
): Promise<DnsAnswer> {
  const id = Math.floor(Math.random() * ID_MAX);
  const query = dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type: question.type, name: question.name.replace(/\.$/, '') || '.' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_SIZE,
        flags: 0,
        extendedRcode: 0,
        ednsVersion: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
  const startedAtMs = performance.now();
  const exchange = question.protocol === 'udp' ? overUdp : overTcp;
  try {
    const reply = await exchange(server, query, id, signal);
    return readReply(reply, question, performance.now() - startedAtMs);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { ok: false, reason: REASONS[code ?? ''] ?? message };
  }
}

/** Waits for `result` until the time is over; `close` ends what was opened. */
async function withinTime(
  result: Promise<Buffer>,
  signal: AbortSignal,
  close: () => void,
): Promise<Buffer> {
  const { promise: expiry, reject } = Promise.withResolvers<never>();
  const expire = () => reject(new Error(`no answer within ${TIMEOUT_MS / 1000} s`));
  const timer = setTimeout(expire, TIMEOUT_MS);
  signal.addEventListener('abort', expire, { once: true });
  try {
    return await Promise.race([result, expiry]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', expire);
    close();
  }
}

function overUdp(
  { host, port }: DnsServer,
  query: Buffer,
  id: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  socket.on('error', reject);
  socket.on('message', (reply) => {
    if (reply.length >= 2 && reply.readUInt16BE(0) === id) resolve(reply);
  });
  // Connected, so that a refusal is heard of. A callback would take the error of a missing route for itself.
  socket.once('connect', () => socket.send(query));
  socket.connect(port, host);
  return withinTime(promise, signal, () => socket.close());
}

function overTcp(
  { host, port }: DnsServer,
  query: Buffer,
  id: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const socket = connect(port, host);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let received = Buffer.alloc(0);
  socket.on('error', reject);
  socket.on('end', () => reject(new Error('it closes the connection without an answer')));
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
    const reply = received.subarray(2, 2 + received.readUInt16BE(0));
    if (reply.length >= 2 && reply.readUInt16BE(0) === id) resolve(reply);
    else reject(new Error('what it answers belongs to another question'));
  });
  const size = Buffer.alloc(2);
  size.writeUInt16BE(query.length);
  socket.write(Buffer.concat([size, query]));
  return withinTime(promise, signal, () => socket.destroy());
}

function readReply(reply: Buffer, { type }: DnsQuestion, durationMs: number): DnsAnswer {
  try {
    const { rcode, answers = [] } = dnsPacket.decode(reply) as dnsPacket.DecodedPacket & {
      rcode: string;
    };
    const data = answers
      .filter((answer) => answer.type === type && 'data' in answer)
      .map((answer) => String((answer as { data: unknown }).data))
      .sort();
    return { ok: true, rcode, data, durationMs };
  } catch {
    return { ok: false, reason: 'what it answers is no DNS message' };
  }
}
