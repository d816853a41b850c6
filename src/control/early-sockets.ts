/**
 * Sockets for the served addresses, open before the addresses are there: when an address appears, what is sent to it waits in a
 * queue until somebody answers, and nobody meets a closed port. The servers take them as they take sockets that another
 * process hands over.
 *
 * Where another process serves an address already, an open socket would take a share of its clients from the first moment on, who
 * would then wait for our start. There the servers open their sockets themselves, once they can answer; until then a parked
 * socket, which gets nothing, shows the other one that it is not the last. When it leaves before we serve, ours open at once.
 */
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { boundAddresses, type Interfaces } from '../directives/bind.ts';
import type { ServerConfig } from '../directives/server-config.ts';
import { type BindOptions, openBoundSocket, type SocketKind } from '../os/bound-socket.ts';
import { isServedByOthers } from '../os/bound-sockets.ts';
import type { Libc } from '../os/libc.ts';
import { listen } from '../os/listening-socket.ts';
import { ProcFiles } from '../os/proc-files.ts';
import type { SocketAddress } from '../os/socket-address.ts';
import type { AdoptedSockets } from '../server/adopted-sockets.ts';
import { TCP_BACKLOG } from '../server/tcp-limits.ts';

/** Between two looks at whether the other process still serves; a look takes 60 us. */
const LOOK_EVERY_MS = 10;

export interface EarlySocketOptions {
  readonly libc: Libc;
  readonly addresses: readonly string[];
  /** Of `-interfacename`: a `bind` may name it before it is there. */
  readonly interfaceName: string;
  /** Sockets an address, of UDP and of TCP: one a responder. */
  readonly socketCount: number;
  /** Whether another process serves it. */
  readonly isServedByOthers?: (host: string, port: number) => boolean;
}

export class EarlySockets {
  readonly #adopted: AdoptedSockets;
  readonly #options: EarlySocketOptions;
  readonly #isServedByOthers: (host: string, port: number) => boolean;
  /** Addresses that another process serves, and the parked socket at each. */
  readonly #waiting = new Map<SocketAddress, number | undefined>();
  #timer: NodeJS.Timeout | undefined;

  constructor(adopted: AdoptedSockets, options: EarlySocketOptions) {
    const proc = new ProcFiles();
    this.#adopted = adopted;
    this.#options = options;
    this.#isServedByOthers =
      options.isServedByOthers ?? ((host, port) => isServedByOthers(proc, host, port));
  }

  /**
   * Opens what the blocks bind of the addresses, and is not handed over already. What cannot be had is left to the servers to
   * report. Returns the addresses that another process serves: they are opened if it leaves before `end`.
   */
  open(servers: readonly ServerConfig[]): readonly SocketAddress[] {
    const { libc, interfaceName, addresses } = this.#options;
    const interfaces = interfacesWith(interfaceName, addresses);
    for (const { host, port } of wantedBy(servers, addresses, interfaces).values()) {
      if (this.#isServedByOthers(host, port)) {
        const parked = openOne(libc, 'udp', { host, port }, { isParked: true });
        this.#waiting.set({ host, port }, parked);
      } else this.#openAt({ host, port });
    }
    if (this.#waiting.size > 0) this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    return [...this.#waiting.keys()];
  }

  /** The servers open what is still missing, now. */
  end(): void {
    clearInterval(this.#timer);
  }

  /** The servers serve. */
  close(): void {
    for (const parked of this.#waiting.values()) {
      if (parked !== undefined) this.#options.libc.close(parked);
    }
    this.#waiting.clear();
  }

  #look(): void {
    for (const [address, parked] of this.#waiting) {
      if (this.#isServedByOthers(address.host, address.port)) continue;
      this.#openAt(address);
      this.#waiting.delete(address);
      if (parked !== undefined) this.#options.libc.close(parked);
    }
  }

  #openAt({ host, port }: SocketAddress): void {
    const { libc, socketCount } = this.#options;
    for (const kind of ['udp', 'tcp'] as const) {
      if (this.#adopted.has(kind, host, port)) continue;
      for (let number = 0; number < socketCount; number++) {
        const fd = openOne(libc, kind, { host, port });
        if (fd === undefined) break;
        if (kind === 'tcp') listen(libc, fd, TCP_BACKLOG);
        this.#adopted.add(kind, host, port, fd, false);
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
): Map<string, SocketAddress> {
  const wanted = new Map<string, SocketAddress>();
  for (const { bind, zones } of servers) {
    for (const host of bind ? boundAddresses(bind, interfaces) : []) {
      if (!addresses.includes(host)) continue;
      for (const { port } of zones) wanted.set(`${host} ${port}`, { host, port });
    }
  }
  return wanted;
}

function openOne(
  libc: Libc,
  kind: SocketKind,
  address: SocketAddress,
  options: BindOptions = {},
): number | undefined {
  try {
    return openBoundSocket(libc, kind, address, { isFree: true, ...options });
  } catch {
    // Taken by another program, or no such family here: the server that wants it says so. A kernel that cannot park goes without.
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
