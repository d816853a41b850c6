/**
 * Tests in an emulated machine with Debian's kernel: another architecture, or what this machine's kernel lacks.
 *
 *     npm run guest -- [--arch x64|arm64] [--image ROOT] TEST...
 *
 *     initramfs   /                 tools of Debian's packages
 *                 /source           what the tests are made of: src, test, deploy, packages of npm
 *                 /image            the image's root, where --image gives one
 *     console     what the tests print, and how they ended
 *
 * The guest has no network but its own loopback, and no disk. It needs root, Debian, and qemu's emulator of the architecture.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { installPackages, nodeOf } from '../../deploy/image/packages.ts';
import { PrivateApt } from '../../deploy/image/private-apt.ts';
import { machineOf, missingFor } from './machine.ts';

const SOURCE = join(import.meta.dirname, '../..');
/** What the tests call, and what Node is linked with. */
const TOOLS = [
  ...['busybox', 'kmod', 'util-linux', 'mount', 'procps', 'libcap2-bin'],
  ...['iproute2', 'iptables', 'nftables', 'conntrack', 'ipvsadm', 'dnsmasq-base'],
  ...['libstdc++6', 'libatomic1', 'netbase'],
];
/** What Debian's alternatives do at installation. */
const IPTABLES = ['', '-save', '-restore'].flatMap((name) => [
  `iptables${name}`,
  `ip6tables${name}`,
]);
/** Of the kernel's modules those for networks and file systems; sound cards and disks are others'. */
const MODULES = ['net', 'lib', 'crypto', 'fs', 'drivers/net/dummy.ko', 'drivers/net/veth.ko'];
/** Below /etc. */
const FILES = {
  'resolv.conf': '',
  hosts: '127.0.0.1 localhost\n',
  passwd: 'root:x:0:0:root:/root:/bin/sh\n',
  group: 'root:x:0:\n',
};
/** Beside the packages of the program: plain JavaScript that tests import. */
const TEST_PACKAGES = ['fast-check', 'pure-rand'];
const SOURCES = ['src', 'test', 'deploy', 'package.json', 'LICENSE'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { arch: { type: 'string', default: process.arch }, image: { type: 'string' } },
});

function sh(script: string, ...args: string[]): void {
  execFileSync('sh', ['-euc', script, 'sh', ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Tools, sources, and what to run. */
function makeRoot(root: string, directory: string, apt: PrivateApt): void {
  apt.unpackWithDependencies(TOOLS, root);
  sh(
    'rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale "$1"/usr/lib/*/perl*',
    root,
  );
  for (const name of IPTABLES) {
    sh('ln -sfn "$2" "$1/usr/sbin/$3"', root, name.replace('tables', 'tables-nft'), name);
  }
  sh('[ -e "$1/usr/bin/sh" ] || ln -s busybox "$1/usr/bin/sh"', root);
  const packages = installPackages(join(directory, 'packages'), values.arch);
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  sh('mv "$1" "$2"', nodeOf(packages, values.arch), join(root, 'usr/local/bin/node'));
  mkdirSync(join(root, 'source'));
  for (const name of SOURCES) {
    cpSync(join(SOURCE, name), join(root, 'source', name), { recursive: true });
  }
  const modules = join(root, 'source/node_modules');
  sh('mv "$1" "$2"', packages, modules);
  for (const name of TEST_PACKAGES) {
    cpSync(join(SOURCE, 'node_modules', name), join(modules, name), { recursive: true });
  }
  if (values.image !== undefined) sh('cp -a "$1" "$2/image"', values.image, root);
  mkdirSync(join(root, 'guest'));
  writeFileSync(
    join(root, 'guest/command'),
    `cd /source
export ZEROHOP_IMAGE_ROOT=/image
node --test --test-concurrency=1 ${positionals.join(' ')}
`,
  );
  mkdirSync(join(root, 'etc'), { recursive: true });
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(root, 'etc', name), text);
  sh('install -m 755 "$1" "$2/init"', join(import.meta.dirname, 'init'), root);
}

/** The kernel's file; its modules go into the root. */
function addKernel(root: string, directory: string, apt: PrivateApt): string {
  const unpacked = join(directory, 'kernel');
  mkdirSync(unpacked);
  apt.unpack(apt.dependencyOf(`linux-image-cloud-${apt.architecture}`), unpacked);
  const [release] = globSync('*', { cwd: join(unpacked, 'lib/modules') });
  const from = join(unpacked, 'lib/modules', release!);
  const to = join(root, 'usr/lib/modules', release!);
  for (const path of [
    'modules.order',
    'modules.builtin',
    'modules.builtin.modinfo',
    ...MODULES.map((m) => `kernel/${m}`),
  ]) {
    cpSync(join(from, path), join(to, path), { recursive: true });
  }
  return join(unpacked, `boot/vmlinuz-${release}`);
}

/** Starts the machine; how the tests in it ended. */
async function run(kernel: string, initramfs: string): Promise<number> {
  const { program, args, console: device } = machineOf(values.arch)!;
  const line = `console=${device} quiet loglevel=3 panic=-1`;
  const child = spawn(
    program,
    [...args, '-kernel', kernel, '-initrd', initramfs, '-append', line],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  process.on('exit', () => child.kill('SIGKILL'));
  let status = 1;
  for await (const text of createInterface(child.stdout)) {
    const [, ended] = /^guest: ended with (\d+)/.exec(text) ?? [];
    if (ended === undefined) process.stdout.write(`${text}\n`);
    else status = Number(ended);
  }
  return status;
}

const missing = missingFor(values.arch);
if (missing !== undefined) {
  process.stdout.write(`skipped, nothing was run: ${missing}\n`);
} else {
  const directory = mkdtempSync(join(tmpdir(), 'zerohop-guest-'));
  try {
    const root = join(directory, 'root');
    const apt = new PrivateApt(join(directory, 'apt'), values.arch);
    makeRoot(root, directory, apt);
    const kernel = addKernel(root, directory, apt);
    const initramfs = join(directory, 'initramfs');
    sh('cd "$1" && find . -print0 | cpio --quiet -0 -o -H newc >"$2"', root, initramfs);
    rmSync(root, { recursive: true });
    process.exitCode = await run(kernel, initramfs);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
