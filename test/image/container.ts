/**
 * A container made by hand from an image's root, for tests inside `runInNamespace`: an overlay of the root, what a runtime mounts
 * into it, the capabilities of a pod's container and no others. It shares the test's network, as a pod with `hostNetwork` does.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { until } from '../support/until.ts';

const START_TIMEOUT_MS = 60_000;

/** linux/capability.h, by number. */
const CAPABILITIES = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID'],
  ...['SETPCAP', 'LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW'],
  ...['IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT'],
  ...['SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD'],
  ...['LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP'],
];
/** What containerd and CRI-O leave a container that drops nothing. */
export const RUNTIME_CAPABILITIES = [
  ...[
    'CHOWN',
    'DAC_OVERRIDE',
    'FSETID',
    'FOWNER',
    'MKNOD',
    'NET_RAW',
    'SETGID',
    'SETUID',
    'SETFCAP',
  ],
  ...['SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
];

export interface ContainerOptions {
  /** The image's root; it stays as it is. */
  readonly root: string;
  /** A directory for the overlay, on a file system that is none itself. */
  readonly scratch: string;
  readonly capabilities: readonly string[];
  /** `readOnlyRootFilesystem` with `allowPrivilegeEscalation: false`, and an emptyDir at /run. */
  readonly isConfined: boolean;
  /** Contents by path: what ConfigMaps and the kubelet bring. */
  readonly files: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
}

export class Container {
  readonly root: string;
  readonly log: string[] = [];
  readonly #options: ContainerOptions;
  #child: ChildProcess | undefined;
  #exit: Promise<number | null> | undefined;

  /** Mounts go with the test's namespace. */
  constructor(options: ContainerOptions) {
    const { root, scratch, isConfined, files } = options;
    this.#options = options;
    this.root = join(scratch, 'root');
    for (const name of ['root', 'upper', 'work']) {
      mkdirSync(join(scratch, name), { recursive: true });
    }
    const layers = `lowerdir=${root},upperdir=${scratch}/upper,workdir=${scratch}/work`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, this.root]);
    for (const [path, contents] of Object.entries(files)) {
      mkdirSync(join(this.root, path, '..'), { recursive: true });
      writeFileSync(join(this.root, path), contents);
    }
    const mount = (...args: string[]) => execFileSync('mount', args);
    mount('-t', 'proc', 'proc', join(this.root, 'proc'));
    mount('--rbind', '/sys', join(this.root, 'sys'));
    mount('--rbind', '/dev', join(this.root, 'dev'));
    if (!isConfined) return;
    mount('-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', join(this.root, 'run'));
    mount('-o', 'remount,bind,ro', this.root);
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Resolves when the daemon serves; rejects with its log where it ends before. */
  async start(command: string, args: readonly string[]): Promise<void> {
    const [program, ...rest] = this.#commandLine(command, args);
    const child = spawn(program!, rest, {
      // The image's own variables, as Dockerfile sets them, and what Kubernetes adds.
      env: { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin', ...this.#options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#exit = once(child, 'close').then(([code]) => code as number | null);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.log.push(line));
    }
    await until(
      'the daemon serves',
      () => {
        if (this.log.some((line) => line.startsWith('Zerohop-'))) return true;
        if (child.exitCode !== null) throw new Error(`exit ${child.exitCode}`);
        return false;
      },
      START_TIMEOUT_MS,
    ).catch((cause) => {
      throw new Error(`the daemon does not serve:\n${this.log.join('\n')}`, { cause });
    });
  }

  /** What a command prints inside, as `kubectl exec` runs it. */
  exec(...command: string[]): string {
    const [program, ...args] = this.#commandLine(command[0]!, command.slice(1));
    return execFileSync(program!, args, {
      encoding: 'utf8',
      env: { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin' },
    });
  }

  /** The same while this process goes on serving it, whatever the exit code. */
  async output(...command: string[]): Promise<string> {
    const [program, ...args] = this.#commandLine(command[0]!, command.slice(1));
    const child = spawn(program!, args, {
      env: { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return text(child.stdout);
  }

  /** Sets of the daemon's process, as masks. */
  capabilitySet(name: 'CapBnd' | 'CapPrm'): bigint {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return BigInt(`0x${new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(status)![1]}`);
  }

  get hasNoNewPrivileges(): boolean {
    return /^NoNewPrivs:\s*1$/m.test(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
  }

  /** SIGTERM, as the kubelet sends it; the exit code. */
  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM');
    return (await this.#exit) ?? null;
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  #commandLine(command: string, args: readonly string[]): string[] {
    const { capabilities, isConfined } = this.#options;
    const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'latin1'));
    const dropped = Array.from({ length: last + 1 }, (_, number) => number).filter(
      (number) => !capabilities.includes(CAPABILITIES[number] ?? ''),
    );
    return [
      ...['capsh', `--chroot=${this.root}`, `--drop=${dropped.join(',')}`],
      ...(isConfined ? ['--no-new-privs'] : []),
      ...['--shell=/bin/sh', '--', '-c', 'exec "$0" "$@"', command, ...args],
    ];
  }
}

/** As a mask, to compare with a process's. */
export function maskOf(names: readonly string[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(CAPABILITIES.indexOf(name))), 0n);
}
