/**
 * Finds out before the start whether the demonstration's ports are free. The daemon opens its sockets with SO_REUSEPORT, so
 * that an old and a new process can serve side by side; two demonstrations would share a port in silence, each with half
 * of the queries. A socket without that option cannot be bound where another one is.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { HOST } from './demo-configuration.ts';
import type { DemoOptions } from './demo-options.ts';

/** Ports below it need privileges, unless net.ipv4.ip_unprivileged_port_start says otherwise. */
const UNPRIVILEGED_FIRST = 1024;
const PORT_MAX = 65_535;

/** Undefined where every port is free; else which one is not, and what to do, in one line. */
export async function portProblem(options: DemoOptions): Promise<string | undefined> {
  const { port, metricsPort } = options;
  return (
    (await problemAt(port, 'UDP', '--port')) ??
    (await problemAt(port, 'TCP', '--port')) ??
    (await problemAt(metricsPort, 'TCP', '--metrics-port'))
  );
}

async function problemAt(
  port: number,
  protocol: 'UDP' | 'TCP',
  flag: string,
): Promise<string | undefined> {
  try {
    await (protocol === 'UDP' ? bindUdp(port) : bindTcp(port));
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const other = port < PORT_MAX ? Math.max(port + 1, UNPRIVILEGED_FIRST) : port - 1;
    const instead = `choose another: npm start -- ${flag} ${other}`;
    const what = `${protocol} port ${port} of ${HOST}`;
    switch (code) {
      case 'EADDRINUSE':
        return `${what} is in use: end the program that has it (another npm start?), or ${instead}`;
      case 'EACCES':
        return `${what} needs privileges: ${instead}`;
      default:
        return `${what} cannot be used (${message}): ${instead}`;
    }
  }
}

async function bindUdp(port: number): Promise<void> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, HOST);
    await once(socket, 'listening');
  } finally {
    socket.close();
  }
}

async function bindTcp(port: number): Promise<void> {
  const server = createServer();
  server.listen(port, HOST);
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}
