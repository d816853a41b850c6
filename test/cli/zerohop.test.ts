/** The operator's command: its help, what it refuses, and `status` and `reload` against a running daemon. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { Status } from '../../src/control/status.ts';
import { VERSION } from '../../src/control/version.ts';
import { TemplateNode, USUAL } from '../scenario/template-node.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { zerohop } from './zerohop-command.ts';

const COMMANDS = ['doctor', 'lint', 'reload', 'status', 'top'];

async function start(
  t: TestContext,
): Promise<{ daemon: Daemon; socket: string; upstream: number }> {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, '192.0.2.1'));
  const socket = join(temporaryDirectory(t), 'zerohop', 'control.sock');
  const daemon = await startDaemon(t, {
    args: ['-control-socket', socket],
    corefile: ({ dns }) => `.:${dns} {
  bind 127.0.0.1
  errors
  cache 30
  forward . 127.0.0.1:${upstream.port}
}
`,
  });
  return { daemon, socket, upstream: upstream.port };
}

suite('zerohop', { concurrency: true }, () => {
  test('help is complete and fits a terminal', async () => {
    const { code, stdout, stderr } = await zerohop(['--help']);
    assert.deepEqual([code, stderr], [0, '']);
    for (const name of COMMANDS) assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
    for (const args of [['--help'], ...COMMANDS.map((name) => [name, '--help'])]) {
      const help = await zerohop(args);
      assert.equal(help.code, 0);
      assert.match(help.stdout, /^Usage: zerohop /);
      for (const line of help.stdout.split('\n')) assert(line.length <= 80, line);
      if (args.length === 2) assert.match(help.stdout, /Exit codes: 0/);
    }
    assert.equal((await zerohop(['--version'])).stdout, `zerohop ${VERSION}\n`);
  });

  const WRONG: readonly [args: string[], line: RegExp][] = [
    [[], /^zerohop: expected a command \(see --help\)$/],
    [['linnt'], /^zerohop: unknown command 'linnt': expected .*status/],
    [['--verbose'], /^zerohop: unknown option '--verbose': expected /],
    [['status', '--jsn'], /^zerohop: status: unknown option '--jsn' \(see --help\)$/],
    [['status', 'now'], /^zerohop: status: unexpected argument 'now'/],
    [
      ['status', '--control-socket'],
      /^zerohop: status: option '--control-socket <value>' argument missing/,
    ],
    [['reload', '--json=yes'], /^zerohop: reload: option '--json' does not take an argument/],
    [['\u001b[31m\n'], /^zerohop: unknown command '\\027\[31m/],
  ];
  for (const [args, line] of WRONG) {
    test(`refused: ${JSON.stringify(args)}`, async () => {
      const { code, stdout, stderr } = await zerohop(args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr.trimEnd(), line);
    });
  }

  test('where no daemon answers: one line that says why', async (t) => {
    const directory = temporaryDirectory(t);
    const none = join(directory, 'none.sock');
    const file = join(directory, 'file');
    writeFileSync(file, '');
    const other = join(directory, 'other.sock');
    const server = createServer((socket) => socket.end('220 mail.example.org ESMTP\r\n'));
    await new Promise<void>((resolve) => server.listen(other, resolve));
    t.after(() => server.close());
    for (const [path, reason] of [
      [none, /no such file: no daemon runs here/],
      [file, /nobody listens: the daemon that made it has ended/],
      [other, /cannot ask the daemon at .*: Parse Error/],
    ] as const) {
      const { code, stdout, stderr } = await zerohop(['status', '--control-socket', path]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, reason);
      assert.equal(stderr.trimEnd().split('\n').length, 1);
    }
  });

  test('status: all of it as JSON, and as a person reads it', async (t) => {
    const { daemon, socket, upstream } = await start(t);
    await udpAsk(daemon.address, { name: 'secret.example.org' });
    const json = await zerohop(['status', '--json', '--control-socket', socket]);
    assert.deepEqual([json.code, json.stderr], [0, '']);
    const status = JSON.parse(json.stdout) as Status;
    assert.equal(status.version, VERSION);
    assert.equal(status.pid, daemon.pid);
    assert.deepEqual(status.listeners, [{ host: '127.0.0.1', port: daemon.ports.dns }]);
    const [block] = status.blocks;
    assert.deepEqual(block!.directives, ['bind', 'errors', 'cache', 'forward']);
    assert.deepEqual(block!.cache, { success: 1, denial: 0 });
    const [asked] = block!.forwards[0]!.upstreams;
    assert.equal(asked!.to, `127.0.0.1:${upstream}`);
    assert.equal(asked!.healthy, true);
    assert(asked!.meanMs > 0);
    assert.equal(status.cache.entries, 1);
    assert.deepEqual(status.network, { interface: null, lease: null });
    assert.equal(status.udp.rounds.length, status.udp.responders);
    assert(Object.values(status.drops).every((drops) => drops === 0));
    const { stdout } = await zerohop(['status', '--control-socket', socket]);
    assert.match(stdout, /^Zerohop \S+ .*process \d+$/m);
    assert.match(stdout, /^ {2}forward \. to 127\.0\.0\.1:\d+: up, [\d.]+ ms, /m);
    for (const text of [stdout, json.stdout]) assert.doesNotMatch(text, /secret|example/);
  });

  test('status: what it was rendered from, and what of that is refused', async (t) => {
    const node = await TemplateNode.set(t);
    const socket = join(node.root, 'zerohop', 'control.sock');
    const kubeDns = { stubDomains: '{"bad.local": []}' };
    await node.start(t, { template: USUAL, kubeDns, args: ['-control-socket', socket] });
    const { stdout } = await zerohop(['status', '--control-socket', socket]);
    assert.match(stdout, /^Corefile {4}\S+, rendered from \S+coredns\/Corefile\.base, SHA512 /m);
    assert.match(
      stdout,
      /^Refused {5}\S+stubDomains: "bad\.local": expected at least one server$/m,
    );
    node.mountKubeDns({});
    await until('nothing is refused', async () => {
      const json = await zerohop(['status', '--json', '--control-socket', socket]);
      return (JSON.parse(json.stdout) as Status).configuration.refused.length === 0;
    });
  });

  test('reload: waits for the outcome and says it', async (t) => {
    const { daemon, socket, upstream } = await start(t);
    const reload = () => zerohop(['reload', '--control-socket', socket]);
    const corefile = (options: string) =>
      `.:${daemon.ports.dns} {\n  bind 127.0.0.1\n  ${options}\n  forward . 127.0.0.1:${upstream}\n}\n`;
    daemon.writeCorefile(corefile('cache 60'));
    const good = await reload();
    assert.deepEqual([good.code, good.stderr], [0, '']);
    assert.match(good.stdout, /^reloaded: running configuration SHA512 = [0-9a-f]{128}\n$/);
    daemon.writeCorefile(corefile('cache -1'));
    const bad = await reload();
    assert.equal(bad.code, 1);
    assert.match(
      bad.stdout,
      /^not reloaded, the configuration before goes on: \S+:3:9: cache: '-1'/,
    );
    assert.equal((await udpAsk(daemon.address, { name: 'still.test' })).rcode, 'NOERROR');
    daemon.writeCorefile(corefile('cache 61'));
    const many = await Promise.all(Array.from({ length: 4 }, reload));
    assert.deepEqual(
      many.map(({ code }) => code),
      [0, 0, 0, 0],
    );
  });

  test('the socket goes with the daemon', async (t) => {
    const { daemon, socket } = await start(t);
    await daemon.stop();
    assert.equal((await zerohop(['status', '--control-socket', socket])).code, 2);
  });

  test('a daemon that cannot have its socket says so once, and serves', async (t) => {
    const directory = temporaryDirectory(t);
    mkdirSync(join(directory, 'open'), { mode: 0o755 });
    const daemon = await startDaemon(t, {
      args: ['-control-socket', join(directory, 'open', 'control.sock')],
      corefile: ({ dns }) => `.:${dns} {\n  bind 127.0.0.1\n  forward . 127.0.0.1:9\n}\n`,
    });
    await daemon.waitForLog(/^\[WARNING\] no control socket at .* has mode 0755: expected 0700/);
    assert.equal((await udpAsk(daemon.address, { name: 'a.test' })).rcode, 'SERVFAIL');
  });
});
