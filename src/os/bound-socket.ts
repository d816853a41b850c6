/**
 * Sockets of our own, by descriptor, bound to an address: the one place where they are created. All share their address
 * (SO_REUSEPORT) with other threads, and with another process that takes over or hands over.
 */
import { hostPort } from '../base/ip-address.ts';
import { SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';
import { SOCKET_ADDRESS_SIZE, type SocketAddress, writeSocketAddress } from './socket-address.ts';

export type SocketKind = 'udp' | 'tcp';

/**
 * Throws a SystemCallError. `isFree`: the address may be missing on this machine so far (IP_FREEBIND, which needs no
 * privilege and holds for IPv6 as well).
 */
export function openBoundSocket(
  libc: Libc,
  kind: SocketKind,
  address: SocketAddress,
  isFree = false,
): number {
  const isIpv6 = address.host.includes(':');
  const type = kind === 'udp' ? OS.SOCK_DGRAM : OS.SOCK_STREAM;
  const fd = libc.socket(
    isIpv6 ? OS.AF_INET6 : OS.AF_INET,
    type | OS.SOCK_NONBLOCK | OS.SOCK_CLOEXEC,
    0,
  );
  if (fd < 0) throw new SystemCallError('socket', libc.errno());
  try {
    setOption(libc, fd, OS.SOL_SOCKET, OS.SO_REUSEPORT, 1);
    // As node:net has it: connections of an earlier process in TIME_WAIT are no obstacle.
    if (kind === 'tcp') setOption(libc, fd, OS.SOL_SOCKET, OS.SO_REUSEADDR, 1);
    if (isIpv6) setOption(libc, fd, OS.IPPROTO_IPV6, OS.IPV6_V6ONLY, 1);
    if (isFree) setOption(libc, fd, OS.IPPROTO_IP, OS.IP_FREEBIND, 1);
    const place = new Pinned(libc, SOCKET_ADDRESS_SIZE);
    const size = writeSocketAddress(place.octets, 0, address);
    if (libc.bind(fd, place.address, size) < 0) {
      const where = `${hostPort(address.host, address.port)}/${kind}`;
      throw new SystemCallError(`bind ${where}`, libc.errno());
    }
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Throws a SystemCallError. */
export function setOption(
  libc: Libc,
  fd: number,
  level: number,
  option: number,
  value: number,
): void {
  const word = new Pinned(libc, 4);
  word.words[0] = value;
  if (libc.setsockopt(fd, level, option, word.address, 4) < 0) {
    throw new SystemCallError('setsockopt', libc.errno());
  }
}
