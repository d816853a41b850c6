/**
 * What an operator can get wrong ends the start with one line that says where and what, never with a stack trace, and with
 * node-cache's exit code: 2 for the command line, 1 for all else.
 */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type DaemonOptions, type DaemonPorts, spawnDaemon } from '../support/daemon.ts';
import { freePorts } from '../support/free-port.ts';
import { corefile } from './corefiles.ts';

const FORWARD = { upstream: 9 };

interface FailedStart {
  readonly status: number | NodeJS.Signals;
  /** What it printed but for the progress of the start. */
  readonly lines: readonly string[];
}

async function failToStart(t: TestContext, options: DaemonOptions): Promise<FailedStart> {
  const daemon = await spawnDaemon(t, options);
  const status = await daemon.exited();
  const lines = daemon.log.filter((line) => !line.startsWith('[INFO] '));
  return { status, lines };
}

async function assertFails(
  t: TestContext,
  options: DaemonOptions,
  message: RegExp,
  expectedStatus = 1,
): Promise<void> {
  const { status, lines } = await failToStart(t, options);
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(lines[0]!, message);
  assert.equal(status, expectedStatus);
}

/** Holds a port of 127.0.0.1 as a program without SO_REUSEPORT does. */
async function occupy(t: TestContext, protocol: 'udp' | 'tcp'): Promise<number> {
  const [port] = (await freePorts(1)) as [number];
  if (protocol === 'udp') {
    const socket = createSocket('udp4').bind(port, '127.0.0.1');
    t.after(() => socket.close());
    await once(socket, 'listening');
  } else {
    const server = createServer().listen(port, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
  }
  return port;
}

for (const backend of ['mmsg', 'dgram'] as const) {
  for (const protocol of ['udp', 'tcp'] as const) {
    test(`a port taken on ${protocol} (${backend})`, async (t) => {
      const port = await occupy(t, protocol);
      const args = ['-udp-backend', backend];
      const options = { corefile: corefile(FORWARD), dnsPort: port, args };
      const where = `127\\.0\\.0\\.1:${port}`;
      await assertFails(t, options, new RegExp(`^\\[ERROR\\] (?=.*EADDRINUSE).*${where}`));
    });
  }

  test(`an address that the machine has not (${backend})`, async (t) => {
    const text = corefile({ ...FORWARD, bind: ['192.0.2.77'] });
    const options = { corefile: text, args: ['-udp-backend', backend] };
    await assertFails(t, options, /^\[ERROR\] (?=.*EADDRNOTAVAIL).*192\.0\.2\.77:\d+/);
  });
}

test('a port taken for /metrics or /health', async (t) => {
  const port = await occupy(t, 'tcp');
  for (const directive of ['prometheus', 'health']) {
    const lines = [`${directive} 127.0.0.1:${port}`];
    const where = `127\\.0\\.0\\.1:${port}`;
    const message = new RegExp(`^\\[ERROR\\] ${directive} .*listen on ${where}: .*EADDRINUSE`);
    await assertFails(t, { corefile: corefile({ ...FORWARD, lines }) }, message);
  }
});

const COREFILES: Readonly<Record<string, readonly [(ports: DaemonPorts) => string, RegExp]>> = {
  'a directive that does not exist': [
    corefile({ ...FORWARD, lines: ['nonsense'] }),
    /Corefile:3:3: .*nonsense/,
  ],
  'an argument that makes no sense': [
    corefile({ ...FORWARD, lines: ['bufsize many'] }),
    /Corefile:3:\d+: .*bufsize/,
  ],
  'a block that does not end': [({ dns }) => `.:${dns} {\n  errors\n`, /Corefile:\d+:\d+: /],
  'a forward without an upstream': [
    ({ dns }) => `.:${dns} {\n  forward .\n}\n`,
    /Corefile:2:\d+: .*forward/,
  ],
  'an upstream that is none': [
    ({ dns }) => `.:${dns} {\n  forward . 192.0.2.1:port\n}\n`,
    /Corefile:2:\d+: .*192\.0\.2\.1:port/,
  ],
  'the same zone twice': [
    ({ dns }) => `.:${dns} {\n  bind 127.0.0.1\n}\n.:${dns} {\n  bind 127.0.0.1\n}\n`,
    /Corefile:4:\d+: /,
  ],
  'a file to import that is not there': [
    ({ dns }) => `.:${dns} {\n  import /nowhere/at-all\n}\n`,
    /Corefile:2:\d+: .*\/nowhere\/at-all/,
  ],
  'no block': [() => '', /Corefile: expected a server block/],
};

for (const [name, [text, message]] of Object.entries(COREFILES)) {
  test(`a Corefile with ${name}`, async (t) => {
    await assertFails(t, { corefile: text }, new RegExp(`^\\[ERROR\\] .*${message.source}`));
  });
}

test('a Corefile that is not there', async (t) => {
  const options = { corefile: corefile(FORWARD), args: ['-conf', '/nowhere/Corefile'] };
  await assertFails(t, options, /^\[ERROR\] .*\/nowhere\/Corefile: ENOENT/);
});

const COMMAND_LINES: readonly (readonly [readonly string[], RegExp])[] = [
  [['-localip', ''], /invalid localip specified - ""/],
  [['-localip', '127.0.0.1,'], /invalid localip specified - ""/],
  [['-dns.port', '65536'], /invalid port specified - "65536"/],
  [['serve'], /extra command line arguments: \[serve\]/],
];

for (const [args, message] of COMMAND_LINES) {
  test(`the command line "${args.join(' ')}"`, async (t) => {
    await assertFails(t, { corefile: corefile(FORWARD), args }, message);
  });
}

test('a flag that does not exist: a line, the usage, and exit code 2', async (t) => {
  const options = { corefile: corefile(FORWARD), args: ['-nonsense'] };
  const { status, lines } = await failToStart(t, options);
  assert.equal(lines[0], 'flag provided but not defined: -nonsense');
  assert.equal(lines[1], 'Usage of node-cache:');
  assert(!lines.some((line) => /^\s+at /.test(line)));
  assert.equal(status, 2);
});
