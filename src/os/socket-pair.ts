/** A pair of connected Unix sockets: how one thread wakes the event loop of another (4 us; `Atomics.waitAsync` takes 11). */
import { SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';

export function openSocketPair(libc: Libc): [number, number] {
  const fds = new Pinned(libc, 8);
  const type = OS.SOCK_STREAM | OS.SOCK_NONBLOCK | OS.SOCK_CLOEXEC;
  if (libc.socketpair(OS.AF_UNIX, type, 0, fds.address) < 0) {
    throw new SystemCallError('socketpair', libc.errno());
  }
  return [fds.words[0]!, fds.words[1]!];
}
