/**
 * The upstream of the benchmark as a child process that a test can stop in mid-flight (SIGSTOP: the kernel still accepts
 * connections and queues datagrams, nobody reads them), kill (connections are reset, new ones refused) and start again on the
 * same port. It answers every name.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { within } from './deadline.ts';
import type { CleanUp } from './temporary-directory.ts';

const PROGRAM = join(import.meta.dirname, 'fixtures/upstream-program.ts');
/** A start under load takes seconds. */
const START_TIMEOUT_MS = 60_000;

export class UpstreamProcess {
  readonly port: number;
  #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Killed when the test ends. */
  static async start(test: CleanUp): Promise<UpstreamProcess> {
    const { child, port } = await spawnUpstream(0);
    const upstream = new UpstreamProcess(child, port);
    test.after(() => upstream.kill());
    return upstream;
  }

  /** As `ip:port`, the label in metrics. */
  get to(): string {
    return `127.0.0.1:${this.port}`;
  }

  stop(): void {
    this.#child.kill('SIGSTOP');
  }

  goOn(): void {
    this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async restart(): Promise<void> {
    const { child } = await spawnUpstream(this.port);
    this.#child = child;
  }
}

async function spawnUpstream(port: number): Promise<{ child: ChildProcess; port: number }> {
  const args = [PROGRAM, String(port)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const told = once(createInterface(child.stdout), 'line');
  const [line] = (await within(told, 'port of the upstream', START_TIMEOUT_MS)) as [string];
  return { child, port: Number(line) };
}
