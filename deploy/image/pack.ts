/**
 * Lays the program into the image's root, from `dist/` and the packages that are installed:
 *
 *     node deploy/image/pack.ts ROOT [--packages DIRECTORY] [--cpu x64|arm64]
 *
 *     ROOT/usr/lib/zerohop/dist            what `npm run build` made
 *     ROOT/usr/lib/zerohop/node_modules    koffi with one native part, re2js; of packages whose code is in dist their package.json
 *                                          and licence, which is what scanners of images and lawyers look for
 *     ROOT/usr/lib/zerohop/deploy          the manifest, for `zerohop render`
 *     ROOT/node-cache, ROOT/usr/bin/zerohop
 */
import { cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const SOURCE = join(import.meta.dirname, '../..');
const PROGRAM = 'usr/lib/zerohop';
/** What `zerohop render` fills in. */
const MANIFEST = 'deploy/nodelocaldns.yaml';

/** What is loaded of a package that stays one; the rest are sources in C++ and documentation. */
const LOADED: Readonly<Record<string, readonly string[]>> = {
  koffi: ['index.cjs', 'src/koffi/index.cjs', 'src/koffi/src/static.cjs'],
  re2js: ['build/index.cjs'],
};
const NOTICES = ['package.json', 'LICEN[CS]E*', 'COPYING*', 'NOTICE*'];

interface Contents {
  readonly bundled: readonly string[];
  readonly external: readonly string[];
}

function main(): void {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      packages: { type: 'string', default: join(SOURCE, 'node_modules') },
      cpu: { type: 'string', default: process.arch },
    },
  });
  const [root] = positionals;
  if (root === undefined) throw new Error('expected the directory of the root');
  const program = join(root, PROGRAM);
  cpSync(join(SOURCE, 'dist'), join(program, 'dist'), { recursive: true });
  writeFileSync(join(program, 'package.json'), manifestText());
  cpSync(join(SOURCE, 'LICENSE'), join(program, 'LICENSE'));
  cpSync(join(SOURCE, MANIFEST), join(program, MANIFEST));
  const contents = JSON.parse(readFileSync(join(SOURCE, 'dist/packages.json'), 'utf8'));
  packPackages(contents, values.packages, join(program, 'node_modules'));
  packNative(values.cpu, values.packages, join(program, 'node_modules'));
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  symlinkSync(`${PROGRAM}/dist/cli/node-cache`, join(root, 'node-cache'));
  symlinkSync('../lib/zerohop/dist/cli/zerohop', join(root, 'usr/bin/zerohop'));
}

/** What the program reads of it, and what tells scanners whose it is. */
function manifestText(): string {
  const manifest = JSON.parse(readFileSync(join(SOURCE, 'package.json'), 'utf8'));
  const { name, version, description, license, type } = manifest;
  return `${JSON.stringify({ name, version, description, license, type }, undefined, 2)}\n`;
}

function packPackages({ bundled, external }: Contents, from: string, to: string): void {
  for (const name of [...bundled, ...external]) {
    copyMatching(NOTICES, join(from, name), join(to, name));
    copyMatching(LOADED[name] ?? [], join(from, name), join(to, name));
  }
}

/** glibc's only: the image has no other C library. */
function packNative(cpu: string, from: string, to: string): void {
  const name = `@koromix/koffi-linux-${cpu}`;
  const files = ['package.json', 'index.js', `linux_${cpu}/koffi.node`];
  copyMatching(files, join(from, name), join(to, name));
}

/** Throws where a file that is named, not a pattern, is not there. */
function copyMatching(patterns: readonly string[], from: string, to: string): void {
  for (const pattern of patterns) {
    const found = globSync(pattern, { cwd: from });
    if (found.length === 0 && !pattern.includes('*')) throw new Error(`no ${join(from, pattern)}`);
    for (const path of found) {
      mkdirSync(dirname(join(to, path)), { recursive: true });
      cpSync(join(from, path), join(to, path));
    }
  }
}

main();
