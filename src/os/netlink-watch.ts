/**
 * Notifications of netlink(7): what the kernel tells of every change, by whomever, without being asked and without a thread or a
 * timer of ours.
 *
 * Node's event loop waits for any descriptor, but net.Socket takes only those of Unix and TCP sockets. So it gets one end of a Unix
 * socket pair, and before the loop has looked at it, the netlink socket takes that end's place under the same number (dup3).
 * From then on a readable netlink socket is a `read` into our buffer, as with any stream. Idle, that costs no wake-up at all;
 * a change is here in a fraction of a millisecond.
 */
import { Socket } from 'node:net';
import { SystemCallError } from './errno.ts';
import { type Libc, OS, Pinned } from './libc.ts';
import { decodeMessages, type NetlinkMessage } from './netlink-message.ts';
import { openSocketPair } from './socket-pair.ts';

/** More than the kernel puts into one notification (a link with all its attributes has some kilobytes). */
const BUFFER_SIZE = 64 * 1024;
/** `struct sockaddr_nl`: u16 family, u16 padding, u32 port (0: the kernel chooses), u32 groups. */
const ADDRESS_SIZE = 12;
/** How long to wait before a socket is opened again that failed: its queue ran over in a storm of changes. */
const REOPEN_MS = 200;

export interface NetlinkWatchOptions {
  /** OS.NETLINK_ROUTE or another family. */
  readonly protocol: number;
  /** A bit for each multicast group: group 1 is bit 0. */
  readonly groups: number;
  readonly onMessages: (messages: readonly NetlinkMessage[]) => void;
  /** Notifications were lost or may have been: look at everything. */
  readonly onLoss: (error: Error) => void;
}

/** Tells of changes until the returned function is called; it keeps no process alive. Throws where the socket cannot be had. */
export function watchNetlink(libc: Libc, options: NetlinkWatchOptions): () => void {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let socket = listen(libc, options, onError);
  function onError(error: Error): void {
    if (isStopped) return;
    timer = setTimeout(reopen, REOPEN_MS, error).unref();
  }
  function reopen(cause: Error): void {
    try {
      socket = listen(libc, options, onError);
      options.onLoss(cause);
    } catch (error) {
      onError(error as Error);
    }
  }
  return () => {
    isStopped = true;
    clearTimeout(timer);
    socket.destroy();
  };
}

function listen(
  libc: Libc,
  { protocol, groups, onMessages }: NetlinkWatchOptions,
  onError: (error: Error) => void,
): Socket {
  const netlink = openNetlink(libc, protocol, groups);
  const [place, otherEnd] = openSocketPair(libc);
  const buffer = new Uint8Array(BUFFER_SIZE);
  const socket = new Socket({
    fd: place,
    readable: true,
    writable: false,
    onread: {
      buffer,
      callback: (size) => {
        onMessages(decodeMessages(buffer.subarray(0, size)));
        return true;
      },
    },
  });
  const isReplaced = libc.dup3(netlink, place, OS.SOCK_CLOEXEC) >= 0;
  const errno = libc.errno();
  libc.close(netlink);
  libc.close(otherEnd);
  if (!isReplaced) {
    socket.destroy();
    throw new SystemCallError('dup3', errno);
  }
  socket.on('error', onError);
  socket.resume();
  socket.unref();
  return socket;
}

function openNetlink(libc: Libc, protocol: number, groups: number): number {
  const type = OS.SOCK_RAW | OS.SOCK_NONBLOCK | OS.SOCK_CLOEXEC;
  const fd = libc.socket(OS.AF_NETLINK, type, protocol);
  if (fd < 0) throw new SystemCallError('socket(AF_NETLINK)', libc.errno());
  const address = new Pinned(libc, ADDRESS_SIZE);
  address.words[0] = OS.AF_NETLINK;
  address.words[2] = groups;
  if (libc.bind(fd, address.address, ADDRESS_SIZE) < 0) {
    const errno = libc.errno();
    libc.close(fd);
    throw new SystemCallError('bind(AF_NETLINK)', errno);
  }
  return fd;
}
