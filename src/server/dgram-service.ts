/**
 * UDP through `node:dgram`, on the resolver's own thread: for machines where koffi cannot load, or by choice. Slower and
 * without packet information, so that a wildcard is served by one socket per address of the machine. The answers are made by
 * the very same code.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { hostPort } from '../base/ip-address.ts';
import type { Log } from '../base/log.ts';
import { writeSocketAddress } from '../os/socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from '../os/socket-octets.ts';
import { UDP_REPLY_SIZE_MAX } from '../wire/registry.ts';
import type { AdoptedSockets } from './adopted-sockets.ts';
import { type ArrivalHandler, bindHosts, type Client, type Listener, type Peer } from './client.ts';
import { canBeAnswered } from './source-check.ts';

/** node:dgram asks with SO_RCVBUF, which the system's limit bounds; 212,992 bytes hold 256 datagrams. */
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;

export interface DgramServiceOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly adopted: AdoptedSockets;
  readonly onArrival: ArrivalHandler;
  /** A datagram came to this listener from where nobody can be answered. */
  readonly onIgnored: (listener: number) => void;
}

export class DgramService {
  /** Replies that the kernel refused. */
  sendFailures = 0;
  readonly #options: DgramServiceOptions;
  readonly #sockets = new Map<number, Socket[]>();

  constructor(options: DgramServiceOptions) {
    this.#options = options;
  }

  /** As `ClientService`. */
  async serve(listeners: readonly Listener[]): Promise<void> {
    const wanted = new Set(listeners.map(({ id }) => id));
    const opened = new Map<number, Socket[]>();
    try {
      for (const listener of listeners) {
        if (!this.#sockets.has(listener.id)) opened.set(listener.id, await this.#open(listener));
      }
    } catch (error) {
      for (const socket of [...opened.values()].flat()) socket.close();
      throw error;
    }
    for (const [id, sockets] of opened) this.#sockets.set(id, sockets);
    for (const [id, sockets] of this.#sockets) {
      if (wanted.has(id)) continue;
      this.#sockets.delete(id);
      for (const socket of sockets) socket.close();
    }
  }

  /** Takes no more queries, waits for `answered`, closes the sockets. */
  async close(answered: () => Promise<void>): Promise<void> {
    for (const socket of [...this.#sockets.values()].flat()) socket.removeAllListeners('message');
    await answered();
    // node:dgram looks up even an address before it sends: the last answers leave a tick later.
    await nextTurn();
    const sockets = [...this.#sockets.values()].flat();
    this.#sockets.clear();
    await Promise.all(
      sockets.map((socket) => {
        const closed = once(socket, 'close');
        socket.close();
        return closed;
      }),
    );
  }

  async #open(listener: Listener): Promise<Socket[]> {
    const sockets: Socket[] = [];
    const wildcard = listener.host === '' || listener.host === '0.0.0.0' || listener.host === '::';
    const hosts = wildcard ? bindHosts(listener).flatMap(machineAddresses) : [listener.host];
    for (const host of hosts) sockets.push(await this.#openOne(listener, host));
    return sockets;
  }

  async #openOne(listener: Listener, host: string): Promise<Socket> {
    const { adopted, log } = this.#options;
    const isIpv6 = host.includes(':');
    const socket = createSocket({
      type: isIpv6 ? 'udp6' : 'udp4',
      reusePort: true,
      ipv6Only: isIpv6,
    });
    const fd = adopted.take('udp', host, listener.port);
    const listening = once(socket, 'listening');
    if (fd === undefined) socket.bind(listener.port, host);
    else socket.bind({ fd });
    await listening;
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    const size = socket.getRecvBufferSize();
    log.info(`${hostPort(host, listener.port)}/udp: receive buffer ${size} bytes`);
    socket.on('error', (error) => {
      this.sendFailures += 1;
      log.error(`${hostPort(host, listener.port)}: ${error.message}`);
    });
    socket.on('message', (message, from) => this.#take(socket, listener, message, from));
    return socket;
  }

  #take(socket: Socket, listener: Listener, message: Buffer, from: RemoteInfo): void {
    if (!isAnswerable(from, socket)) {
      this.#options.onIgnored(listener.id);
      return;
    }
    this.#options.onArrival({
      query: message,
      client: new DgramClient(socket, from),
      listener: listener.id,
      receivedAtMs: this.#options.clock.nowMs(),
    });
  }
}

class DgramClient implements Client {
  readonly protocol = 'udp';
  readonly replySizeMax = UDP_REPLY_SIZE_MAX;
  readonly #socket: Socket;
  readonly #from: RemoteInfo;

  constructor(socket: Socket, from: RemoteInfo) {
    this.#socket = socket;
    this.#from = from;
  }

  get source(): string {
    return this.#from.address;
  }

  peer(): Peer {
    return { host: this.#from.address, port: this.#from.port };
  }

  send(reply: Uint8Array): void {
    try {
      this.#socket.send(reply.slice(), this.#from.port, this.#from.address);
    } catch {
      // The socket was closed while the answer was on its way: its listener is gone.
    }
  }

  drop(): void {}
}

function isAnswerable(from: RemoteInfo, socket: Socket): boolean {
  return canBeAnswered(addressOf(from.address, from.port), 0, ownAddress(socket));
}

/** Of each socket, made once. */
const ownAddresses = new WeakMap<Socket, Uint8Array>();

function ownAddress(socket: Socket): Uint8Array {
  let own = ownAddresses.get(socket);
  if (own === undefined) {
    const { address, port } = socket.address();
    own = addressOf(address, port);
    ownAddresses.set(socket, own);
  }
  return own;
}

function addressOf(host: string, port: number): Uint8Array {
  const octets = new Uint8Array(SOCKET_ADDRESS_SIZE);
  const [withoutZone = ''] = host.split('%');
  writeSocketAddress(octets, 0, { host: withoutZone, port });
  return octets;
}

/** The machine's addresses of a wildcard's family. */
function machineAddresses(wildcard: string): string[] {
  const family = wildcard.includes(':') ? 'IPv6' : 'IPv4';
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter((address) => address.family === family)
      .map(({ address }) => (address.startsWith('fe80:') ? `${address}%${name}` : address)),
  );
}
