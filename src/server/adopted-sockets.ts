/**
 * Listening sockets that another process opened and handed over by descriptor, after systemd's protocol (sd_listen_fds(3)):
 * `LISTEN_FDS` says how many, the first is descriptor 3, `LISTEN_PID` must name us. A server takes the ones that are
 * bound to its address before it opens any of its own.
 */
import { hostPort } from '../base/ip-address.ts';
import type { Libc } from '../os/libc.ts';
import { describeSocket } from '../os/udp-socket.ts';

const FIRST_FD = 3;
/** Descriptors looked at; more sockets than this are no sensible hand-over. */
const FDS_MAX = 256;

export class AdoptedSockets {
  readonly #fds = new Map<string, number[]>();

  add(type: 'udp' | 'tcp', host: string, port: number, fd: number): void {
    const key = `${type} ${hostPort(host, port)}`;
    const fds = this.#fds.get(key);
    if (fds === undefined) this.#fds.set(key, [fd]);
    else fds.push(fd);
  }

  /** A descriptor bound to this address, which is the caller's from now on; undefined where none is left. */
  take(type: 'udp' | 'tcp', host: string, port: number): number | undefined {
    return this.#fds.get(`${type} ${hostPort(host, port)}`)?.shift();
  }

  /** What nobody took, for the log. */
  left(): string[] {
    return [...this.#fds].flatMap(([key, fds]) => fds.map(() => key));
  }
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
