/** Sockets on which clients' TCP connections come, by descriptor. */
import { openBoundSocket, setOption } from './bound-socket.ts';
import { SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';
import type { SocketAddress } from './socket-address.ts';

/** Opens a listening socket; throws a SystemCallError. */
export function openListener(libc: Libc, address: SocketAddress, backlog: number): number {
  const fd = openBoundSocket(libc, 'tcp', address);
  try {
    listen(libc, fd, backlog);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Listens at a bound socket, or goes on listening with another backlog; throws a SystemCallError. */
export function listen(libc: Libc, fd: number, backlog: number): void {
  // Connections inherit it: replies are written whole, so there is nothing to wait for.
  setOption(libc, fd, OS.IPPROTO_TCP, OS.TCP_NODELAY, 1);
  // One that was handed over may block, and `accept` has no flag against that.
  const one = new Pinned(libc, 4);
  one.words[0] = 1;
  if (libc.ioctl(fd, OS.FIONBIO, one.address) < 0) throw new SystemCallError('ioctl', libc.errno());
  if (libc.listen(fd, backlog) < 0) throw new SystemCallError('listen', libc.errno());
}
