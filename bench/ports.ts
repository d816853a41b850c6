/**
 * Free ports for servers that must be told theirs, and the question whether a server answers yet. Only 127.0.0.1.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { encodeQuestions } from './load/questions.ts';
import type { Child } from './processes.ts';

const RESERVE_ATTEMPTS_MAX = 10;
/** Below those that the kernel gives to whoever opens a socket meanwhile (net.ipv4.ip_local_port_range). */
const PORT_MIN = 20_000;
const PORT_MAX = 32_767;
const ASK_INTERVAL_MS = 50;
/** An unoptimised start on a busy machine takes seconds. */
const READY_TIMEOUT_MS = 30_000;

/** A port that was free for UDP and TCP a moment ago. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < RESERVE_ATTEMPTS_MAX; attempt++) {
    const port = randomInt(PORT_MIN, PORT_MAX + 1);
    const udp = createSocket('udp4').bind(port, '127.0.0.1');
    const tcp = createServer().listen(port, '127.0.0.1');
    const isFree = await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]).then(
      () => true,
      () => false,
    );
    udp.close();
    tcp.close();
    if (isFree) return port;
  }
  throw new Error('no port is free for both UDP and TCP');
}

/** Asks the server until it answers with NOERROR; rejects when it ends before or takes too long. */
export async function untilReady(server: Child, port: number): Promise<void> {
  const question = { name: 'ready.bench.example.org', type: 'A', outcome: 'NOERROR' };
  const set = encodeQuestions([question], { edns: false, exactAddress: false });
  if (set instanceof Error) throw set;
  const socket = createSocket('udp4');
  socket.on('error', () => {}); // ECONNREFUSED until the server is there
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.on('message', (reply) => {
    if ((reply[3]! & 0x0f) === 0) resolve();
  });
  let left = READY_TIMEOUT_MS / ASK_INTERVAL_MS;
  const asking = setInterval(() => {
    if (server.hasExited()) reject(new Error(`the server ended:\n${server.errorTail()}`));
    if (left-- === 0) reject(new Error(`the server does not answer:\n${server.errorTail()}`));
    socket.send(set.octets, port, '127.0.0.1');
  }, ASK_INTERVAL_MS);
  try {
    await promise;
  } finally {
    clearInterval(asking);
    socket.close();
  }
}
