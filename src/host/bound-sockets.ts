/** Who else serves an address, as the kernel tells in /proc/net/udp and udp6 (proc_net_udp(5)). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { addressOctets } from '../base/ip-address.ts';

/** Whether a UDP socket of another process is bound to this address and port; one on every address does not need it. */
export function isServedByOthers(address: string, port: number): boolean {
  const table = address.includes(':') ? '/proc/net/udp6' : '/proc/net/udp';
  const own = ownSockets();
  const octets = addressOctets(address);
  if (octets === undefined) return false;
  const wanted = `${hexAddress(octets)}:${hexPort(port)}`;
  return linesOf(table).some((line) => {
    const [, local = '', , , , , , , , inode = ''] = line.trim().split(/\s+/);
    return local === wanted && !own.has(inode);
  });
}

/** Words of the address in the machine's order, each as hexadecimal digits. */
function hexAddress(octets: Uint8Array): string {
  const words: string[] = [];
  for (let at = 0; at < octets.length; at += 4) {
    words.push(
      Buffer.from(octets.subarray(at, at + 4))
        .reverse()
        .toString('hex'),
    );
  }
  return words.join('').toUpperCase();
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(1);
  } catch {
    // Without IPv6 in the kernel there is no such table.
    return [];
  }
}

/** Inodes of this process's sockets. */
function ownSockets(): ReadonlySet<string> {
  const inodes = new Set<string>();
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // Closed since it was listed.
    }
  }
  return inodes;
}
