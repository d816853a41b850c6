/**
 * What the machine may do to the daemon: a full disk, a log that nobody reads, a clock that somebody sets. It goes on serving.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Daemon, type DaemonOptions, spawnDaemon, startDaemon } from '../support/daemon.ts';
import { UdpClient, udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const STEPPING_CLOCK = join(import.meta.dirname, '../support/fixtures/stepping-clock.ts');
const START_TIMEOUT_MS = 15_000;

function start(t: TestContext, ttl = 30): Promise<ScriptedUpstream> {
  return ScriptedUpstream.start(t, (query) => addresses(query, '192.0.2.1', ttl));
}

function corefile(upstream: ScriptedUpstream, directives = ''): DaemonOptions['corefile'] {
  return ({ dns }) => `.:${dns} {
  bind 127.0.0.1
  ${directives}
  cache 3600
  forward . 127.0.0.1:${upstream.port}
}
`;
}

/** For a daemon whose log cannot be read. */
function whenServing(daemon: Daemon): Promise<void> {
  const ask = () => udpAsk(daemon.address, { name: 'example.org' }, { timeoutMs: 500 });
  return until('the daemon serves', ask, START_TIMEOUT_MS);
}

test('a full disk under the log and the pidfile does not end it', async (t) => {
  const upstream = await start(t);
  const daemon = await spawnDaemon(t, {
    corefile: corefile(upstream, 'log\n  errors'),
    args: ['-pidfile', '/dev/full'],
    wrapper: ['sh', '-c', 'exec "$@" >/dev/full 2>&1', 'sh'],
  });
  await whenServing(daemon);
  for (let index = 0; index < 50; index++) {
    const reply = await udpAsk(daemon.address, { name: `n${index}.example.org` });
    assert.equal(reply.rcode, 'NOERROR');
  }
  const scrape = await daemon.scrape();
  assert(scrape.value('zerohop_log_lines_lost_total', { reason: 'dropped' })! >= 50);
  assert.equal(await daemon.stop(), 0);
});

test('a log that nobody reads keeps nobody waiting, and takes a bounded memory', async (t) => {
  const fifo = join(temporaryDirectory(t), 'stdout');
  execFileSync('mkfifo', [fifo]);
  const upstream = await start(t);
  const daemon = await spawnDaemon(t, {
    corefile: corefile(upstream, 'log'),
    // Open for reading too, so that opening it does not wait for a reader.
    wrapper: ['sh', '-c', 'exec 9<>"$1"; shift; exec "$@" >&9', 'sh', fifo],
  });
  await whenServing(daemon);
  const client = await UdpClient.open(daemon.address);
  t.after(() => client.close());
  let slowestMs = 0;
  // 300 rounds of 100 lines of some 130 octets: about 4 MB.
  for (let round = 0; round < 300; round++) {
    const queries = Array.from({ length: 100 }, () => ({ name: 'example.org' }));
    const askedAtMs = performance.now();
    await client.askAll(queries);
    slowestMs = Math.max(slowestMs, performance.now() - askedAtMs);
  }
  const scrape = await daemon.scrape();
  const dropped = scrape.value('zerohop_log_lines_lost_total', { reason: 'dropped' })!;
  t.diagnostic(`${dropped} lines dropped; the slowest 100 queries took ${slowestMs.toFixed()} ms`);
  assert(dropped > 1000, `${dropped} lines dropped`);
  await tellsOfLoss(daemon, fifo);
  assert.equal(await daemon.stop(), 0);
});

/** Reads what has been kept, and then what comes behind it. */
async function tellsOfLoss(daemon: Daemon, fifo: string): Promise<void> {
  const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(1 << 20);
  let text = '';
  try {
    await until('the log tells of lost lines', async () => {
      await udpAsk(daemon.address, { name: 'example.org' });
      text += buffer.toString('latin1', 0, readSync(fd, buffer));
      return /\[WARNING\] \d+ lines before the last one were lost/.test(text);
    });
  } finally {
    closeSync(fd);
  }
}

test('a log whose reader is gone does not end it', async (t) => {
  const upstream = await start(t);
  const daemon = await spawnDaemon(t, {
    corefile: corefile(upstream, 'log'),
    // The reader ends at once; the shell's child is the daemon.
    wrapper: ['bash', '-c', 'exec "$@" > >(exit 0)', 'bash'],
  });
  await whenServing(daemon);
  for (let index = 0; index < 50; index++) {
    assert.equal((await udpAsk(daemon.address, { name: 'example.org' })).rcode, 'NOERROR');
  }
  assert.equal(await daemon.stop(), 0);
});

/** CoreDNS's least TTL of a cached answer. */
const TTL_S = 5;
/** What is late is asked again within a second; what is asked later than that is another question. */
const ANOTHER_AFTER_MS = 2000;

for (const backend of ['mmsg', 'dgram'] as const) {
  test(`a wall clock that is set changes no TTL (${backend})`, async (t) => {
    const upstream = await start(t, TTL_S);
    const queriesAtMs: number[] = [];
    upstream.handler = (query) => {
      queriesAtMs.push(performance.now());
      return addresses(query, '192.0.2.1', TTL_S);
    };
    const daemon = await startDaemon(t, {
      corefile: corefile(upstream),
      args: ['-udp-backend', backend],
      backend,
      nodeFlags: ['--import', STEPPING_CLOCK],
    });
    const askedAtMs = performance.now();
    let last = TTL_S;
    for (;;) {
      const reply = await udpAsk(daemon.address, { name: 'example.org' });
      const elapsedS = (performance.now() - askedAtMs) / 1000;
      const [answer] = reply.decoded.answers as { ttl: number }[];
      if (queriesAtMs.at(-1)! - queriesAtMs[0]! > ANOTHER_AFTER_MS) {
        assert(elapsedS > TTL_S - 0.1, `asked again after ${elapsedS} s`);
        break;
      }
      assert(answer!.ttl <= last && answer!.ttl >= Math.floor(TTL_S - elapsedS), `${answer!.ttl}`);
      assert(elapsedS < TTL_S + 2, 'still cached');
      last = answer!.ttl;
      await pause(100);
    }
  });
}
