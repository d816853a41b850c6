/**
 * A process inside a namespace of test-node.ts. It answers at port 53 of the addresses given as arguments, over UDP and TCP,
 * with its own mark, and asks as the lines of its standard input say; each answer is a line of its standard output.
 *
 *     peer-program.ts MARK [ADDRESS...]      {"id":1,"protocol":"udp","address":"169.254.20.10","socket":"a","text":"x"}
 *
 * An answer's text is `MARK ADDRESS SOURCE TEXT`: who, asked at which of its addresses, from where, what.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, isIPv6, type Socket as TcpSocket } from 'node:net';
import { createInterface } from 'node:readline';

export interface Ask {
  readonly id: number;
  readonly protocol: 'udp' | 'tcp';
  readonly address: string;
  readonly text: string;
  /** Asks with the same name share a socket; without one the ask has its own. */
  readonly socket?: string | undefined;
  readonly timeoutMs: number;
}

const PORT = 53;
const [mark = 'peer', ...addresses] = process.argv.slice(2);

for (const address of addresses) {
  const udp = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', reuseAddr: true });
  udp.on('message', (query, { address: source, port }) => {
    udp.send(`${mark} ${address} ${source} ${query}`, port, source);
  });
  udp.bind(PORT, address);
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (query) =>
      socket.write(`${mark} ${address} ${socket.remoteAddress} ${query}`),
    );
  });
  tcp.listen(PORT, address);
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
}
process.stdout.write('{"ready":true}\n');

const udpSockets = new Map<string, UdpSocket>();
const tcpSockets = new Map<string, TcpSocket>();

async function udpSocket({ address, socket: name }: Ask): Promise<UdpSocket> {
  const known = name === undefined ? undefined : udpSockets.get(name);
  if (known) return known;
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.connect(PORT, address);
  await once(socket, 'connect');
  if (name !== undefined) udpSockets.set(name, socket);
  return socket;
}

async function tcpSocket({ address, socket: name, timeoutMs }: Ask): Promise<TcpSocket> {
  const known = name === undefined ? undefined : tcpSockets.get(name);
  if (known) return known;
  const socket = connect(PORT, address);
  await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
  if (name !== undefined) tcpSockets.set(name, socket);
  return socket;
}

async function answer(ask: Ask): Promise<string> {
  const socket = ask.protocol === 'udp' ? await udpSocket(ask) : await tcpSocket(ask);
  const signal = AbortSignal.timeout(ask.timeoutMs);
  try {
    for (;;) {
      const event = ask.protocol === 'udp' ? 'message' : 'data';
      const arrival = once(socket, event, { signal });
      if ('send' in socket) socket.send(ask.text);
      else socket.write(ask.text);
      const [octets] = await arrival;
      const text = String(octets);
      // A late answer to an earlier query of the same socket.
      if (text.endsWith(ask.text)) return text;
    }
  } finally {
    if (ask.socket === undefined) {
      if ('send' in socket) socket.close();
      else socket.destroy();
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line) as Ask;
  answer(ask).then(
    (text) => process.stdout.write(`${JSON.stringify({ id: ask.id, text })}\n`),
    (error) => process.stdout.write(`${JSON.stringify({ id: ask.id, error: String(error) })}\n`),
  );
}
process.exit(0);
