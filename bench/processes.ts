/**
 * Child processes of a benchmark: started pinned to a core, killed by their pid in any case. A child that outlives its
 * bench would falsify the next one.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** What is kept of a child's standard error, for the message when it fails. */
const ERROR_TAIL_OCTETS = 4096;
/** A report is some 2 KB; a server's log must not fill the memory. */
const OUTPUT_MAX = 1 << 20;
/** From SIGTERM to SIGKILL: node-cache lets queries end for up to 5 s, which no bench needs. */
const STOP_GRACE_MS = 2000;

export interface Child {
  readonly pid: number;
  /** The end of what it wrote on standard error. */
  errorTail(): string;
  hasExited(): boolean;
  /** Resolves to the first line of standard output; rejects when the child ends before or `timeoutMs` pass. */
  firstLine(timeoutMs: number): Promise<string>;
  /** Writes a line to its standard input and resolves to the next line of standard output; one question at a time. */
  ask(line: string, timeoutMs: number): Promise<string>;
  /** Writes a line to its standard input. */
  tell(line: string): void;
  /** Resolves to all of standard output; rejects for an exit status other than 0 or when `timeoutMs` pass. */
  output(timeoutMs: number): Promise<string>;
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
let isCleanupInstalled = false;

/** Starts `command`, on one core where `core` names one; `environment` is added to our own. */
export function startProcess(
  command: readonly string[],
  core?: number,
  environment: Readonly<Record<string, string>> = {},
): Child {
  const argv = core === undefined ? command : ['taskset', '-c', String(core), ...command];
  const child = spawn(argv[0]!, argv.slice(1), {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const ended = once(child, 'close').catch((error: Error) => error);
  const text = { out: '', error: '' };
  installCleanup();
  running.add(child);
  void ended.then(() => running.delete(child));
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.out.length < OUTPUT_MAX) text.out = (text.out + chunk).slice(0, OUTPUT_MAX);
  });
  child.stdin.on('error', () => {}); // it ended; whoever waits for it is told
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text.error = (text.error + chunk).slice(-ERROR_TAIL_OCTETS);
  });
  const failure = (what: string) =>
    new Error(`${command.slice(0, 2).join(' ')} ${what}\n${text.error}`);
  const endedWithin = (timeoutMs: number) => Promise.race([ended, timeLimit(timeoutMs, failure)]);
  /** The line that begins at `from` in what it wrote. */
  const nextLine = async (from: number, timeoutMs: number) => {
    const endOfLine = () => text.out.indexOf('\n', from);
    if (endOfLine() < 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => endOfLine() >= 0 && resolve();
      child.stdout.on('data', look);
      await Promise.race([promise, endedWithin(timeoutMs)]);
      child.stdout.off('data', look);
    }
    if (endOfLine() < 0) throw failure('ended before it said what was asked');
    return text.out.slice(from, endOfLine());
  };
  return {
    pid: child.pid ?? -1,
    errorTail: () => text.error,
    hasExited: () => !running.has(child) || child.exitCode !== null || child.signalCode !== null,
    firstLine: (timeoutMs) => nextLine(0, timeoutMs),
    ask: (line, timeoutMs) => {
      const from = text.out.length;
      child.stdin.write(`${line}\n`);
      return nextLine(from, timeoutMs);
    },
    tell: (line) => void child.stdin.write(`${line}\n`),
    output: async (timeoutMs) => {
      await endedWithin(timeoutMs);
      if (child.exitCode !== 0) throw failure(`ended with ${child.exitCode ?? child.signalCode}`);
      return text.out;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await Promise.race([ended, delay(STOP_GRACE_MS)]);
      if (running.has(child)) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** With the first child: a process that starts none keeps its own way to end. */
function installCleanup(): void {
  if (isCleanupInstalled) return;
  isCleanupInstalled = true;
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(1));
  }
}

/** Whether a command exists and starts. */
export function isInstalled(command: string, versionFlag = '--version'): boolean {
  return spawnSync(command, [versionFlag], { stdio: 'ignore' }).error === undefined;
}

async function timeLimit(timeoutMs: number, failure: (what: string) => Error): Promise<never> {
  await delay(timeoutMs);
  throw failure(`took longer than ${timeoutMs} ms`);
}

/** Does not keep the process alive. */
function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
