/**
 * Which core runs the server and which the load: two that do not take time from each other, or none at all.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isInstalled } from './processes.ts';

export interface Cores {
  /** Undefined: not pinned. */
  readonly server: number | undefined;
  readonly load: number | undefined;
  /** What to tell the reader about it. */
  readonly note: string;
}

/** The first two cores that this process may use. */
export function chooseCores(): Cores {
  const [server, load] = allowedCores(readFileSync('/proc/self/status', 'latin1'));
  const unpinned = { server: undefined, load: undefined };
  if (server === undefined || load === undefined) {
    return { ...unpinned, note: 'fewer than 2 cores: server and load share one, no figure is fit' };
  }
  if (!isInstalled('taskset')) return { ...unpinned, note: 'no taskset: nothing is pinned' };
  return { server, load, note: `server on core ${server}, load and upstream on core ${load}` };
}

/** All threads of this process to one core: whoever measures must not run on the server's. */
export function moveTo(core: number): void {
  spawnSync('taskset', ['-a', '-c', '-p', String(core), String(process.pid)]);
}

/** From the line `Cpus_allowed_list: 0-3,8` of /proc/PID/status. */
export function allowedCores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  if (list === undefined) return [];
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
