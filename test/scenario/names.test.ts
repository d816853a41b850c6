/**
 * Labels may hold any octet (RFC 2181 §11): dots, NUL, spaces, backslashes, octets above 127. They survive every way through
 * the daemon, and stand in its log as RFC 1035 §5.1 writes them.
 */
import assert from 'node:assert/strict';
import type { Daemon } from '../support/daemon.ts';
import { encodeName, FLAG, type NameText, type Reply } from '../support/messages.ts';
import type { UpstreamQuery } from '../support/scripted-upstream.ts';
import { onEachBackend, type Stage, type StagePorts, until } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => `
.:${dns} {
  bind 127.0.0.1
  cache
  errors
  log
  forward . 127.0.0.1:${upstream} {
    max_connect_attempts 1
    max_fails 0
  }
}
direct.test:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream}
}`;

/** 192.0.2.6 for the question as it stands in the query's octets. */
function addressInOctets({ octets }: UpstreamQuery): Uint8Array {
  const reply = Buffer.concat([octets.subarray(0, -11), ANSWER]);
  reply.writeUInt16BE(FLAG.QR | FLAG.RD | FLAG.RA, 2);
  reply.writeUInt16BE(1, 6);
  reply.writeUInt16BE(0, 10);
  return reply;
}
const ANSWER = Uint8Array.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 6);

const NAMES: Readonly<Record<string, { labels: NameText; text: string }>> = {
  'a dot': { labels: ['a.b', 'test'], text: 'a\\.b.test.' },
  NUL: { labels: ['a\0b', 'test'], text: 'a\\000b.test.' },
  'a space': { labels: ['a b', 'test'], text: 'a\\032b.test.' },
  'a backslash': { labels: ['a\\b', 'test'], text: 'a\\\\b.test.' },
  'a line break': { labels: ['a\nb', 'test'], text: 'a\\010b.test.' },
  'octets above 127': {
    labels: [Uint8Array.of(0xc3, 0xbc, 0xff), 'test'],
    text: '\\195\\188\\255.test.',
  },
  '63 octets': { labels: ['x'.repeat(63), 'test'], text: `${'x'.repeat(63)}.test.` },
  '255 octets': {
    labels: [...Array(3).fill('y'.repeat(63)), 'z'.repeat(56), 'test'],
    text: `${`${'y'.repeat(63)}.`.repeat(3)}${'z'.repeat(56)}.test.`,
  },
  'underscores and a star': { labels: '*._tcp.under_score.test', text: '*._tcp.under_score.test.' },
};

function assertAnswer(reply: Reply, labels: NameText): void {
  const question = encodeName(labels);
  assert.deepEqual(reply.octets.subarray(12, 12 + question.length), question);
  assert.deepEqual(reply.octets.subarray(-4), Buffer.from([192, 0, 2, 6]));
  assert.equal(reply.octets.readUInt16BE(6), 1);
}

/** The lines that hold the text, once there are so many. */
function linesWith(daemon: Daemon, text: string): string[] {
  return daemon.log.filter((line) => line.includes(text));
}

/** The queries at the upstream about this very name. */
function askedFor({ upstream }: Stage, labels: NameText): UpstreamQuery[] {
  const qname = encodeName(labels);
  return upstream.queries.filter(({ octets }) => octets.subarray(12).indexOf(qname) === 0);
}

onEachBackend('a name', { corefile: COREFILE }, async (t, stage) => {
  stage.upstream.handler = addressInOctets;
  for (const [what, { labels, text }] of Object.entries(NAMES)) {
    await t.test(`with ${what}: miss, hit, TCP, log`, async () => {
      const lateBefore = await stage.lateReasks();
      assertAnswer(await stage.ask({ name: labels }), labels);
      assertAnswer(await stage.ask({ name: labels }), labels);
      assertAnswer(await stage.askTcp({ name: labels }), labels);
      const late = (await stage.lateReasks()) - lateBefore;
      assert.equal(askedFor(stage, labels).length, 1 + late);
      const line = `"A IN ${text} tcp `;
      await stage.daemon.waitForLog(new RegExp(RegExp.escape(line)));
      const lines = () => linesWith(stage.daemon, `"A IN ${text} `).length;
      await until('the lines of all three', () => lines() >= 3);
      assert.equal(lines(), 3);
    });
  }

  await t.test('that differs from another only where text would hide it', async () => {
    const names: NameText[] = [
      ['p.q', 'direct', 'test'],
      'p.q.direct.test',
      ['p\\.q', 'direct', 'test'],
    ];
    for (const name of names) await stage.ask({ name });
    for (const name of names) assert.ok(askedFor(stage, name).length >= 1);
  });

  await t.test('in a line of errors', async () => {
    stage.upstream.handler = () => 'reset';
    const { labels, text } = { labels: ['e.\0', 'test'], text: 'e\\.\\000.test.' };
    assert.equal((await stage.askTcp({ name: labels })).octets[3]! & 0xf, 2);
    await stage.daemon.waitForLog(
      new RegExp(RegExp.escape(`[ERROR] plugin/errors: 2 ${text} A: `)),
    );
  });
});
