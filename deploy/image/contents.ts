/**
 * What an image's root holds, by what it is for, and what it weighs on the wire.
 */
import { spawn } from 'node:child_process';
import { globSync, lstatSync } from 'node:fs';
import { join } from 'node:path';

/** The first that fits says whose a file is; paths from the root. */
const PARTS: readonly (readonly [string, RegExp])[] = [
  ['Node', /^usr\/local\/bin\/node$/],
  ['Zerohop', /^usr\/lib\/zerohop\/(dist|package\.json|LICENSE)|^node-cache$|^usr\/bin\/zerohop$/],
  ['packages of npm', /^usr\/lib\/zerohop\/node_modules\//],
  [
    'iptables and nft',
    /^usr\/sbin\/|\/xtables\/|\/lib(ip[46]tc|xtables|nf|nft|mnl|jansson|gmp|edit)/,
  ],
  ['shell', /^usr\/bin\//],
  ['C and C++ libraries', /^usr\/lib/],
  ['licences', /^usr\/share\/(doc|common-licenses)\//],
  ['other', /./],
];

export interface Part {
  readonly name: string;
  readonly fileCount: number;
  readonly bytes: number;
}

export function partsOf(root: string): Part[] {
  const parts = new Map(PARTS.map(([name]) => [name, { fileCount: 0, bytes: 0 }]));
  for (const path of globSync('**/*', { cwd: root })) {
    const status = lstatSync(join(root, path));
    if (status.isDirectory()) continue;
    const [name] = PARTS.find(([, pattern]) => pattern.test(path))!;
    const part = parts.get(name)!;
    part.fileCount += 1;
    part.bytes += status.isFile() ? status.size : 0;
  }
  return [...parts].map(([name, part]) => ({ name, ...part }));
}

/** As `tar | gzip` makes a layer of it. */
export async function compressedBytes(root: string): Promise<number> {
  const child = spawn('sh', ['-c', 'tar -c -C "$0" . | gzip | wc -c', root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk;
  return Number(text);
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
