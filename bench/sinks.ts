/**
 * Who takes what the daemon's observers tell: a dnstap reader on a Unix socket, and a collector of traces over HTTP. Both count octets
 * and keep none. As a program, `sinks.ts SOCKET`, it prints the collector's port, and exits on SIGTERM or when stdin closes.
 */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { CONTROL, controlFrame } from '../src/directives/frame-stream.ts';
import { type Child, startProcess } from './processes.ts';

/** In a control frame: an escape, a length, then its type. */
const CONTROL_TYPE_AT = 8;
const READY_TIMEOUT_MS = 10_000;

export interface SinkAddresses {
  readonly dnstapPath: string;
  /** On 127.0.0.1, any path. */
  readonly tracePort: number;
}

export interface Sinks extends SinkAddresses {
  readonly received: { dnstapOctets: number; traceOctets: number };
  close(): void;
}

export async function startSinks(dnstapPath: string): Promise<Sinks> {
  const received = { dnstapOctets: 0, traceOctets: 0 };
  const taps = createServer((socket) => {
    acceptFrames(socket);
    socket.on('data', ({ length }) => {
      received.dnstapOctets += length;
    });
  }).listen(dnstapPath);
  const traces = createHttpServer((request, response) => {
    request.on('data', ({ length }) => {
      received.traceOctets += length;
    });
    request.on('end', () => response.writeHead(202).end());
  }).listen(0, '127.0.0.1');
  await Promise.all([once(taps, 'listening'), once(traces, 'listening')]);
  const { port: tracePort } = traces.address() as AddressInfo;
  const close = () => {
    taps.close();
    traces.close();
    traces.closeAllConnections();
  };
  return { dnstapPath, tracePort, received, close };
}

/** The reader's part in a Frame Streams connection: ACCEPT to READY, FINISH at the end. */
function acceptFrames(socket: Socket): void {
  socket.on('error', () => socket.destroy()); // the daemon ended
  socket.once('data', (octets: Buffer) => {
    if (octets.readUInt32BE(CONTROL_TYPE_AT) === CONTROL.READY) {
      socket.write(controlFrame(CONTROL.ACCEPT));
    }
  });
  socket.on('end', () => socket.end(controlFrame(CONTROL.FINISH)));
}

export async function startSinkProcess(
  dnstapPath: string,
  core: number | undefined,
): Promise<{ addresses: SinkAddresses; child: Child }> {
  const child = startProcess([process.execPath, import.meta.filename, dnstapPath], core);
  const tracePort = Number(await child.firstLine(READY_TIMEOUT_MS));
  return { addresses: { dnstapPath, tracePort }, child };
}

if (import.meta.main) {
  const { tracePort } = await startSinks(process.argv[2]!);
  console.log(tracePort);
  process.stdin.on('close', () => process.exit()).resume();
}
