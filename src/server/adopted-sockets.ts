/**
 * Listening sockets that are there before the servers are: handed over by another process by descriptor, after systemd's
 * protocol (sd_listen_fds(3): `LISTEN_FDS` says how many, the first is descriptor 3, `LISTEN_PID` must name us), or opened by
 * ourselves ahead of their address. A server takes the ones that are bound to its address before it opens any of its own.
 */
import { hostPort } from '../base/ip-address.ts';
import type { Libc } from '../os/libc.ts';
import { describeSocket } from '../os/udp-socket.ts';

const FIRST_FD = 3;
/** Descriptors looked at; more sockets than this are no sensible hand-over. */
const FDS_MAX = 256;

type Kind = 'udp' | 'tcp';

export interface AdoptedSocket {
  readonly fd: number;
  /** Kind and address, for the log. */
  readonly text: string;
  readonly isHandedOver: boolean;
}

export class AdoptedSockets {
  readonly #sockets = new Map<string, AdoptedSocket[]>();

  add(kind: Kind, host: string, port: number, fd: number, isHandedOver = true): void {
    const text = keyOf(kind, host, port);
    const sockets = this.#sockets.get(text) ?? [];
    sockets.push({ fd, text, isHandedOver });
    this.#sockets.set(text, sockets);
  }

  has(kind: Kind, host: string, port: number): boolean {
    return (this.#sockets.get(keyOf(kind, host, port))?.length ?? 0) > 0;
  }

  /** A descriptor bound to this address, which is the caller's from now on; undefined where none is left. */
  take(kind: Kind, host: string, port: number): number | undefined {
    return this.#sockets.get(keyOf(kind, host, port))?.shift()?.fd;
  }

  /** What nobody took. */
  left(): AdoptedSocket[] {
    return [...this.#sockets.values()].flat();
  }
}

function keyOf(kind: Kind, host: string, port: number): string {
  return `${kind} ${hostPort(host, port)}`;
}

/** The sockets that the environment announces; none where it announces none. */
export function adoptFromEnvironment(
  environment: NodeJS.ProcessEnv,
  pid: number,
  libc: Libc | Error,
): AdoptedSockets {
  const adopted = new AdoptedSockets();
  const count = Number(environment['LISTEN_FDS'] ?? 0);
  const isForUs =
    environment['LISTEN_PID'] === undefined || environment['LISTEN_PID'] === String(pid);
  if (!isForUs || !Number.isInteger(count) || libc instanceof Error) return adopted;
  for (let fd = FIRST_FD; fd < FIRST_FD + Math.min(count, FDS_MAX); fd++) {
    const socket = describeSocket(libc, fd);
    if (socket) adopted.add(socket.type, socket.address.host, socket.address.port, fd);
  }
  return adopted;
}
