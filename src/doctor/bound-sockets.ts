/** Sockets that are bound to ports, from /proc/net/{udp,udp6,tcp,tcp6} (proc_net(5)), and which processes hold them. */
import { addressText } from '../base/ip-address.ts';
import { canonicalAddress } from '../directives/address.ts';
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
/** A node has some hundred processes with a few descriptors each; the bound is for one that has lost count. */
const DESCRIPTORS_MAX = 500_000;

export function boundSockets(proc: ProcFiles): BoundSocket[] {
  return (['udp', 'udp6', 'tcp', 'tcp6'] as const).flatMap((table) => {
    const protocol = table.startsWith('udp') ? 'udp' : 'tcp';
    return proc.rows(`net/${table}`).flatMap((row) => readRow(row, protocol) ?? []);
  });
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
  const text = addressText(octets);
  return canonicalAddress(text) ?? text;
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
