/**
 * The daemon as a child process, for tests of the whole: start it with a Corefile, wait for what it logs, scrape it,
 * change its Corefile, stop it. It touches no interface and no rule (`-setupinterface=false -setupiptables=false`).
 *
 * Its ports are free ones, found beforehand, because a Corefile names its ports; where another program takes one in
 * between, the start is tried a second time. A child never outlives its test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { within } from './deadline.ts';
import { freePorts } from './free-port.ts';
import { Scrape } from './prometheus-text.ts';
import { type CleanUp, temporaryDirectory } from './temporary-directory.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A start under load takes seconds: Node, modules, threads. */
const START_TIMEOUT_MS = 60_000;

/** Ports of 127.0.0.1, free for UDP and TCP when they were asked for. */
export interface DaemonPorts {
  readonly dns: number;
  /** Of `-metrics-listen-address`. */
  readonly metrics: number;
  /** For the Corefile: `prometheus 127.0.0.1:N`. */
  readonly prometheus: number;
  /** For the Corefile: `health 127.0.0.1:N`. */
  readonly health: number;
}

export interface DaemonOptions {
  readonly corefile: string | ((ports: DaemonPorts) => string);
  /** Flags behind the usual ones; the last of a kind counts. */
  readonly args?: readonly string[] | ((ports: DaemonPorts) => readonly string[]);
  readonly environment?: Readonly<Record<string, string>>;
  /** `dgram` keeps koffi from loading. Default: what the daemon chooses. */
  readonly backend?: 'mmsg' | 'dgram';
  /** The port for DNS where a test needs a certain one, such as 53 in a namespace of its own. */
  readonly dnsPort?: number;
  /** What to run in place of the daemon; for the test of this file. */
  readonly program?: string;
  /** Node's own flags, such as `--import` of what a test provokes. */
  readonly nodeFlags?: readonly string[];
  /** What runs it, such as `prlimit` with its flags: a program that executes its remaining arguments in its own place. */
  readonly wrapper?: readonly string[];
  /** Descriptors that it gets as 3, 4, ... */
  readonly descriptors?: readonly number[];
  /** Starts it as an operator does, by `src/cli/node-cache`; `nodeFlags` do not count then. */
  readonly byLauncher?: boolean;
}

/** What Node makes of our sources at a start, kept for the next one: a third of the CPU time of a start without it. */
const COMPILE_CACHE = join(tmpdir(), 'zerohop-compile-cache');

const RUNNING = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of RUNNING) child.kill('SIGKILL');
});

/** Resolves when all servers serve (the log has the banner `Zerohop-VERSION`); rejects with the log where they do not. */
export async function startDaemon(test: CleanUp, options: DaemonOptions): Promise<Daemon> {
  try {
    return await startOnce(test, options);
  } catch (error) {
    const isPortTaken = /EADDRINUSE|address already in use/i.test(String(error));
    if (!isPortTaken || options.dnsPort !== undefined) throw error;
    return startOnce(test, options);
  }
}

async function startOnce(test: CleanUp, options: DaemonOptions): Promise<Daemon> {
  const daemon = await spawnDaemon(test, options);
  await daemon.waitForLog(/^Zerohop-/, START_TIMEOUT_MS);
  // Without a port for `-metrics-listen-address` it goes on, as node-cache does.
  const portTaken = daemon.log.find((line) => line.includes('EADDRINUSE'));
  if (portTaken === undefined) return daemon;
  await daemon.kill();
  throw new Error(portTaken);
}

/** Starts it and waits for nothing: for starts that fail, are quiet, or are disturbed. */
export async function spawnDaemon(test: CleanUp, options: DaemonOptions): Promise<Daemon> {
  const directory = temporaryDirectory(test);
  const [dns, metrics, prometheus, health] = (await freePorts(4)) as [
    number,
    number,
    number,
    number,
  ];
  const ports = { dns: options.dnsPort ?? dns, metrics, prometheus, health };
  const daemon = new Daemon(options, ports, join(directory, 'Corefile'));
  test.after(() => daemon.kill());
  return daemon;
}

export class Daemon {
  readonly ports: DaemonPorts;
  readonly #options: DaemonOptions;
  readonly #corefilePath: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | NodeJS.Signals>;
  readonly #log: string[] = [];
  readonly #listeners = new Set<() => void>();
  #exitStatus: number | NodeJS.Signals | undefined;

