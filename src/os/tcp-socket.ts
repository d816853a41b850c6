/** What node:net has no option for. */
import type { Socket } from 'node:net';
import { setOption } from './bound-socket.ts';
import { ERRNO, SystemCallError } from './errno.ts';
import { type Libc, loadLibc, OS, Pinned } from './libc.ts';

/**
 * TCP_USER_TIMEOUT (RFC 5482; tcp(7)): the connection ends with ETIMEDOUT when the peer has acknowledged nothing for so long
 * although something is under way. False where koffi cannot load, or the socket is gone: node:net tells no descriptor
 * but in its handle.
 */
export function setUserTimeout(socket: Socket, timeoutMs: number): boolean {
  const libc = loadLibc();
  const fd = descriptorOf(socket);
  if (libc instanceof Error || fd < 0) return false;
  setOption(libc, fd, OS.IPPROTO_TCP, OS.TCP_USER_TIMEOUT, timeoutMs);
  return true;
}

/**
 * TCP_QUICKACK (tcp(7)): what has come is acknowledged now, and not up to 40 ms later with our next segment. Holds for the moment
 * only. False as above, or where the connection has just ended: then there is nothing to acknowledge.
 */
export function acknowledgeNow(socket: Socket): boolean {
  const libc = loadLibc();
  const fd = descriptorOf(socket);
  if (libc instanceof Error || fd < 0) return false;
  one ??= oneOf(libc);
  return libc.setsockopt(fd, OS.IPPROTO_TCP, OS.TCP_QUICKACK, one.address, 4) === 0;
}

/** More than a turn's queries for one connection have together. */
const OUTGOING_SIZE = 65_536;

/**
 * Has `fill` write `size` octets and sends them past the stream's machinery, which costs as much as the system call: what the
 * kernel takes at once, which is nearly always all. The rest, and all where there is no way past it, goes through the stream.
 * An error ends the socket as one of the stream's own writes would.
 */
export function writeAtOnce(
  socket: Socket,
  size: number,
  fill: (octets: Uint8Array) => void,
): void {
  const libc = loadLibc();
  const fd = descriptorOf(socket);
  if (libc instanceof Error || fd < 0 || size > OUTGOING_SIZE || socket.writableLength > 0) {
    const octets = Buffer.allocUnsafe(size);
    fill(octets);
    socket.write(octets);
    return;
  }
  outgoing ??= new Pinned(libc, OUTGOING_SIZE);
  fill(outgoing.octets);
  const sent = libc.send(fd, outgoing.address, size, OS.MSG_DONTWAIT | OS.MSG_NOSIGNAL);
  if (sent === size) return;
  if (sent < 0 && libc.errno() !== ERRNO.EAGAIN) {
    socket.destroy(Object.assign(new SystemCallError('write', libc.errno()), { syscall: 'write' }));
  } else {
    socket.write(Buffer.from(outgoing.octets.subarray(Math.max(0, sent), size)));
  }
}

/** One for the thread: each write is over before the next begins. */
let outgoing: Pinned | undefined;

/** The value of an option that is switched on; made once, since it is used with each read. */
let one: Pinned | undefined;

function oneOf(libc: Libc): Pinned {
  const word = new Pinned(libc, 4);
  word.words[0] = 1;
  return word;
}

function descriptorOf(socket: Socket): number {
  return (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
}
