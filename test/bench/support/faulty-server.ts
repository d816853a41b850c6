/**
 * A DNS server over UDP with one fault, in a thread of its own, since the load's loop blocks the thread it runs in.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { addressOfName, questionEnd } from '../../../bench/load/protocol.ts';

export type Fault =
  | 'none'
  | 'twice'
  | 'drops-every-tenth'
  | 'wrong-id'
  | 'lower-case'
  | 'servfail'
  | 'wrong-address'
  | 'no-answer'
  | 'to-the-first-socket'
  | 'late';

export interface FaultyServer {
  readonly port: number;
  close(): Promise<number>;
}

/** Longer than it takes from an empty queue to a look at the replies. */
const LATE_MS = 50;

/** Listens on 127.0.0.1. */
export async function startFaultyServer(fault: Fault): Promise<FaultyServer> {
  const worker = new Worker(new URL(import.meta.url), { workerData: fault });
  const [port] = (await once(worker, 'message')) as [number];
  return { port, close: () => worker.terminate() };
}

if (!isMainThread) {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  serve(socket, workerData as Fault);
  parentPort?.postMessage((socket.address() as AddressInfo).port);
}

/** Answers what comes in on a bound socket. */
export function serve(socket: Socket, fault: Fault): void {
  let count = 0;
  let firstPort = 0;
  socket.on('message', (query, from) => {
    count += 1;
    firstPort ||= from.port;
    if (fault === 'drops-every-tenth' && count % 10 === 0) return;
    const reply = replyTo(query, fault);
    const port = fault === 'to-the-first-socket' ? firstPort : from.port;
    if (fault === 'late') setTimeout(() => socket.send(reply, port, from.address), LATE_MS);
    else socket.send(reply, port, from.address);
    if (fault === 'twice') socket.send(reply, port, from.address);
  });
}

function replyTo(query: Buffer, fault: Fault): Buffer {
  const end = questionEnd(query, 0, query.length);
  const reply = Buffer.concat([query.subarray(0, end), Buffer.alloc(16)]);
  reply[2]! |= 0x80;
  reply[7] = 1;
  reply.set([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4], end);
  reply.writeInt32BE(addressOfName(query, 12, end - 4), end + 12);
  if (fault === 'wrong-id') reply[0]! ^= 0x80;
  if (fault === 'lower-case')
    reply.write(reply.toString('latin1', 12, end).toLowerCase(), 12, 'latin1');
  if (fault === 'servfail') reply[3]! |= 2;
  if (fault === 'wrong-address') reply[end + 15]! ^= 1;
  if (fault === 'no-answer') reply[7] = 0;
  return reply;
}
