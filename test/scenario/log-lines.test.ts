/**
 * The lines of `log` and `errors`, character by character as CoreDNS writes them, since operators' filters know them. What
 * differs from run to run (ports, durations) stands in a pattern.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { tcpAskAll } from '../support/dns-client.ts';
import { freePorts } from '../support/free-port.ts';
import { FLAG } from '../support/messages.ts';
import { bare, negative } from '../support/scripted-replies.ts';
import { onEachBackend, type Stage, type StagePorts } from './stage.ts';

const [DEAD_PORT] = await freePorts(1);

const COREFILE = ({ dns, upstream }: StagePorts) => `
(common) {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream}
}
common.test:${dns} {
  import common
  log
}
formats.test:${dns} {
  import common
  log first.formats.test "1 {type} {class} {name} {proto} {size} {rcode} {>rflags} {>bufsize} {>do} {>id} {>opcode} {rsize}"
  log second.formats.test "2 {combined}"
  log . "3 {name} {local} {/some/label} {unknown}"
}
classes.test:${dns} {
  import common
  log . "class {name}" {
    class denial error
  }
}
own.test:${dns} {
  bind 127.0.0.1
  log
  template IN ANY {
    rcode NXDOMAIN
  }
}
errors.test:${dns} {
  bind 127.0.0.1
  errors
  forward dead.errors.test 127.0.0.1:${DEAD_PORT} {
    max_connect_attempts 1
    max_fails 0
  }
  forward slow.errors.test 127.0.0.1:${upstream} {
    max_connect_attempts 1
    max_fails 0
    read_timeout 300ms
  }
}
many.test:${dns} {
  bind 127.0.0.1
  errors {
    consolidate 1s ".* connection refused$"
  }
  forward . 127.0.0.1:${DEAD_PORT} {
    max_connect_attempts 1
    max_fails 0
  }
}`;

const CLIENT = /127\.0\.0\.1:\d+/.source;
const SECONDS = /\d+(?:\.\d+)?s/.source;

function common(id: number, question: string, rest: string): RegExp {
  const text = RegExp.escape(` - ${id} "${question}" ${rest} `);
  return new RegExp(`^\\[INFO\\] ${CLIENT}${text}${SECONDS}$`);
}

async function logOfCommonFormat(t: TestContext, stage: Stage): Promise<void> {
  const { daemon } = stage;
  await t.test('log: a miss, a hit, over TCP', async () => {
    const name = 'WWW.common.test';
    await stage.ask({ name, id: 1 });
    await stage.ask({ name, id: 2 });
    await stage.askTcp({ name, id: 3 });
    const size = 'A IN www.common.test.';
    await daemon.waitForLog(common(1, `${size} udp 33 false 512`, 'NOERROR qr,rd,ra 49'));
    await daemon.waitForLog(common(2, `${size} udp 33 false 512`, 'NOERROR qr,aa,rd,ra 49'));
    await daemon.waitForLog(common(3, `${size} tcp 33 false 65535`, 'NOERROR qr,aa,rd,ra 49'));
  });

  await t.test('log: EDNS and flags', async () => {
    const flags = FLAG.CD | FLAG.AD;
    await stage.ask({ name: 'f.common.test', id: 4, flags, edns: { size: 1400, dnssecOk: true } });
    await daemon.waitForLog(
      common(4, 'A IN f.common.test. udp 42 true 1400', 'NOERROR qr,ra,cd 58'),
    );
  });

  await t.test('log: types, classes and rcodes', async () => {
    stage.script('gone.common.test', (query) => negative(query, 3, 'common.test', 60));
    stage.script('odd.common.test', (query) => bare(query, 5));
    await stage.ask({ name: 'gone.common.test', id: 5, type: 'AAAA' });
    await stage.ask({ name: 'odd.common.test', id: 6, type: 65_280, class: 'CH' });
    const gone = 'AAAA IN gone.common.test. udp 34 false 512';
    await daemon.waitForLog(new RegExp(`${RegExp.escape(gone)}" NXDOMAIN qr,rd,ra \\d+ `));
    const odd = 'TYPE65280 CH odd.common.test. udp 33 false 512';
    await daemon.waitForLog(common(6, odd, 'REFUSED qr,rd,ra 33'));
  });
}

async function logOfOtherFormats(t: TestContext, stage: Stage): Promise<void> {
  const { daemon } = stage;
  const waitForText = (text: string) => daemon.waitForLog(new RegExp(`^${RegExp.escape(text)}`));

  await t.test('log: the first rule that has the name, in its format', async () => {
    await stage.ask({ name: 'a.first.formats.test', id: 7 });
    await stage.ask({ name: 'a.second.formats.test', id: 8 });
    await stage.ask({ name: 'a.formats.test', id: 9 });
    await waitForText(
      '[INFO] 1 A IN a.first.formats.test. udp 38 NOERROR qr,rd,ra 512 false 7 0 54',
    );
    const combined = `^\\[INFO\\] 2 ${CLIENT} - 8 "A IN a\\.second\\..* ${SECONDS} "0"$`;
    await daemon.waitForLog(new RegExp(combined));
    await waitForText('[INFO] 3 a.formats.test. 127.0.0.1 - {unknown}');
  });

  await t.test('log: only the classes asked for', async () => {
    stage.script('gone.classes.test', (query) => negative(query, 3, 'classes.test', 60));
    stage.script('nodata.classes.test', (query) => negative(query, 0, 'classes.test', 60));
    stage.script('fails.classes.test', (query) => bare(query, 2));
    for (const label of ['good', 'gone', 'nodata', 'fails']) {
      await stage.ask({ name: `${label}.classes.test` });
    }
    await waitForText('[INFO] class fails.classes.test.');
    const lines = daemon.log.filter((line) => line.startsWith('[INFO] class '));
    const names = lines.map((line) => line.split(' ').at(-1)!.split('.')[0]);
    assert.deepEqual(names, ['gone', 'nodata', 'fails']);
  });

  await t.test('log: nothing of what no block answers', async () => {
    await stage.ask({ name: 'a.nowhere.test' });
    await stage.ask({ name: 'first.common.test' });
    await stage.ask({ name: 'v.common.test', edns: { version: 1 } });
    // A block that forwards nothing takes IN only.
    assert.equal((await stage.ask({ name: 'c.own.test', class: 'CH' })).rcode, 'REFUSED');
    assert.equal((await stage.ask({ name: 'last.own.test' })).rcode, 'NXDOMAIN');
    await daemon.waitForLog(/last\.own/);
    const unseen = /nowhere|A (?:IN|CH) [vc]\.(?:common|own)|"- /;
    assert.deepEqual(
      daemon.log.filter((line) => unseen.test(line)),
      [],
    );
  });
}

async function linesOfErrors(t: TestContext, stage: Stage): Promise<void> {
  const { daemon } = stage;
  const waitForError = (name: string, reason: string) =>
    daemon.waitForLog(new RegExp(`^\\[ERROR\\] plugin/errors: 2 ${name} A: ${reason}$`));

  await t.test('errors: refused, over UDP and TCP', async () => {
    await stage.ask({ name: 'UDP.dead.errors.test' });
    const to = `127\\.0\\.0\\.1:${DEAD_PORT}`;
    await waitForError(
      'udp\\.dead\\.errors\\.test\\.',
      `read udp ${CLIENT}->${to}: read: connection refused`,
    );
    await stage.askTcp({ name: 'tcp.dead.errors.test' });
    await waitForError(
      'tcp\\.dead\\.errors\\.test\\.',
      `dial tcp ${to}: connect: connection refused`,
    );
  });

  await t.test('errors: no answer in time', async () => {
    stage.script('slow.errors.test', () => 'drop');
    assert.equal((await stage.ask({ name: 'slow.errors.test' })).rcode, 'SERVFAIL');
    const to = `127\\.0\\.0\\.1:${stage.upstream.port}`;
    await waitForError('slow\\.errors\\.test\\.', `read (?:udp|tcp) ${CLIENT}->${to}: i/o timeout`);
  });

  await t.test('errors: nobody to ask', async () => {
    assert.equal((await stage.ask({ name: 'nobody.errors.test' })).rcode, 'SERVFAIL');
    await waitForError('nobody\\.errors\\.test\\.', '(?:plugin/\\w+: )?no next plugin found');
  });

  await t.test('errors: one line for many that are alike', async () => {
    // All at once: they are to come within the second of the first.
    await tcpAskAll(
      daemon.address,
      [...'abcd'].map((label) => ({ name: `${label}.many.test` })),
    );
    await daemon.waitForLog(
      /^\[ERROR\] plugin\/errors: 4 errors like '\.\* connection refused\$' occurred in last 1s$/,
    );
    assert.ok(daemon.log.every((line) => !line.includes('many.test. A')));
  });
}

onEachBackend('the lines of the log', { corefile: COREFILE }, async (t, stage) => {
  await logOfCommonFormat(t, stage);
  await logOfOtherFormats(t, stage);
  await linesOfErrors(t, stage);
});
