/**
 * The sockets that responders read, opened here or adopted: for each address and thread one of UDP and one of TCP, all of an address
 * in one SO_REUSEPORT group, of which the kernel chooses one by the client's address and port.
 */
import { hostPort } from '../base/ip-address.ts';
import type { Log } from '../base/log.ts';
import type { Libc } from '../os/libc.ts';
import { listen, openListener } from '../os/listening-socket.ts';
import { readSocketAddress, type SocketAddress, writeSocketAddress } from '../os/socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from '../os/socket-octets.ts';
import {
  isAddressMissing,
  openUdpSocket,
  RECEIVE_BUFFER_BYTES,
  receivePacketInfo,
  receiveTimestamps,
  setReceiveBuffer,
  turnAway,
} from '../os/udp-socket.ts';
import type { AdoptedSockets } from './adopted-sockets.ts';
import { bindHosts, type Listener } from './client.ts';
import type { ResponderSocket } from './responder-loop.ts';
import { TCP_BACKLOG } from './tcp-limits.ts';

export interface OpenUdpSocket extends ResponderSocket {
  /** Which reads it. */
  readonly thread: number;
}

export interface OpenTcpListener {
  readonly fd: number;
  /** Never given twice in a process, to neither kind. */
  readonly id: number;
  readonly listener: number;
  readonly thread: number;
}

export interface OpenSockets {
  readonly udp: OpenUdpSocket[];
  readonly tcp: OpenTcpListener[];
}

export class ResponderSockets {
  readonly #libc: Libc;
  readonly #log: Log;
  readonly #adopted: AdoptedSockets;
  readonly #threadCount: number;
  #nextId = 0;

  constructor(libc: Libc, log: Log, adopted: AdoptedSockets, threadCount: number) {
    this.#libc = libc;
    this.#log = log;
    this.#adopted = adopted;
    this.#threadCount = threadCount;
  }

  /** All of these listeners; throws the system's error where an address cannot be bound, and has opened none then. */
  open(listeners: readonly Listener[]): OpenSockets {
    const opened: OpenSockets = { udp: [], tcp: [] };
    try {
      for (const listener of listeners) {
        for (const host of bindHosts(listener)) {
          this.#openTcp(listener, host, opened);
          this.#openUdp(listener, host, opened);
        }
      }
      return opened;
    } catch (error) {
      for (const { fd } of [...opened.udp, ...opened.tcp]) this.#libc.close(fd);
      throw error;
    }
  }

  /** A process beside us that serves the same address gets the datagrams that come from now on. */
  turnAway({ fd, own }: ResponderSocket): void {
    const { host, port } = readSocketAddress(own, 0);
    try {
      turnAway(this.#libc, fd, host.includes(':'));
    } catch (error) {
      const what = `${hostPort(host, port)}/udp: queries may be lost as it closes`;
      this.#log.warn(`${what}: ${(error as Error).message}`);
    }
  }

  #openUdp(listener: Listener, host: string, { udp }: OpenSockets): void {
    const { port } = listener;
    const isWildcard = host === '0.0.0.0' || host === '::';
    for (let thread = 0; thread < this.#threadCount; thread++) {
      const fd =
        this.#adopted.take('udp', host, port) ??
        this.#openOne(listener, host, (address) => openUdpSocket(this.#libc, address));
      if (fd === undefined) continue;
      const own = new Uint8Array(SOCKET_ADDRESS_SIZE);
      writeSocketAddress(own, 0, { host, port });
      udp.push({ fd, id: this.#nextId++, listener: listener.id, own, isWildcard, thread });
      const size = this.#setUp(fd, host, isWildcard);
      const where = hostPort(host, port);
      if (thread === 0) this.#log.info(`${where}/udp: receive buffer ${size} bytes`);
    }
  }

  #openTcp(listener: Listener, host: string, { tcp }: OpenSockets): void {
    let hasAdopted = false;
    for (let thread = 0; thread < this.#threadCount; thread++) {
      const adopted = this.#adopted.take('tcp', host, listener.port);
      hasAdopted ||= adopted !== undefined;
      const fd = adopted ?? this.#openListener(listener, host, hasAdopted);
      if (fd === undefined) continue;
      tcp.push({ fd, id: this.#nextId++, listener: listener.id, thread });
      if (adopted !== undefined) listen(this.#libc, fd, TCP_BACKLOG);
    }
  }

  /** One that was handed over may let no other join its address: then the first thread has all connections there. */
  #openListener(listener: Listener, host: string, hasAdopted: boolean): number | undefined {
    try {
      const open = (address: SocketAddress) => openListener(this.#libc, address, TCP_BACKLOG);
      return this.#openOne(listener, host, open);
    } catch (error) {
      if (hasAdopted && (error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
      throw error;
    }
  }

  /** Undefined where the family does not exist here and another one is there too. */
  #openOne(
    listener: Listener,
    host: string,
    open: (address: SocketAddress) => number,
  ): number | undefined {
    try {
      return open({ host, port: listener.port });
    } catch (error) {
      if (bindHosts(listener).length > 1 && isAddressMissing(error)) return undefined;
      throw error;
    }
  }

  #setUp(fd: number, host: string, isWildcard: boolean): number {
    receiveTimestamps(this.#libc, fd);
    if (isWildcard) receivePacketInfo(this.#libc, fd, host.includes(':'));
    return setReceiveBuffer(this.#libc, fd, RECEIVE_BUFFER_BYTES);
  }
}
