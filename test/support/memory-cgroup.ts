/**
 * A cgroup of the test's own with a memory limit, to run a daemon in; version 1 or 2, whichever the machine has. It needs root
 * and a writable hierarchy.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CleanUp } from './temporary-directory.ts';
import { until } from './until.ts';

interface Version {
  readonly root: string;
  /** A file of the root that tells it from an empty folder. */
  readonly mark: string;
  readonly limit: string;
  /** What was in use at most, in octets. */
  readonly peak: string;
  /** Has a line `oom_kill N`. */
  readonly events: string;
  /** The line of `memory.stat` that tells anonymous memory. */
  readonly anonymous: string;
}

const VERSIONS: readonly Version[] = [
  {
    root: '/sys/fs/cgroup/memory',
    mark: 'memory.limit_in_bytes',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
    anonymous: 'rss',
  },
  {
    root: '/sys/fs/cgroup',
    mark: 'cgroup.controllers',
    limit: 'memory.max',
    peak: 'memory.peak',
    events: 'memory.events',
    anonymous: 'anon',
  },
];

let created = 0;

export class MemoryCgroup {
  readonly #path: string;
  readonly #version: Version;

  private constructor(path: string, version: Version) {
    this.#path = path;
    this.#version = version;
  }

  /** Removed after the test, with all that still runs in it; a text where none can be made. */
  static create(test: CleanUp, limitBytes: number): MemoryCgroup | string {
    const version = VERSIONS.find(({ root, mark }) => existsSync(join(root, mark)));
    if (version === undefined) return 'this machine has no memory cgroups';
    const path = join(version.root, `zerohop-test-${process.pid}-${created++}`);
    try {
      mkdirSync(path);
      test.after(() => until('the cgroup is empty', () => remove(path)));
      // A file that is not there must not be made: version 2 has it only where its parent hands the controller down.
      writeFileSync(join(path, version.limit), String(limitBytes), { flag: 'r+' });
      return new MemoryCgroup(path, version);
    } catch (error) {
      return `no memory cgroup can be made: ${(error as Error).message}`;
    }
  }

  /** A wrapper for `startDaemon`. */
  get wrapper(): readonly string[] {
    const enter = `echo $$ >${join(this.#path, 'cgroup.procs')} && exec "$@"`;
    return ['sh', '-c', enter, 'sh'];
  }

  /** What is charged, page cache included, at most so far, and anonymous memory now, in words. */
  report(): string {
    const { anonymous, peak } = this.#version;
    const peakMb = Number(this.#read(peak)) / 1e6;
    const anonymousMb = this.#number('memory.stat', anonymous) / 1e6;
    return `charged ${peakMb.toFixed()} MB at most, anonymous ${anonymousMb.toFixed()} MB at the end`;
  }

  /** Processes that the kernel has ended for want of memory. */
  get oomKills(): number {
    return this.#number(this.#version.events, 'oom_kill');
  }

  #number(file: string, key: string): number {
    return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(this.#read(file))?.[1]);
  }

  #read(file: string): string {
    return readFileSync(join(this.#path, file), 'utf8');
  }
}

async function remove(path: string): Promise<boolean> {
  const pids = readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
  for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
  rmdirSync(path);
  return true;
}
