/**
 * The load generator of the benchmark as a child process, for tests that need thousands of queries a second: its figures
 * come as one object when the run is over.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { LoadReport } from '../../bench/load/generator.ts';
import type { CleanUp } from './temporary-directory.ts';

const PROGRAM = join(import.meta.dirname, '../../bench/load/cli.ts');

/** Asks the server at this port of 127.0.0.1; `flags` are those of `bench/load/cli.ts`. Rejects where a run fails. */
export async function runLoad(
  test: CleanUp,
  port: number,
  flags: Readonly<Record<string, string | number | true>>,
): Promise<LoadReport> {
  const given = Object.entries(flags).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
  const args = [PROGRAM, '--server', `127.0.0.1:${port}`, ...given];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  test.after(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (stdout === '') throw new Error(`the load generator failed: ${stderr}`);
  return JSON.parse(stdout) as LoadReport;
}
