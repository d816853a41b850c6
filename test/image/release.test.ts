/**
 * The release script in a clone of a small repository, with a program in docker's place that notes what it is told: no registry is
 * here to push to.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const ROOT = join(import.meta.dirname, '../..');
const BASE_DIGEST = `sha256:${'b'.repeat(64)}`;
const INDEX_DIGEST = `sha256:${'1'.repeat(64)}`;
const IMAGE = 'registry.example.com:5000/dns/zerohop';

const DOCKER = `#!/bin/sh
echo "$@" >>"$NOTES"
case "$*" in
  *"inspect --format"*) echo ${BASE_DIGEST} ;;
  *"inspect --raw"*) echo '{"manifests": [
    {"digest": "sha256:aa", "platform": {"os": "linux", "architecture": "amd64"}},
    {"digest": "sha256:bb", "platform": {"os": "linux", "architecture": "arm64"}},
    {"digest": "sha256:cc", "platform": {"os": "unknown", "architecture": "unknown"}}]}' ;;
  *--metadata-file*)
    while [ "$1" != --metadata-file ]; do shift; done
    echo '{"containerimage.descriptor": {}, "containerimage.digest": "${INDEX_DIGEST}"}' >"$2" ;;
esac
`;

class Tree {
  readonly path: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(test: TestContext, changelog: string) {
    const directory = temporaryDirectory(test);
    this.path = join(directory, 'tree');
    const bin = join(directory, 'bin');
    for (const folder of [join(this.path, '.ci'), bin]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(bin, 'docker'), DOCKER);
    chmodSync(join(bin, 'docker'), 0o755);
    const node = join(process.execPath, '..');
    const config = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
    const names = { GIT_AUTHOR_NAME: 'a', GIT_COMMITTER_NAME: 'a' };
    const mails = { GIT_AUTHOR_EMAIL: 'a@example.org', GIT_COMMITTER_EMAIL: 'a@example.org' };
    this.#environment = {
      ...{ ...config, ...names, ...mails, NOTES: join(directory, 'notes') },
      PATH: `${bin}:${node}:${process.env['PATH']}`,
    };
    for (const name of ['.ci/release', 'Dockerfile']) {
      copyFileSync(join(ROOT, name), join(this.path, name));
    }
    writeFileSync(join(this.path, 'package.json'), '{\n  "version": "1.2.3",\n  "x": 1\n}\n');
    writeFileSync(join(this.path, 'CHANGELOG.md'), changelog);
    this.git('init', '--quiet', '--bare', '../origin');
    this.git('init', '--quiet', '.');
    this.git('remote', 'add', 'origin', join(directory, 'origin'));
    this.git('add', '.');
    this.git('commit', '--quiet', '--message', 'all');
  }

  git(...args: string[]): string {
    const options = { cwd: this.path, env: this.#environment, encoding: 'utf8' } as const;
    return execFileSync('git', args, options).trim();
  }

  release(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const options = { cwd: '/', env: this.#environment, encoding: 'utf8' } as const;
    return spawnSync(join(this.path, '.ci/release'), args, options);
  }

  /** What docker was told, a line each. */
  get notes(): string[] {
    return readFileSync(this.#environment['NOTES']!, 'utf8').trim().split('\n');
  }
}

test('a dry run says what it would do, and does nothing', (t) => {
  const tree = new Tree(t, '# Changelog\n');
  const { status, stdout, stderr } = tree.release('--image', IMAGE);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /would run: docker buildx build --platform linux\/amd64,linux\/arm64/);
  assert.match(stdout, /would run: git tag .* v1\.2\.3/);
  assert.match(stderr, /CHANGELOG\.md has no section '## 1\.2\.3'/);
  assert.equal(tree.git('tag'), '');
  assert.throws(() => tree.notes, /ENOENT/);
});

test('a release: the base by its digest, the tag, the digests of all that was made', (t) => {
  const tree = new Tree(t, '# Changelog\n\n## 1.2.3\n');
  const { status, stdout, stderr } = tree.release('--image', IMAGE, '--push');
  assert.equal(status, 0, stderr);
  const base = 'docker.io/library/node:26.10.0-bookworm-slim';
  const [asked = '', built = ''] = tree.notes;
  assert.ok(asked.endsWith(base), asked);
  assert.ok(built.includes(`--build-arg NODE_IMAGE=${base}@${BASE_DIGEST}`), built);
  assert.ok(built.includes(`REVISION=${tree.git('rev-parse', 'HEAD')}`));
  assert.ok(built.includes(`--tag ${IMAGE}:1.2.3`));
  assert.match(stdout, new RegExp(`^image {2}${IMAGE}:1\\.2\\.3@${INDEX_DIGEST}$`, 'm'));
  assert.match(stdout, /^linux\/amd64 {2}sha256:aa\nlinux\/arm64 {2}sha256:bb$/m);
  assert.doesNotMatch(stdout, /unknown/);
  assert.match(tree.git('ls-remote', '--tags', 'origin'), /refs\/tags\/v1\.2\.3/);
  const again = tree.release('--image', IMAGE, '--push');
  assert.equal(again.status, 1);
  assert.match(again.stderr, /the tag v1\.2\.3 exists already/);
});

test('what is not committed is not released', (t) => {
  const tree = new Tree(t, '# Changelog\n\n## 1.2.3\n');
  writeFileSync(join(tree.path, 'Dockerfile'), 'FROM scratch\n');
  const { status, stderr } = tree.release('--image', IMAGE, '--push');
  assert.equal(status, 1);
  assert.match(stderr, /not committed/);
  assert.equal(tree.git('tag'), '');
});

test('a wrong command line', (t) => {
  const tree = new Tree(t, '# Changelog\n');
  for (const [args, problem] of [
    [[], /--image is missing/],
    [['--image', 'a.example/b:1'], /without tag or digest/],
    [['--image', 'a.example/b@sha256:1'], /without tag or digest/],
    [['--image', IMAGE, '--base-digest', 'sha256:12'], /64 digits/],
    [['--publish'], /unknown argument '--publish'/],
  ] as const) {
    const { status, stderr } = tree.release(...args);
    assert.equal(status, 1);
    assert.match(stderr, problem);
  }
});
