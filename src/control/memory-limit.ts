/**
 * How much memory the kernel lets this process have: the limit of its cgroup, of version 2 or 1. Inside a container its own
 * cgroup is the root of what is mounted; outside, `/proc/self/cgroup` tells where in the tree it is.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const CGROUPS = '/proc/self/cgroup';
/** Version 1 says "none" with a number near 2^63. */
const NO_LIMIT = 2 ** 50;

/** What is read of a file; undefined where it is not there. */
type ReadText = (path: string) => string | undefined;

/** In octets, the smallest of those that hold; undefined where there is none. */
export function memoryLimitBytes(read: ReadText = readText): number | undefined {
  const paths = ['/', ...(read(CGROUPS) ?? '').split('\n').flatMap(memoryPathOf)];
  const files = paths.flatMap((path) => [
    join('/sys/fs/cgroup', path, 'memory.max'),
    join('/sys/fs/cgroup/memory', path, 'memory.limit_in_bytes'),
  ]);
  const limits = files
    .map((file) => Number(read(file)))
    .filter((bytes) => bytes > 0 && bytes < NO_LIMIT);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** Of a line `NUMBER:CONTROLLERS:PATH`; version 2 has no controllers there. */
function memoryPathOf(line: string): string[] {
  const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
  const isMemory = controllers === '' || controllers?.split(',').includes('memory');
  return isMemory && path !== undefined ? [path] : [];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // This hierarchy is not there.
    return undefined;
  }
}
