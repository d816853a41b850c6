/** The packages of npm for another architecture, as Dockerfile takes them, with Node's binary; their directory. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = join(import.meta.dirname, '../..');

export function installPackages(directory: string, cpu: string): string {
  mkdirSync(directory, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) {
    copyFileSync(join(SOURCE, name), join(directory, name));
  }
  const quiet = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--silent'];
  const target = ['--os=linux', `--cpu=${cpu}`, '--libc=glibc'];
  execFileSync('npm', ['ci', '--omit=dev', ...quiet, ...target], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return join(directory, 'node_modules');
}

export function nodeOf(packages: string, cpu: string): string {
  return join(packages, `node-linux-${cpu}`, 'bin/node');
}
