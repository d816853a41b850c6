/**
 * Sockets for the served addresses, open before the addresses are there: when an address appears, what is sent to it waits in a
 * queue until somebody answers, and nobody meets a closed port. The servers take them as they take sockets that another
 * process hands over.
 */
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { boundAddresses, type Interfaces } from '../directives/bind.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import { openBoundSocket } from '../os/bound-socket.ts';
import type { Libc } from '../os/libc.ts';
import type { AdoptedSockets } from '../server/adopted-sockets.ts';
import { TCP_BACKLOG } from '../server/tcp-service.ts';

export interface EarlySocketOptions {
  readonly libc: Libc;
  readonly addresses: readonly string[];
  /** Of `-interfacename`: a `bind` may name it before it is there. */
  readonly interfaceName: string;
  /** UDP sockets an address: one a responder. */
  readonly udpCount: number;
}

/** Opens what the blocks bind of these addresses, and is not handed over already. What cannot be had is left to the servers to report. */
export function openEarly(
  adopted: AdoptedSockets,
  servers: readonly ServerConfig[],
  options: EarlySocketOptions,
): void {
  const interfaces = interfacesWith(options.interfaceName, options.addresses);
  for (const { host, port } of wantedBy(servers, options.addresses, interfaces).values()) {
    for (const kind of ['udp', 'tcp'] as const) {
      if (adopted.has(kind, host, port)) continue;
      const count = kind === 'udp' ? options.udpCount : 1;
      for (let number = 0; number < count; number++) {
        const fd = openOne(options.libc, kind, host, port);
        if (fd === undefined) break;
        adopted.add(kind, host, port, fd, false);
      }
    }
  }
}

/** The machine's interfaces, and our own as it will be. */
export function interfacesWith(name: string, addresses: readonly string[]): Interfaces {
  const present = networkInterfaces();
  return { ...present, [name]: [...(present[name] ?? []), ...addresses.map(infoOf)] };
}

function wantedBy(
  servers: readonly ServerConfig[],
  addresses: readonly string[],
  interfaces: Interfaces,
): Map<string, { host: string; port: number }> {
  const wanted = new Map<string, { host: string; port: number }>();
  for (const { bind, zones } of servers) {
    for (const host of bind ? boundAddresses(bind, interfaces) : []) {
      if (!addresses.includes(host)) continue;
      for (const { port } of zones) wanted.set(`${host} ${port}`, { host, port });
    }
  }
  return wanted;
}

function openOne(libc: Libc, kind: 'udp' | 'tcp', host: string, port: number): number | undefined {
  try {
    const fd = openBoundSocket(libc, kind, { host, port }, true);
    if (kind === 'tcp') libc.listen(fd, TCP_BACKLOG);
    return fd;
  } catch {
    // Taken by another program, or no such family here: the server that wants it says so.
    return undefined;
  }
}

function infoOf(address: string): NetworkInterfaceInfo {
  const shared = { address, mac: '00:00:00:00:00:00', internal: false };
  return address.includes(':')
    ? {
        ...shared,
        family: 'IPv6',
        netmask: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
        cidr: `${address}/128`,
        scopeid: 0,
      }
    : { ...shared, family: 'IPv4', netmask: '255.255.255.255', cidr: `${address}/32` };
}
