/**
 * Port numbers for programs that must be told theirs, such as the daemon as a child process. They are free for UDP and
 * TCP at the moment of asking; another program may take one before it is used, so who uses them tries a second time.
 */
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Bounds the search on a machine whose ports are all but used up. */
const TRIES_MAX = 100;
/** Below those that the kernel gives to whoever opens a socket meanwhile (net.ipv4.ip_local_port_range). */
const PORT_MIN = 20_000;
const PORT_MAX = 32_767;

/** `count` different ports of 127.0.0.1; all are held until all are found. */
export async function freePorts(count: number): Promise<number[]> {
  const held: { port: number; udp: Socket; tcp: Server }[] = [];
  try {
    for (let tries = 0; held.length < count && tries < TRIES_MAX; tries++) {
      const pair = await holdPort();
      if (pair) held.push(pair);
    }
    if (held.length < count) throw new Error(`no ${count} ports are free for UDP and TCP`);
    return held.map(({ port }) => port);
  } finally {
    await Promise.all(
      held.flatMap(({ udp, tcp }) => [once(udp.close(), 'close'), once(tcp.close(), 'close')]),
    );
  }
}

async function holdPort(): Promise<{ port: number; udp: Socket; tcp: Server } | undefined> {
  const port = randomInt(PORT_MIN, PORT_MAX + 1);
  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  const tcp = createServer().listen(port, '127.0.0.1');
  try {
    await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
    return { port, udp, tcp };
  } catch {
    udp.close(); // the number is taken: the caller tries another
    tcp.close();
    return undefined;
  }
}