  constructor(options: DaemonOptions, ports: DaemonPorts, corefilePath: string) {
    this.ports = ports;
    this.#options = options;
    this.#corefilePath = corefilePath;
    this.writeCorefile(options.corefile);
    const [command, ...args] = this.#commandLine();
    this.#child = spawn(command, args, {
      cwd: ROOT,
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: COMPILE_CACHE,
        ...backendEnvironment(options.backend),
        ...options.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe', ...(options.descriptors ?? [])],
    });
    RUNNING.add(this.#child);
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface(stream).on('line', (line) => {
        this.#log.push(line);
        this.#notify();
      });
    }
    // `close` comes behind the last line of the log, `exit` may come before it.
    this.#exited = once(this.#child, 'close').then(([code, signal]) => {
      RUNNING.delete(this.#child);
      this.#exitStatus = (code ?? signal) as number | NodeJS.Signals;
      this.#notify();
      return this.#exitStatus;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Where it serves DNS. */
  get address(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: this.ports.dns };
  }

  /** Of `-conf`, where no flag of the test says otherwise. */
  get corefilePath(): string {
    return this.#corefilePath;
  }

  /** The lines of stdout and stderr so far. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** The first line from `from` on that matches; rejects with the log when the daemon ends or time is up before. */
  async waitForLog(pattern: RegExp, timeoutMs?: number, from = 0): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const look = () => {
      const line = this.#log.slice(from).find((text) => pattern.test(text));
      if (line !== undefined) resolve(line);
      else if (this.#exitStatus !== undefined) reject(new Error(`exit ${this.#exitStatus}`));
    };
    this.#listeners.add(look);
    look();
    try {
      return await within(promise, `log line ${pattern}`, timeoutMs);
    } catch (cause) {
      const log = this.#log.join('\n');
      throw new Error(`${(cause as Error).message} from the daemon, which logged:\n${log}`, {
        cause,
      });
    } finally {
      this.#listeners.delete(look);
    }
  }

  /** What `/metrics` gives, at `-metrics-listen-address` or at a port that the Corefile names. */
  async scrape(port: number = this.ports.metrics): Promise<Scrape> {
    const url = `http://127.0.0.1:${port}/metrics`;
    // A connection that fetch has kept may be closed under the request by the daemon's idle time-out: once more then.
    const response = await fetch(url).catch(() => fetch(url));
    if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
    return new Scrape(await response.text());
  }

  /** Puts another Corefile in place, asks for a reload (SIGUSR1), and gives the log line that tells how it ended. */
  async reloadWith(corefile: DaemonOptions['corefile'], timeoutMs?: number): Promise<string> {
    const from = this.#log.length;
    this.writeCorefile(corefile);
    this.signal('SIGUSR1');
    return this.waitForLog(/Reloading complete|reload failed|Restart failed/i, timeoutMs, from);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to end (SIGTERM) and gives its exit code, or the signal that ended it; SIGKILL follows when time is up. */
  stop(timeoutMs?: number): Promise<number | NodeJS.Signals> {
    this.signal('SIGTERM');
    return this.exited(timeoutMs);
  }

  /** Its exit code when it has ended, or the signal that ended it; SIGKILL follows when time is up. */
  async exited(timeoutMs?: number): Promise<number | NodeJS.Signals> {
    try {
      return await within(this.#exited, 'end of the daemon', timeoutMs);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Ends it at once, as a crash does; nothing happens where it has ended. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#exited;
  }

  #commandLine(): [string, ...string[]] {
    const { program = join(ROOT, 'src/main.ts'), args = [], nodeFlags = [] } = this.#options;
    const { wrapper = [] } = this.#options;
    const metrics = `127.0.0.1:${this.ports.metrics}`;
    const localIp = ['-localip', '127.0.0.1', '-conf', this.#corefilePath];
    const host = ['-setupinterface=false', '-setupiptables=false'];
    const quiet = ['-metrics-listen-address', metrics, '-control-socket='];
    const more = typeof args === 'function' ? args(this.ports) : args;
    const own = [...localIp, ...host, ...quiet, ...more];
    const start = this.#options.byLauncher
      ? [join(ROOT, 'src/cli/node-cache')]
      : [process.execPath, ...nodeFlags, program];
    const [command, ...rest] = [...wrapper, ...start, ...own];
    return [command!, ...rest];
  }

  /** Replaces the file in one step, as a ConfigMap mount does: a reader never meets half of it. */
  writeCorefile(corefile: DaemonOptions['corefile']): void {
    const text = typeof corefile === 'string' ? corefile : corefile(this.ports);
    const fresh = `${this.#corefilePath}.new`;
    writeFileSync(fresh, text);
    renameSync(fresh, this.#corefilePath);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function backendEnvironment(backend: DaemonOptions['backend']): Record<string, string> {
  return backend === 'dgram' ? { ZEROHOP_NO_KOFFI: '1' } : {};
}
