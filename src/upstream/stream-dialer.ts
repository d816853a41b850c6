/**
 * Opens streams to one upstream: plain TCP or TLS (RFC 7858). Both give the same socket to `tcp-connection.ts`; which one it
 * is shows only here. TLS is loaded when a first upstream wants it, since most forwards never do.
 */
import { readFileSync } from 'node:fs';
import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { setUserTimeout, writeAtOnce } from '../os/tcp-socket.ts';
import type { Endpoint, ForwardOptions } from './options.ts';

/** Probes of the kernel start after this much silence, well before a busy connection's `expire` of 10 s. */
const KEEPALIVE_DELAY_MS = 5000;

/**
 * A path that swallows packets says nothing; the kernel notices it when retransmissions are not acknowledged. Three fit in
 * (after 200, 600 and 750 ms), and those who wait can still be answered elsewhere within a second. A server that is slow
 * but there acknowledges. Where the option cannot be set, `read_timeout` ends such a connection.
 */
const UNACKNOWLEDGED_MAX_MS = 750;

export interface StreamDialer {
  readonly carriage: 'tcp' | 'tls';
  /** `established` runs once the stream may be written to: connected, or with TLS verified. */
  dial(onread: OnReadOpts, established: () => void): Socket;
  /** Writes `size` octets, which `fill` puts at the beginning of what it is given. */
  write(socket: Socket, size: number, fill: (octets: Uint8Array) => void): void;
}

/** Throws where a certificate or key cannot be read. */
export function createStreamDialer(endpoint: Endpoint, options: ForwardOptions): StreamDialer {
  return endpoint.transport === 'dns'
    ? new TcpDialer(endpoint, options)
    : new TlsDialer(endpoint, options);
}

function tcpOptions({ host, port }: Endpoint, { sourceAddress }: ForwardOptions) {
  return {
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_DELAY_MS,
    ...(sourceAddress === undefined ? {} : { localAddress: sourceAddress }),
  };
}

class TcpDialer implements StreamDialer {
  readonly carriage = 'tcp';
  readonly #options: ReturnType<typeof tcpOptions>;

  constructor(endpoint: Endpoint, options: ForwardOptions) {
    this.#options = tcpOptions(endpoint, options);
  }

  dial(onread: OnReadOpts, established: () => void): Socket {
    return watched(connect({ ...this.#options, onread }, established));
  }

  write(socket: Socket, size: number, fill: (octets: Uint8Array) => void): void {
    writeAtOnce(socket, size, fill);
  }
}

class TlsDialer implements StreamDialer {
  readonly carriage = 'tls';
  readonly #options: ConnectionOptions;
  /** The newest session of the upstream: the next handshake is shorter by a certificate (RFC 8446 §2.2). */
  #session: Buffer | undefined;

  constructor(endpoint: Endpoint, options: ForwardOptions) {
    this.#options = {
      ...tcpOptions(endpoint, options),
      ...tlsOptions(endpoint, options),
      ALPNProtocols: ['dot'],
    };
  }

  dial(onread: OnReadOpts, established: () => void): Socket {
    const tls = process.getBuiltinModule('node:tls');
    const options: ConnectionOptions & { onread: OnReadOpts } = { ...this.#options, onread };
    if (this.#session !== undefined) options.session = this.#session;
    const socket: TLSSocket = tls.connect(options, established);
    socket.on('session', (session) => {
      this.#session = session;
    });
    return watched(socket);
  }

  write(socket: Socket, size: number, fill: (octets: Uint8Array) => void): void {
    const octets = Buffer.allocUnsafe(size);
    fill(octets);
    socket.write(octets);
  }
}

function watched<Stream extends Socket>(socket: Stream): Stream {
  // There is no descriptor before.
  socket.once('connect', () => setUserTimeout(socket, UNACKNOWLEDGED_MAX_MS));
  return socket;
}

/** The name to verify and to send as SNI, with CA and client certificate; an IP address is verified as such and not sent. */
export function tlsOptions(
  endpoint: Endpoint,
  options: ForwardOptions,
): Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'> {
  const { caPath, certPath, keyPath, serverName } = options.tls;
  const name = endpoint.serverName ?? serverName ?? endpoint.host;
  return {
    ...(caPath === undefined ? {} : { ca: readFileSync(caPath) }),
    ...(certPath === undefined ? {} : { cert: readFileSync(certPath) }),
    ...(keyPath === undefined ? {} : { key: readFileSync(keyPath) }),
    ...(isIP(name) === 0 ? { servername: name } : {}),
  };
}
