/**
 * What UDP sockets can tell and be told, by descriptor. A socket may have been created by another process and adopted, so
 * nothing here or later relies on its blocking mode.
 */
import { openBoundSocket, setOption } from './bound-socket.ts';
import { SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';
import { readSocketAddress, type SocketAddress, writeSocketAddress } from './socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from './socket-octets.ts';

/** 20,164 datagrams of 100 octets as the kernel counts them: a second at 20,000 a second (212,992 hold 256, or 13 ms). */
export const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;

/** A bound socket; throws a SystemCallError. */
export function openUdpSocket(libc: Libc, address: SocketAddress): number {
  return openBoundSocket(libc, 'udp', address);
}

/** Makes each datagram tell the address it was sent to (a wildcard socket answers from there). */
export function receivePacketInfo(libc: Libc, fd: number, isIpv6: boolean): void {
  if (isIpv6) setOption(libc, fd, OS.IPPROTO_IPV6, OS.IPV6_RECVPKTINFO, 1);
  else setOption(libc, fd, OS.IPPROTO_IP, OS.IP_PKTINFO, 1);
}

/** Makes the kernel note the time of each datagram's arrival. */
export function receiveTimestamps(libc: Libc, fd: number): void {
  setOption(libc, fd, OS.SOL_SOCKET, OS.SO_TIMESTAMPNS, 1);
}

/**
 * Asks for a receive buffer, beyond the system's limit where we may (SO_RCVBUFFORCE needs CAP_NET_ADMIN); returns the
 * effective size in bytes. The kernel doubles what is asked for, to cover its own overhead; so does the result.
 */
export function setReceiveBuffer(libc: Libc, fd: number, bytes: number): number {
  const value = pinnedWord(libc, bytes);
  if (libc.setsockopt(fd, OS.SOL_SOCKET, OS.SO_RCVBUFFORCE, value.address, 4) < 0) {
    libc.setsockopt(fd, OS.SOL_SOCKET, OS.SO_RCVBUF, value.address, 4);
  }
  return getOption(libc, fd, OS.SOL_SOCKET, OS.SO_RCVBUF);
}

/** RFC 863: whatever is sent there is thrown away; nobody sends from there. */
const DISCARD_PORT = 9;

/**
 * Lets nothing more come in, while the queue stays and answers can still be sent. Of the sockets that share an address the kernel
 * passes over those that are connected (`reuseport_select_sock_by_hash`), so another process that serves it gets every datagram from
 * now on, and what was queued here before can be read to its end. Closing at once would lose the queue.
 */
export function turnAway(libc: Libc, fd: number, isIpv6: boolean): void {
  const place = new Pinned(libc, SOCKET_ADDRESS_SIZE);
  const nobody = { host: isIpv6 ? '::1' : '127.0.0.1', port: DISCARD_PORT };
  const size = writeSocketAddress(place.octets, 0, nobody);
  if (libc.connect(fd, place.address, size) < 0) {
    throw new SystemCallError('connect', libc.errno());
  }
}

/** What kind of socket a descriptor is and where it is bound; undefined where it is no socket of IPv4 or IPv6. */
export function describeSocket(
  libc: Libc,
  fd: number,
): { type: 'udp' | 'tcp'; address: SocketAddress } | undefined {
  const place = new Pinned(libc, SOCKET_ADDRESS_SIZE);
  const size = pinnedWord(libc, SOCKET_ADDRESS_SIZE);
  if (libc.getsockname(fd, place.address, size.address) < 0) return undefined;
  const family = place.octets[0]! | (place.octets[1]! << 8);
  if (family !== OS.AF_INET && family !== OS.AF_INET6) return undefined;
  const type = getOption(libc, fd, OS.SOL_SOCKET, OS.SO_TYPE);
  return {
    type: type === OS.SOCK_DGRAM ? 'udp' : 'tcp',
    address: readSocketAddress(place.octets, 0),
  };
}

/** Whether a failure to bind says that this address family or address does not exist here. */
export function isAddressMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL')
  );
}

function getOption(libc: Libc, fd: number, level: number, option: number): number {
  const value = new Pinned(libc, 8);
  value.words[1] = 4;
  if (libc.getsockopt(fd, level, option, value.address, value.address + 4) < 0) {
    throw new SystemCallError('getsockopt', libc.errno());
  }
  return value.words[0]!;
}

function pinnedWord(libc: Libc, value: number): Pinned {
  const pinned = new Pinned(libc, 4);
  pinned.words[0] = value;
  return pinned;
}
