/**
 * Programs that the lab runs: to their end, or as servers that a lab ends. A failure carries what the program wrote.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { DEADLINE_MS, within } from '../support/deadline.ts';

export interface RunOptions {
  readonly input?: string;
  /** It may end with any status; what it wrote on standard error then stands behind its output. */
  readonly mayFail?: boolean;
  readonly timeoutMs?: number;
}

/** What the command prints, trimmed; rejects where it ends with anything but 0. */
export async function run(
  command: readonly string[],
  { input = '', mayFail = false, timeoutMs = DEADLINE_MS }: RunOptions = {},
): Promise<string> {
  const child = spawn(command[0]!, command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}); // It ended before it read its input; its status tells.
  child.stdin.end(input);
  const closed = once(child, 'close');
  const output = Promise.all([text(child.stdout), text(child.stderr), closed]);
  try {
    const [stdout, stderr, [status, signal]] = await within(output, command.join(' '), timeoutMs);
    if (status === 0) return stdout.trim();
    if (mayFail) return `${stdout}${stderr}`.trim();
    throw new Error(`${command.join(' ')}: ${status ?? signal}\n${stdout}${stderr}`);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** As `run`, but it blocks: for the end of a process, when nothing asynchronous runs any more. Failures give ''. */
export function runNow(command: readonly string[]): string {
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync(command[0]!, command.slice(1), { encoding: 'utf8', stdio }).trim();
  } catch {
    return '';
  }
}

/** A program that runs until the lab ends it; its log is kept. */
export class Server {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #log: string[] = [];
  readonly #listeners = new Set<() => void>();
  #status: number | NodeJS.Signals | undefined;

  constructor(command: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(command[0]!, command.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface(stream).on('line', (line) => {
        this.#log.push(line);
        this.#notify();
      });
    }
    this.#closed = once(this.#child, 'close').then(([status, signal]) => {
      this.#status = status ?? signal;
      this.#notify();
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Lines of standard output and error so far. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** The first line that matches; rejects with the log where the program ends or time is up before. */
  async waitForLog(pattern: RegExp, timeoutMs = DEADLINE_MS): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const look = () => {
      const line = this.#log.find((each) => pattern.test(each));
      if (line !== undefined) resolve(line);
      else if (this.#status !== undefined) reject(new Error(`it ended with ${this.#status}`));
    };
    this.#listeners.add(look);
    look();
    try {
      return await within(promise, `log line ${pattern}`, timeoutMs);
    } catch (cause) {
      throw new Error(`no ${pattern} in the log:\n${this.#log.join('\n')}`, { cause });
    } finally {
      this.#listeners.delete(look);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its exit status, or the signal that ended it. */
  async ended(timeoutMs = DEADLINE_MS): Promise<number | NodeJS.Signals> {
    await within(this.#closed, 'end of the server', timeoutMs);
    return this.#status!;
  }

  /** SIGTERM, and its exit status. */
  stop(timeoutMs?: number): Promise<number | NodeJS.Signals> {
    this.signal('SIGTERM');
    return this.ended(timeoutMs);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#closed;
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
