/**
 * Sockets for the tests of this room: our own on loopback, closed when the test ends, and node:dgram's at the other end.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { loadLibc, OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { describeSocket, openUdpSocket } from '../../src/os/udp-socket.ts';
import { Arrivals } from '../support/arrivals.ts';

/** A reason to skip what needs the C library, or false. */
export const skipWithoutLibc = loadLibc() instanceof Error && 'the C library cannot be called here';

export interface OwnSocket {
  readonly fd: number;
  readonly port: number;
}

/** A socket bound to a free port of `host`. */
export function open(t: TestContext, host = '127.0.0.1'): OwnSocket {
  const libc = requireLibc();
  const fd = openUdpSocket(libc, { host, port: 0 });
  t.after(() => libc.close(fd));
  return { fd, port: describeSocket(libc, fd)!.address.port };
}

/** Waits until something has arrived. */
export function waitReadable(fd: number): void {
  const libc = requireLibc();
  const set = new Pinned(libc, 8);
  set.words[0] = fd;
  set.words[1] = OS.POLLIN;
  if (libc.poll(set.address, 1, 5000) !== 1) throw new Error('nothing has arrived within 5 s');
}

/** A client's socket; what it gets, with the address it came from. */
export class Peer {
  readonly socket: Socket;
  readonly #arrivals = new Arrivals<{ text: string; from: RemoteInfo }>('datagram');

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (octets, from) => this.#arrivals.push({ text: octets.toString(), from }));
  }

  static async open(t: TestContext, host = '127.0.0.1'): Promise<Peer> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.bind(0, host);
    await once(socket, 'listening');
    t.after(() => socket.close());
    return new Peer(socket);
  }

  async send(text: string, port: number, host = '127.0.0.1'): Promise<void> {
    const sent = Promise.withResolvers<void>();
    this.socket.send(text, port, host, (error) => (error ? sent.reject(error) : sent.resolve()));
    await sent.promise;
  }

  receive(): Promise<{ text: string; from: RemoteInfo }> {
    return this.#arrivals.next();
  }
}
