/**
 * Builds the image without a registry, shows what is in it and what it weighs, and runs the daemon from its root as pods do:
 *
 *     npm run image:check                with buildah, by Dockerfile, on a base made here: minutes
 *     npm run image:check -- --direct    by the same scripts without a container tool: the root alone, in a quarter of a minute
 *     npm run image:check -- --arch arm64    the root of another architecture (x64, arm64), run in an emulated machine: test/guest
 *     --keep DIRECTORY                   leaves the root there
 *
 * It needs root and Debian: binutils and capsh, iproute2 and nftables; buildah and debootstrap where the image is built; for another
 * architecture its binutils and what test/guest asks for.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { architectureOf, CPUS } from './architectures.ts';
import { compressedBytes, megabytes, partsOf } from './contents.ts';
import { installPackages, nodeOf } from './packages.ts';
import { PrivateApt } from './private-apt.ts';

const SOURCE = join(import.meta.dirname, '../..');
/** A thousand new nodes pull it at once. */
const COMPRESSED_MAX = 70e6;
const CHECK = 'test/image/confined.check.ts';

const { values } = parseArgs({
  options: {
    direct: { type: 'boolean', default: false },
    arch: { type: 'string', default: process.arch },
    keep: { type: 'string' },
  },
});
const isForeign = values.arch !== process.arch;
if (!CPUS.includes(values.arch)) {
  console.error(`image:check: --arch '${values.arch}': expected ${CPUS.join(' or ')}`);
  process.exit(2);
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { cwd: SOURCE, stdio: ['ignore', 'inherit', 'inherit'] });
}

function output(command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: SOURCE, encoding: 'utf8' }).trim();
}

/** What Dockerfile does, step by step. */
function makeRoot(root: string): void {
  run('sh', 'deploy/image/root.sh', root, process.execPath);
  run(process.execPath, 'deploy/image/build.ts');
  run(process.execPath, 'deploy/image/pack.ts', root);
}

/** The same with Debian's and npm's packages of another architecture. */
function makeForeignRoot(root: string, directory: string): void {
  const apt = new PrivateApt(join(directory, 'apt'), values.arch);
  const packages = installPackages(join(directory, 'packages'), values.arch);
  const { gnu } = architectureOf(values.arch);
  const strip = `${gnu}-strip`;
  const canStrip = spawnSync(strip, ['--version']).error === undefined;
  if (!canStrip) console.log(`no ${strip} (binutils-${gnu}): Node keeps its symbols`);
  execFileSync('sh', ['deploy/image/root.sh', root, nodeOf(packages, values.arch)], {
    cwd: SOURCE,
    env: { ...apt.environment, STRIP: canStrip ? strip : 'true' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  run(process.execPath, 'deploy/image/build.ts');
  run(process.execPath, 'deploy/image/pack.ts', root, '--packages', packages, '--cpu', values.arch);
}

/** By Dockerfile; the sum of the layers as a registry would hold them. */
function buildImage(directory: string, root: string): number {
  const storage = ['--root', join(directory, 'storage'), '--runroot', join(directory, 'run')];
  const buildah = (...args: string[]) =>
    output('buildah', ...storage, '--storage-driver', 'vfs', ...args);
  const base = join(directory, 'base');
  run(
    'sh',
    'deploy/image/local-base.sh',
    base,
    process.execPath,
    join(output('npm', 'root', '-g'), 'npm'),
  );
  const [, name] = /^ARG NODE_IMAGE=(\S+)$/m.exec(
    readFileSync(join(SOURCE, 'Dockerfile'), 'utf8'),
  )!;
  const container = buildah('from', 'scratch');
  buildah('add', container, base, '/');
  buildah(
    'config',
    '--env',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    container,
  );
  buildah('commit', '--rm', container, name!);
  rmSync(base, { recursive: true });
  const build = ['bud', '--isolation', 'chroot', '--pull-never', '--layers=false'];
  // Docker's builder knows it by itself.
  const architecture = `TARGETARCH=${architectureOf(process.arch).debian}`;
  const version = JSON.parse(readFileSync(join(SOURCE, 'package.json'), 'utf8')).version;
  const values = ['--build-arg', architecture, '--build-arg', `VERSION=${version}`];
  // Packages that this machine has fetched already are not fetched again.
  const cache = ['--volume', `${output('npm', 'config', 'get', 'cache')}:/root/.npm`];
  buildah(...build, ...cache, ...values, '--tag', 'zerohop', '.');
  const built = buildah('from', '--pull-never', 'zerohop');
  run('cp', '-a', `${buildah('mount', built)}/.`, root);
  const archive = join(directory, 'image');
  buildah('push', '--format', 'oci', 'zerohop', `oci:${archive}`);
  return layerBytes(archive);
}

function layerBytes(archive: string): number {
  const blob = (digest: string) =>
    JSON.parse(readFileSync(join(archive, 'blobs', digest.replace(':', '/')), 'utf8'));
  const index = JSON.parse(readFileSync(join(archive, 'index.json'), 'utf8'));
  const manifest = blob(index.manifests[0].digest);
  const { config } = blob(manifest.config.digest);
  for (const [label, value] of Object.entries(config.Labels)) console.log(`${label}: ${value}`);
  console.log(`entry point ${config.Entrypoint}, user ${config.User}`);
  const sizes: number[] = manifest.layers.map(({ size }: { size: number }) => size);
  console.log(`layers: ${sizes.map(megabytes).join(', ')}`);
  return sizes.reduce((sum, size) => sum + size, 0);
}

function show(root: string, compressed: number): void {
  const parts = partsOf(root);
  for (const { name, fileCount, bytes } of parts) {
    console.log(
      `${name.padEnd(20)} ${String(fileCount).padStart(4)} files ${megabytes(bytes).padStart(9)}`,
    );
  }
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const most = megabytes(COMPRESSED_MAX);
  console.log(
    `${megabytes(bytes)} on disk, ${megabytes(compressed)} compressed, of ${most} at most`,
  );
}

const directory = mkdtempSync(join(tmpdir(), 'zerohop-image-'));
try {
  const root = values.keep ?? join(directory, 'root');
  mkdirSync(root, { recursive: true });
  let compressed: number;
  if (isForeign || values.direct) {
    if (isForeign) makeForeignRoot(root, directory);
    else makeRoot(root);
    compressed = await compressedBytes(root);
  } else {
    compressed = buildImage(directory, root);
  }
  show(root, compressed);
  const check = isForeign
    ? ['test/guest/guest.ts', '--arch', values.arch, '--image', root, CHECK]
    : ['--test', CHECK];
  const { status } = spawnSync(process.execPath, check, {
    cwd: SOURCE,
    env: { ...process.env, ZEROHOP_IMAGE_ROOT: root },
    stdio: 'inherit',
  });
  if (status !== 0 || compressed > COMPRESSED_MAX) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
