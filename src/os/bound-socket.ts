/**
 * Sockets of our own, by descriptor, bound to an address: the one place where they are created. All share their address
 * (SO_REUSEPORT) with other threads, and with another process that takes over or hands over.
 */
import { hostPort } from '../base/ip-address.ts';
import { SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';
import { type SocketAddress, writeSocketAddress } from './socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from './socket-octets.ts';

export type SocketKind = 'udp' | 'tcp';

export interface BindOptions {
  /** The address may be missing on this machine so far (IP_FREEBIND, which needs no privilege and holds for IPv6 as well). */
  readonly isFree?: boolean;
  /** The socket has its address and gets nothing that is sent there: it hears an interface that does not exist (Linux 5.7). */
  readonly isParked?: boolean;
}

/** The highest number that an interface can have: the kernel counts up from 1, and asks of none whether it is there. */
const NO_INTERFACE = 0x7fff_ffff;

/** Throws a SystemCallError. */
export function openBoundSocket(
  libc: Libc,
  kind: SocketKind,
  address: SocketAddress,
  { isFree = false, isParked = false }: BindOptions = {},
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
    // Its own SO_REUSEPORT group: nothing is dealt out to it.
    if (isParked) setOption(libc, fd, OS.SOL_SOCKET, OS.SO_BINDTOIFINDEX, NO_INTERFACE);
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
