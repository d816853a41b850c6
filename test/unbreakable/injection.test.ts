/**
 * Names that want to be something else: a second log line, a terminal's command, a label's end, markup. Whatever octets a name
 * holds, it leaves in the escaped form of RFC 1035 §5.1, in every log line and every series; and a flood of failures makes
 * a bounded number of lines.
 */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { tcpAsk, udpAsk } from '../support/dns-client.ts';
import { freePorts } from '../support/free-port.ts';
import { runLoad } from '../support/load.ts';
import { FLAG } from '../support/messages.ts';
import { type Handler, ScriptedUpstream } from '../support/scripted-upstream.ts';

/** Labels, and what of them must stand in a log. */
const LABELS: readonly [octets: Buffer, text: string][] = [
  ...Array.from({ length: 256 }, (_, octet): [Buffer, string] => [
    Buffer.from([0x61, octet, 0x62]),
    `a${textOf(octet)}b`,
  ]),
  [Buffer.from('\u001b[2J\u001b]0;owned\u0007'), '\\027[2j\\027]0\\;owned\\007'],
  [Buffer.from('x\n[ERROR] plugin/errors: forged'), 'x\\010[error]\\032plugin/errors:\\032forged'],
  [Buffer.from('x"} 1\nforged_total{a="'), 'x\\"}\\0321\\010forged_total{a=\\"'],
  [Buffer.from('<script>alert(1)</script>'), '<script>alert\\(1\\)</script>'],
  [Buffer.from('%s%n{name}$(id)`id`'), '%s%n{name}\\$\\(id\\)`id`'],
  [Buffer.alloc(63, 0xff), '\\255'.repeat(63)],
];

/** Control characters, and the words; fewer than `errors` logs in a second. */
const FAILING = [...LABELS.slice(0, 33), ...LABELS.slice(0x7f, 0xa0), ...LABELS.slice(256)];

function textOf(octet: number): string {
  if (octet >= 0x41 && octet <= 0x5a) return String.fromCharCode(octet + 0x20);
  if (octet <= 0x20 || octet >= 0x7f) return `\\${String(octet).padStart(3, '0')}`;
  const character = String.fromCharCode(octet);
  return '."\\();@$'.includes(character) ? `\\${character}` : character;
}

/** The query's own octets: dns-packet takes names for UTF-8. */
const noAnswer: Handler = ({ octets }) => {
  const reply = Buffer.from(octets);
  reply.writeUInt16BE(FLAG.QR | FLAG.RD | FLAG.RA, 2);
  return reply;
};

async function start(t: TestContext, backend: 'mmsg' | 'dgram', args: readonly string[] = []) {
  const upstream = await ScriptedUpstream.start(t, noAnswer);
  const [dead] = (await freePorts(1)) as [number];
  return startDaemon(t, {
    backend,
    args: ['-udp-backend', backend, ...args],
    corefile: ({ dns, prometheus }) => `.:${dns} {
  bind 127.0.0.1
  log
  errors
  prometheus 127.0.0.1:${prometheus}
  cache 30
  forward . 127.0.0.1:${upstream.port}
}
dead:${dns} {
  bind 127.0.0.1
  log . "{name}"
  errors
  prometheus 127.0.0.1:${prometheus}
  cache 30
  forward . 127.0.0.1:${dead} {
    max_connect_attempts 1
  }
}
`,
  });
}

async function askAll(daemon: Daemon, zone: string, labels = LABELS): Promise<void> {
  for (const [index, [label]] of labels.entries()) {
    const ask = index % 2 === 0 ? udpAsk : tcpAsk;
    await ask(daemon.address, { name: [label, zone] });
  }
}

for (const backend of ['mmsg', 'dgram'] as const) {
  test(`names in every log line and series (${backend})`, async (t) => {
    const daemon = await start(t, backend);
    const from = daemon.log.length;
    await askAll(daemon, 'good');
    await askAll(daemon, 'dead', FAILING);
    await daemon.waitForLog(/^\[INFO\] (\\255){63}\.dead\.$/, undefined, from);
    const lines = daemon.log.slice(from);
    for (const line of lines) assert.match(line, /^[\x20-\x7e]{1,2000}$/);
    const logged = `${lines.join('\n')}\n`;
    for (const [, text] of LABELS) {
      assert(logged.includes(`"A IN ${text}.good. `), `query log: ${text}`);
    }
    for (const [, text] of FAILING) {
      assert(logged.includes(`[INFO] ${text}.dead.\n`), `query log: ${text}`);
      assert(logged.includes(`2 ${text}.dead. A: `), `error log: ${text}`);
    }
    assert.equal(lines.filter((line) => /^\[(ERROR|FATAL)\] .*forged$/.test(line)).length, 0);
    const page = await (await fetch(`http://127.0.0.1:${daemon.ports.prometheus}/metrics`)).text();
    assert.match(page, /^[\x20-\x7e\n]*$/);
    assert.doesNotMatch(page, /forged|<script|owned/);
  });
}

test('names in lines of JSON', async (t) => {
  const daemon = await start(t, 'mmsg', ['-log-format', 'json']);
  const from = daemon.log.length;
  await askAll(daemon, 'good');
  const last = LABELS.at(-1)![1].replaceAll('\\', '\\\\');
  await daemon.waitForLog(new RegExp(RegExp.escape(`${last}.good. `)), undefined, from);
  const messages = daemon.log.slice(from).map((line) => (JSON.parse(line) as { msg: string }).msg);
  for (const [, text] of LABELS) {
    assert(
      messages.some((message) => message.includes(`"A IN ${text}.good. `)),
      text,
    );
  }
});

suite('a flood of failures', () => {
  test('leaves a bounded number of lines, which say how many they stand for', async (t) => {
    const seconds = 3;
    const [dead] = (await freePorts(1)) as [number];
    const daemon = await startDaemon(t, {
      corefile: ({ dns }) => `.:${dns} {
  bind 127.0.0.1
  errors
  forward . 127.0.0.1:${dead} {
    max_connect_attempts 1
  }
}
`,
    });
    const from = daemon.log.length;
    const flags = { rate: 5000, seconds, names: 5000 * seconds, order: 'once', timeout: 5 };
    const report = await runLoad(t, daemon.ports.dns, flags);
    await daemon.waitForLog(/plugin\/errors: \d+ more lines suppressed/, undefined, from);
    const scrape = await daemon.scrape();
    const lines = daemon.log.slice(from);
    const suppressed = scrape.value('zerohop_log_lines_lost_total', { reason: 'suppressed' })!;
    t.diagnostic(
      `${lines.length} lines in ${seconds} s, ${suppressed} suppressed; ` +
        `p99 ${report.latencyUs.p99} us, ${report.lost} lost`,
    );
    assert.equal(report.lost, 0);
    // The seconds of the log are not those of the load, and each has its summary.
    // 100 of `errors` and, where answers take long, 10 of slow ones, each with its summary.
    assert(lines.length <= (seconds + 2) * 112, `${lines.length} lines`);
    assert(suppressed > 4000 * seconds, `${suppressed} suppressed`);
  });
});
