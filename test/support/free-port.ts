/**
 * Port numbers for programs that must be told theirs, such as the daemon as a child process. They are free for UDP and
 * TCP at the moment of asking; another program may take one before it is used, so who uses them tries a second time.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Bounds the search on a machine whose ports are all but used up. */
const TRIES_MAX = 100;

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
  const udp = createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const { port } = udp.address();
  const tcp = createServer();
  try {
    tcp.listen(port, '127.0.0.1');
    await once(tcp, 'listening');
    return { port, udp, tcp };
  } catch {
    udp.close(); // the number is taken on TCP: the caller tries another
    return undefined;
  }
}
