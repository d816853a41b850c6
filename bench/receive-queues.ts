/**
 * What lies in the receive queues of the UDP sockets on a port of IPv4, as /proc/net/udp tells: one line a socket, so that those of
 * an SO_REUSEPORT group are seen apart.
 */
import { readFileSync } from 'node:fs';

export interface ReceiveQueue {
  /** Which socket it is, as long as that is open. */
  readonly inode: number;
  /** As the kernel counts them, its own overhead included; 0 when all has been read. */
  readonly octets: number;
  /** Datagrams that found no place, since the socket was made. */
  readonly drops: number;
}

/** In an order that stays as long as the sockets do. */
export function receiveQueues(port: number): ReceiveQueue[] {
  return parseReceiveQueues(readFileSync('/proc/net/udp', 'latin1'), port);
}

/** Columns: `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ref pointer drops`. */
export function parseReceiveQueues(text: string, port: number): ReceiveQueue[] {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  return lines
    .filter(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16) === port)
    .map((columns) => ({
      inode: Number(columns[9]),
      octets: Number.parseInt(columns[4]!.split(':')[1]!, 16),
      drops: Number(columns[12]),
    }))
    .sort((a, b) => a.inode - b.inode);
}
