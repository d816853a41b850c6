/**
 * The network namespaces of one lab: their names, and that none of them outlives its lab.
 *
 * A name tells who made it: `zhl-PID-START-N-ROLE`, with the process's start in clock ticks since boot, because a pid comes
 * again. What a lab left that was killed, the next one sweeps; a lab that still runs beside it keeps its own.
 * Links need no sweep: all of them lie inside, and the kernel removes them with their namespace.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runNow } from './commands.ts';

const PREFIX = 'zhl';
const NAMED = '/run/netns';
/** `ip netns exec NAME` puts the files of a folder NAME in here in place of those in /etc. */
const ETC = '/etc/netns';

let labCount = 0;

export class Namespaces {
  readonly #prefix: string;
  readonly #roles: string[] = [];
  readonly #onSignal = (signal: NodeJS.Signals) => {
    this.remove();
    process.kill(process.pid, signal);
  };
  readonly #onExit = () => this.remove();

  constructor() {
    sweep();
    this.#prefix = `${PREFIX}-${process.pid}-${startOf(process.pid)}-${++labCount}`;
    process.on('exit', this.#onExit);
    for (const signal of SIGNALS) process.once(signal, this.#onSignal);
  }

  nameOf(role: string): string {
    return `${this.#prefix}-${role}`;
  }

  async create(roles: readonly string[]): Promise<void> {
    this.#roles.push(...roles);
    const lines = roles.map((role) => `netns add ${this.nameOf(role)}\n`);
    await run(['ip', '-batch', '-'], { input: lines.join('') });
  }

  /** What programs in this namespace read as /etc/resolv.conf. */
  writeResolvConf(role: string, content: string): void {
    const folder = join(ETC, this.nameOf(role));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'resolv.conf'), content);
  }

  /** Ends all that runs in them, and removes them. Blocks, so that the end of a process can call it. */
  remove(): void {
    process.off('exit', this.#onExit);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    removeAll(this.#roles.splice(0).map((role) => this.nameOf(role)));
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Removes what labs left whose process is gone. */
function sweep(): void {
  const names = new Set([...entriesOf(NAMED), ...entriesOf(ETC)]);
  removeAll([...names].filter(isOrphan));
}

function isOrphan(name: string): boolean {
  const [prefix, pid, start] = name.split('-');
  return prefix === PREFIX && startOf(Number(pid)) !== start;
}

function removeAll(names: readonly string[]): void {
  for (const name of names) {
    for (const pid of runNow(['ip', 'netns', 'pids', name]).split('\n')) end(Number(pid));
  }
  for (const name of names) {
    runNow(['ip', 'netns', 'del', name]);
    rmSync(join(ETC, name), { recursive: true, force: true });
  }
}

function end(pid: number): void {
  if (pid <= 1) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Field 22 of /proc/PID/stat; behind the command's name, which may hold spaces. '' where there is no such process. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
  } catch {
    return '';
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
