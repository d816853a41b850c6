/**
 * Where the frames of a `dnstap` line go: one sink that we connect to, again and again, or those that have connected to us. Bounded:
 * messages that wait, octets in a connection, sinks; what is beyond is dropped and counted, and nobody waits for it.
 */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../base/log.ts';
import type { DnstapOptions, DnstapSocket } from './dnstap.ts';
import { FrameWriter } from './frame-stream.ts';

/** CoreDNS tries again as often. */
const RECONNECT_MS = 1_000;
/** Who connects and does not say so in time is no sink. */
const HANDSHAKE_TIMEOUT_MS = 5_000;
/** More than anybody has collectors on a node. */
export const SINKS_MAX = 16;

export interface TapSinkDependencies {
  readonly log: Log;
  readonly onDropped: (count: number) => void;
  readonly onSinkRefused: () => void;
}

export interface TapSink {
  /** Takes a frame, or drops it. */
  push(frame: Uint8Array): void;
  close(): void;
}

/** A sink that we connect to. */
export class ConnectedSink implements TapSink {
  readonly #options: DnstapOptions;
  readonly #deps: TapSinkDependencies;
  #queue: Uint8Array[] = [];
  #writer: FrameWriter | undefined;
  #takesMore = true;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #hasComplained = false;

  constructor(options: DnstapOptions, deps: TapSinkDependencies) {
    this.#options = options;
    this.#deps = deps;
    this.#connect();
  }

  push(frame: Uint8Array): void {
    if (this.#queue.length >= this.#options.queueMax) {
      this.#deps.onDropped(1);
      return;
    }
    this.#queue.push(frame);
    this.#flush();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#flush();
    this.#writer?.close();
    if (this.#queue.length > 0) this.#deps.onDropped(this.#queue.length);
    this.#queue = [];
  }

  #connect(): void {
    const socket = dial(this.#options);
    socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () =>
      socket.destroy(new Error('no handshake in time')),
    );
    this.#writer = new FrameWriter(socket, {
      onReady: () => {
        socket.setTimeout(0);
        this.#hasComplained = false;
        this.#takesMore = true;
        this.#flush();
      },
      onDrain: () => {
        this.#takesMore = true;
        this.#flush();
      },
      onEnd: (problem) => this.#ended(problem),
    });
    socket.unref();
  }

  #ended(problem: string | undefined): void {
    if (this.#isClosed) return;
    if (!this.#hasComplained) {
      this.#hasComplained = true;
      this.#deps.log.warn(`no connection to ${socketText(this.#options.socket)}: ${problem}`);
    }
    this.#timer = setTimeout(() => this.#connect(), RECONNECT_MS);
    this.#timer.unref();
  }

  #flush(): void {
    const writer = this.#writer;
    if (writer?.isReady !== true) return;
    let sent = 0;
    while (this.#takesMore && sent < this.#queue.length) {
      this.#takesMore = writer.write(this.#queue[sent++]!);
    }
    if (sent > 0) this.#queue = this.#queue.slice(sent);
  }
}

/** Sinks that connect to us; each gets what comes from then on, and one that is too slow is let go. */
export class ListeningSink implements TapSink {
  readonly #options: DnstapOptions;
  readonly #deps: TapSinkDependencies;
  readonly #server: Server;
  readonly #writers = new Set<FrameWriter>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #hasComplained = false;

  constructor(options: DnstapOptions, deps: TapSinkDependencies) {
    this.#options = options;
    this.#deps = deps;
    this.#server = serverFor(options, (socket) => this.#welcome(socket));
    this.#server.on('error', (error) => this.#refused(error));
    this.#listen();
  }

  push(frame: Uint8Array): void {
    for (const writer of this.#writers) {
      if (!writer.isReady || writer.write(frame)) continue;
      this.#deps.onDropped(1);
      this.#deps.log.warn(`a sink of ${socketText(this.#options.socket)} is too slow: let go`);
      writer.close();
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#server.close();
    for (const writer of this.#writers) writer.close();
  }

  #listen(): void {
    const { socket } = this.#options;
    if (socket.kind === 'unix') this.#server.listen(socket.path);
    else this.#server.listen(socket.port, socket.host === '' ? undefined : socket.host);
    this.#server.unref();
  }

  /** The address may be held by the configuration before this one, which goes soon, or its socket file by nobody any more. */
  #refused({ code, message }: NodeJS.ErrnoException): void {
    if (!this.#hasComplained && !this.#isClosed) {
      this.#hasComplained = true;
      this.#deps.log.warn(`cannot listen on ${socketText(this.#options.socket)} yet: ${message}`);
    }
    const { socket } = this.#options;
    if (code === 'EADDRINUSE' && socket.kind === 'unix') removeIfDead(socket.path);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => this.#listen(), RECONNECT_MS);
    this.#timer.unref();
  }

  #welcome(socket: Socket): void {
    if (this.#writers.size >= SINKS_MAX) {
      this.#deps.onSinkRefused();
      socket.destroy();
      return;
    }
    socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () =>
      socket.destroy(new Error('no handshake in time')),
    );
    const writer: FrameWriter = new FrameWriter(socket, {
      onReady: () => socket.setTimeout(0),
      onDrain: () => {},
      onEnd: () => this.#writers.delete(writer),
    });
    this.#writers.add(writer);
  }
}

function dial({ socket, skipsVerification, writeBufferBytes }: DnstapOptions): Socket {
  const limits = { writableHighWaterMark: writeBufferBytes };
  if (socket.kind === 'unix') return connect({ path: socket.path, ...limits });
  const { host, port } = socket;
  if (socket.kind === 'tcp') return connect({ host, port, ...limits });
  return process
    .getBuiltinModule('node:tls')
    .connect({ host, port, servername: host, rejectUnauthorized: !skipsVerification });
}

function serverFor(options: DnstapOptions, onSocket: (socket: Socket) => void): Server {
  const { socket, tls, writeBufferBytes: highWaterMark } = options;
  if (socket.kind !== 'tls' || tls === undefined) return createServer({ highWaterMark }, onSocket);
  const ca = tls.caPath === undefined ? undefined : readFileSync(tls.caPath);
  const asksForCertificate = ca !== undefined && !options.skipsVerification;
  return process.getBuiltinModule('node:tls').createServer(
    {
      cert: readFileSync(tls.certPath),
      key: readFileSync(tls.keyPath),
      ...(ca && { ca }),
      requestCert: asksForCertificate,
      rejectUnauthorized: asksForCertificate,
    },
    onSocket,
  );
}

/** Removes a socket file behind which nobody listens. */
function removeIfDead(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const probe = connect({ path }, () => probe.destroy());
  probe.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'ECONNREFUSED') rmSync(path, { force: true });
  });
}

function socketText(socket: DnstapSocket): string {
  return socket.kind === 'unix' ? socket.path : `${socket.kind}://${socket.host}:${socket.port}`;
}
