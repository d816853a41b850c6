/** Runs `zerohop` as an operator does, by its launcher. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const LAUNCHER = join(import.meta.dirname, '../../src/cli/zerohop');

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `environment`: beside ours. */
export async function zerohop(
  args: readonly string[],
  input = '',
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const env = { ...process.env, ...environment };
  const child = spawn(LAUNCHER, args, { cwd: '/', stdio: 'pipe', env });
  child.stdin.on('error', () => {}); // it need not read all, or anything
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code, stdout, stderr };
}
