/** What node:net has no option for. */
import type { Socket } from 'node:net';
import { setOption } from './bound-socket.ts';
import { loadLibc, OS } from './libc.ts';

/**
 * TCP_USER_TIMEOUT (RFC 5482; tcp(7)): the connection ends with ETIMEDOUT when the peer has acknowledged nothing for so long
 * although something is under way. False where koffi cannot load, or the socket is gone: node:net tells no descriptor
 * but in its handle.
 */
export function setUserTimeout(socket: Socket, timeoutMs: number): boolean {
  const libc = loadLibc();
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
  if (libc instanceof Error || fd < 0) return false;
  setOption(libc, fd, OS.IPPROTO_TCP, OS.TCP_USER_TIMEOUT, timeoutMs);
  return true;
}
