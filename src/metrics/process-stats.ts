/**
 * What the kernel knows of this process, read from /proc/self: the source of the `process_*` series, read as
 * Prometheus's Go client reads it. Reading is synchronous: procfs does not wait for a disk, and the whole takes less
 * than a scrape's text. Where there is no /proc (not Linux) there are no statistics.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export interface ProcessStats {
  readonly cpuS: number;
  readonly openFdCount: number;
  /** `UNLIMITED` where there is no limit. */
  readonly maxFdCount: number;
  readonly virtualBytes: number;
  /** `UNLIMITED` where there is no limit. */
  readonly virtualMaxBytes: number;
  readonly residentBytes: number;
  /** Since 1970, in seconds. */
  readonly startedAtS: number;
  /** Of the whole network namespace, which is the node's for a host-network pod. */
  readonly receivedBytes: number;
  readonly transmittedBytes: number;
}

/** The greatest of 64 bits, which is how the kernel and Prometheus's Go client write it. */
export const UNLIMITED = 2 ** 64;

/** Clock ticks a second in /proc: USER_HZ, 100 on every architecture that we run on. */
const USER_HZ = 100;

/** Fields of /proc/PID/stat after the parenthesised name, counted from `state` = 0 (proc_pid_stat(5) counts it as 3). */
const STAT = { utime: 11, stime: 12, starttime: 19, vsize: 20 } as const;

/** Not there in some sandboxes; then no octets are counted. */
const NETSTAT = '/proc/self/net/netstat';

let bootedAtS: number | undefined;

/** The statistics of now; undefined where there is no /proc. */
export function readProcessStats(): ProcessStats | undefined {
  if (!existsSync('/proc/self/stat')) return undefined;
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (index: number) => Number(fields[index]);
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const network = parseIpExt(existsSync(NETSTAT) ? readFileSync(NETSTAT, 'latin1') : '');
  // The kernel writes all of /proc/stat for one line of it, which is slow with many CPUs; the line never changes.
  bootedAtS ??= Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1]);
  return {
    cpuS: (field(STAT.utime) + field(STAT.stime)) / USER_HZ,
    // The listing holds the descriptor of the directory itself.
    openFdCount: readdirSync('/proc/self/fd').length - 1,
    maxFdCount: parseLimit(limits, 'Max open files'),
    virtualBytes: field(STAT.vsize),
    virtualMaxBytes: parseLimit(limits, 'Max address space'),
    residentBytes: process.memoryUsage.rss(),
    startedAtS: bootedAtS + field(STAT.starttime) / USER_HZ,
    receivedBytes: network.get('InOctets') ?? 0,
    transmittedBytes: network.get('OutOctets') ?? 0,
  };
}

/** The soft limit of one line of /proc/PID/limits. */
export function parseLimit(limits: string, name: string): number {
  const line = limits.split('\n').find((candidate) => candidate.startsWith(name)) ?? '';
  const [soft] = line.slice(name.length).trim().split(/\s+/);
  return soft === 'unlimited' ? UNLIMITED : Number(soft);
}

/** The `IpExt` counters of /proc/PID/net/netstat: one line of names, one of values. */
export function parseIpExt(netstat: string): Map<string, number> {
  const [names = [], values = []] = netstat
    .split('\n')
    .filter((line) => line.startsWith('IpExt: '))
    .map((line) => line.split(' ').slice(1));
  return new Map(names.map((name, index) => [name, Number(values[index])]));
}
