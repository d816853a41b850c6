/**
 * A start that works: by the launcher, with the flags that print something or write a file, on either backend, at the
 * addresses that the Corefile names or at all of them.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { DIRECTIVE_ORDER } from '../../src/directives/order.ts';
import { type Daemon, type DaemonOptions, spawnDaemon, startDaemon } from '../support/daemon.ts';
import { tcpAsk, udpAsk } from '../support/dns-client.ts';
import { addresses, bare } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { type CorefileParts, corefile } from './corefiles.ts';
import { preload } from './preload.ts';

const ANSWER = ['192.0.2.1'];
const QUERY = { name: 'www.example.org' };
const LAUNCHER = join(import.meta.dirname, '../../src/cli/node-cache');

async function start(
  t: TestContext,
  options: Partial<DaemonOptions> = {},
  parts: Partial<CorefileParts> = {},
): Promise<Daemon> {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, ANSWER));
  return startDaemon(t, { corefile: corefile({ upstream: upstream.port, ...parts }), ...options });
}

async function assertAnswers({ ports }: Daemon, host: string): Promise<void> {
  for (const ask of [udpAsk, tcpAsk]) {
    const reply = await ask({ host, port: ports.dns }, QUERY);
    assert.deepEqual(reply.data('A'), ANSWER);
  }
}

test('the launcher becomes the daemon, from anywhere', async (t) => {
  const daemon = await start(t, { byLauncher: true });
  await assertAnswers(daemon, '127.0.0.1');
  assert.match(readFileSync(`/proc/${daemon.pid}/cmdline`, 'utf8'), /node.*main\.ts/);
  assert.equal(await daemon.stop(), 0);
});

test('-version and -plugins need nothing else', async () => {
  const run = promisify(execFile);
  const version = await run(LAUNCHER, ['-version'], { cwd: '/' });
  assert.match(version.stdout, /^Zerohop-\d+\.\d+\.\d+\nlinux\/\w+, node v26\./);
  const plugins = await run(LAUNCHER, ['-plugins'], { cwd: '/' });
  for (const name of DIRECTIVE_ORDER) assert(plugins.stdout.includes(`  dns.${name}\n`), name);
  assert.equal(version.stderr + plugins.stderr, '');
});

test('with the banner the control socket is there', async (t) => {
  const path = join(temporaryDirectory(t), 'zerohop', 'control.sock');
  await start(t, { args: ['-control-socket', path] });
  assert(existsSync(path));
});

test('-pidfile: there while the daemon serves', async (t) => {
  const path = join(temporaryDirectory(t), 'node-cache.pid');
  for (const signal of ['SIGTERM', 'SIGQUIT'] as const) {
    const daemon = await start(t, { args: ['-pidfile', path] });
    assert.equal(readFileSync(path, 'utf8').trim(), String(daemon.pid));
    daemon.signal(signal);
    assert.equal(await daemon.exited(), 0);
    assert.equal(existsSync(path), false, signal);
  }
});

test('-pidfile that cannot be written: logged, and served all the same', async (t) => {
  const daemon = await start(t, { args: ['-pidfile', '/nowhere/node-cache.pid'] });
  await daemon.waitForLog(/^\[ERROR\] .*pidfile.*ENOENT.*\/nowhere\/node-cache\.pid/);
  await assertAnswers(daemon, '127.0.0.1');
});

test('-quiet: neither zones nor banner', async (t) => {
  const options = { corefile: corefile({ upstream: 9 }), args: ['-quiet'] };
  const daemon = await spawnDaemon(t, options);
  await daemon.waitForLog(/UDP backend/);
  assert.equal((await udpAsk(daemon.address, { ...QUERY, flags: 2 << 11 })).rcode, 'NOTIMP');
  assert.equal(await daemon.stop(), 0);
  assert.deepEqual(
    daemon.log.filter((line) => !/^\[[A-Z]+\] /.test(line)),
    [],
  );
});

test('the dgram backend by choice', async (t) => {
  const daemon = await start(t, { args: ['-udp-backend', 'dgram'] });
  await daemon.waitForLog(/UDP backend: dgram/);
  assert.deepEqual(warnings(daemon), []);
  await assertAnswers(daemon, '127.0.0.1');
});

test('the dgram backend where koffi cannot load, with one line that says so', async (t) => {
  const daemon = await start(t, { backend: 'dgram' });
  await daemon.waitForLog(/UDP backend: dgram/);
  assert.equal(warnings(daemon).length, 1);
  assert.match(warnings(daemon)[0]!, /node:dgram.*koffi is turned off by ZEROHOP_NO_KOFFI=1/);
  await assertAnswers(daemon, '127.0.0.1');
});

test('the mmsg backend by choice where koffi cannot load: no start', async (t) => {
  const options = { corefile: corefile({ upstream: 9 }), args: ['-udp-backend', 'mmsg'] };
  const daemon = await spawnDaemon(t, { ...options, backend: 'dgram' });
  assert.equal(await daemon.exited(), 1);
  assert.equal(daemon.log.length, 1, daemon.log.join('\n'));
  assert.match(daemon.log[0]!, /^\[ERROR\] .*system-call backend cannot load/);
});

for (const [backend, threads] of [
  ['mmsg', 2],
  ['dgram', 0],
] as const) {
  test(`the worker that is started ahead is a responder, or goes (${backend})`, async (t) => {
    const daemon = await start(t, { backend, args: ['-responders', '2'] });
    await assertAnswers(daemon, '127.0.0.1');
    await until(`${threads} threads`, () => workerThreads(daemon.pid) === threads);
  });
}

const FIRST_WORKER_FAILS = preload(
  'main',
  `const threads = builtin('node:worker_threads');
  const { Worker } = threads;
  threads.Worker = class {
    constructor() {
      threads.Worker = Worker;
      builtin('node:module').syncBuiltinESMExports();
      throw new Error('Worker initialization failure: EAGAIN');
    }
  };
  builtin('node:module').syncBuiltinESMExports();`,
);

test('a worker that cannot be started ahead is started when it is needed', async (t) => {
  const daemon = await start(t, { nodeFlags: [FIRST_WORKER_FAILS] });
  await assertAnswers(daemon, '127.0.0.1');
});

test('a worker that dies before it is needed is started again', async (t) => {
  const marker = join(temporaryDirectory(t), 'marker');
  writeFileSync(marker, '');
  const dies = preload(
    'responder',
    `const { existsSync, rmSync } = builtin('node:fs');
    if (existsSync(${JSON.stringify(marker)})) {
      rmSync(${JSON.stringify(marker)});
      throw new Error('provoked');
    }`,
  );
  const daemon = await start(t, { nodeFlags: [dies] });
  await assertAnswers(daemon, '127.0.0.1');
  assert.ok(!existsSync(marker));
});

/** Threads that run JavaScript, beside the main one. */
function workerThreads(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const names = readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/comm`, 'utf8'));
  return names.filter((name) => name.trim() === 'WorkerThread').length;
}

function warnings({ log }: Daemon): string[] {
  return log.filter((line) => /^\[(WARNING|ERROR)\]/.test(line));
}

for (const backend of ['mmsg', 'dgram'] as const) {
  const args = ['-udp-backend', backend, '-responders', '2'];

  test(`bind to addresses of both families (${backend})`, async (t) => {
    const daemon = await start(t, { args }, { bind: ['127.0.0.1', '127.0.0.2', '::1'] });
    for (const host of ['127.0.0.1', '127.0.0.2', '::1']) await assertAnswers(daemon, host);
    await assert.rejects(assertAnswers(daemon, '127.0.0.3'));
  });

  test(`without bind all addresses of both families are served (${backend})`, async (t) => {
    const daemon = await start(t, { args }, { bind: [] });
    for (const host of ['127.0.0.1', '::1']) await assertAnswers(daemon, host);
  });
}

test('responders that are ready long before there is a configuration wait for it', async (t) => {
  const slow = preload(
    'main',
    `const { Server } = builtin('node:net');
    const { listen } = Server.prototype;
    Server.prototype.listen = function (...args) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
      return listen.apply(this, args);
    };`,
  );
  const daemon = await start(t, { nodeFlags: [slow], args: ['-responders', '3'] });
  await assertAnswers(daemon, '127.0.0.1');
});

test('a forward that comes back: the fatal line of CoreDNS, and exit code 1', async (t) => {
  const daemon = await spawnDaemon(t, {
    corefile: (ports) => corefile({ upstream: ports.dns, lines: ['loop'] })(ports),
  });
  const line = await daemon.waitForLog(/^\[FATAL\]/);
  assert.match(
    line,
    /^\[FATAL\] plugin\/loop: Loop .*detected for zone "\.", see https:\/\/coredns\.io\/plugins\/loop#troubleshooting\. Query: "HINFO \d+\.\d+\."$/,
  );
  assert.equal(await daemon.exited(), 1);
});

test('no loop, no line', async (t) => {
  const upstream = await ScriptedUpstream.start(t, (query) => bare(query, 3));
  const lines = ['loop'];
  const daemon = await startDaemon(t, { corefile: corefile({ upstream: upstream.port, lines }) });
  await upstream.received(1);
  assert.equal((await udpAsk(daemon.address, QUERY)).rcode, 'NXDOMAIN');
  assert.equal(await daemon.stop(), 0);
  assert(!daemon.log.some((line) => /loop/i.test(line)));
});
