/**
 * What the image runs: JavaScript made from the sources. Whatever is found by its path rather than by an import (threads, lazy
 * parts, the version) has to be found there as well.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { tcpAsk, udpAsk } from '../support/dns-client.ts';

const ROOT = join(import.meta.dirname, '../..');
const DIST = join(ROOT, 'dist');

before(() =>
  execFileSync(process.execPath, [join(ROOT, 'deploy/image/build.ts')], { stdio: 'pipe' }),
);

function run(launcher: string, ...args: string[]): string {
  return execFileSync(join(DIST, 'cli', launcher), args, { cwd: '/', encoding: 'utf8' });
}

test('threads, lazily loaded directives and regular expressions', async (t) => {
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) => `.:${dns} {
    bind 127.0.0.1
    errors
    cache
    template IN A example.org {
        match "^(?P<a>[0-9]+)[.]example[.]org[.]$"
        answer "{{ .Name }} 60 IN A 192.0.2.{{ .Group.a }}"
    }
    whoami
}
`,
    program: join(DIST, 'main.js'),
    // A slow query is what a busy machine alone brings about.
    args: ['-responders=2', '-udp-backend=mmsg', '-slow-query=0s'],
  });
  for (const ask of [udpAsk, tcpAsk]) {
    const reply = await ask(daemon.address, { name: '7.example.org' });
    assert.deepEqual(reply.data('A'), ['192.0.2.7']);
  }
  const scrape = await daemon.scrape();
  assert.equal(scrape.value('zerohop_responder_restarts_total'), 0);
  assert.equal(await daemon.stop(), 0);
  assert.deepEqual(
    daemon.log.filter((line) => /^\[(WARNING|ERROR)\]/.test(line)),
    [],
  );
});

test('the launchers run what lies beside them', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.match(run('node-cache', '-version'), new RegExp(`^Zerohop-${version}\n`));
  assert.equal(run('zerohop', '--version'), `zerohop ${version}\n`);
});

test('every command of the operator loads', () => {
  const help = run('zerohop', '--help');
  const commands = [...help.matchAll(/^ {2}(\w+) {2}/gm)].map(([, name]) => name!);
  assert.ok(commands.length >= 4);
  for (const command of commands) {
    assert.match(run('zerohop', command, '--help'), new RegExp(`zerohop ${command}`));
  }
});

test('every dependency is in dist, or known to lie outside', () => {
  const { bundled, external } = JSON.parse(readFileSync(join(DIST, 'packages.json'), 'utf8'));
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const known = new Set([...bundled, ...external]);
  assert.deepEqual(
    Object.keys(dependencies).filter((name) => !known.has(name)),
    [],
  );
});
