/** Sockets that are bound to ports, from /proc/net/{udp,udp6,tcp,tcp6} (proc_net(5)), and which processes hold them. */
import { addressText } from '../base/ip-address.ts';
import type { ProcFiles } from './proc-files.ts';

export interface BoundSocket {
  readonly protocol: 'udp' | 'tcp';
  /** In its one spelling. */
  readonly host: string;
  readonly port: number;
  readonly inode: string;
  readonly userId: number;
  /** Datagrams dropped since the socket was opened; 0 for TCP. */
  readonly drops: number;
  /** Octets that wait to be read. */
  readonly queued: number;
}

export interface SocketOwner {
  readonly pid: number;
  /** Of the executable, as in /proc/PID/comm. */
  readonly name: string;
}

/** Of include/net/tcp_states.h: TCP_LISTEN, and for UDP TCP_CLOSE, which is a socket that is not connected. */
const OPEN_STATE = { udp: '07', tcp: '0A' };
/** RFC 4291 §2.5.5.2. */
const IPV4_MAPPED = Buffer.from('00000000000000000000ffff', 'hex');
/** A node has some hundred processes with a few descriptors each; the bound is for one that has lost count. */
const DESCRIPTORS_MAX = 500_000;

type Table = 'udp' | 'udp6' | 'tcp' | 'tcp6';

/** Of this network namespace; a table that is not there (no IPv6 in the kernel) has none. */
export function boundSockets(
  proc: ProcFiles,
  tables: readonly Table[] = ['udp', 'udp6', 'tcp', 'tcp6'],
): BoundSocket[] {
  return tables.flatMap((table) => {
    const protocol = table.startsWith('udp') ? 'udp' : 'tcp';
    return proc.rows(`net/${table}`).flatMap((row) => readRow(row, protocol) ?? []);
  });
}

/** Whether a UDP socket of another process is bound to this address and port, and open to all; one on every address does not count. */
export function isServedByOthers(proc: ProcFiles, host: string, port: number): boolean {
  const sockets = boundSockets(proc, [host.includes(':') ? 'udp6' : 'udp']);
  const there = sockets.filter((socket) => socket.host === host && socket.port === port);
  if (there.length === 0) return false;
  const own = new Set(socketsOf(proc, 'self'));
  return there.some(({ inode }) => !own.has(inode));
}

function readRow(row: string, protocol: 'udp' | 'tcp'): BoundSocket | undefined {
  const fields = row.trim().split(/\s+/);
  const [, local = '', , state, queues = '', , , userId, , inode] = fields;
  const [address = '', port = ''] = local.split(':');
  const isOpen = state === OPEN_STATE[protocol];
  if (!isOpen || !/^([\dA-F]{8}|[\dA-F]{32})$/i.test(address) || inode === undefined)
    return undefined;
  return {
    protocol,
    host: hostOf(address),
    port: Number.parseInt(port, 16),
    inode,
    userId: Number(userId),
    drops: protocol === 'udp' ? Number(fields.at(-1) ?? 0) || 0 : 0,
    queued: Number.parseInt(queues.split(':')[1] ?? '0', 16) || 0,
  };
}

/** 32-bit words in the machine's order, which is little-endian everywhere that we run. */
function hostOf(hex: string): string {
  const octets = Buffer.from(hex, 'hex');
  octets.swap32();
  const isMapped = octets.length === 16 && octets.subarray(0, 12).equals(IPV4_MAPPED);
  return addressText(isMapped ? octets.subarray(12) : octets);
}

/** Inodes of a process's sockets. */
function socketsOf(proc: ProcFiles, process: string): string[] {
  return proc.names(`${process}/fd`).flatMap((fd) => {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(proc.link(`${process}/fd/${fd}`) ?? '') ?? [];
    return inode ?? [];
  });
}

/** Of the inodes asked for, by inode; processes of other PID namespaces are not seen. */
export function ownersOf(
  proc: ProcFiles,
  inodes: ReadonlySet<string>,
): ReadonlyMap<string, readonly SocketOwner[]> {
  const owners = new Map<string, SocketOwner[]>();
  let seen = 0;
  for (const pid of proc.names('.').filter((name) => /^\d+$/.test(name))) {
    for (const fd of proc.names(`${pid}/fd`)) {
      if (++seen > DESCRIPTORS_MAX) return owners;
      const [, inode] = /^socket:\[(\d+)\]$/.exec(proc.link(`${pid}/fd/${fd}`) ?? '') ?? [];
      if (inode === undefined || !inodes.has(inode)) continue;
      const of = owners.get(inode) ?? [];
      owners.set(inode, of);
      if (of.some((owner) => owner.pid === Number(pid))) continue;
      of.push({ pid: Number(pid), name: proc.text(`${pid}/comm`)?.trim() ?? '?' });
    }
  }
  return owners;
}
