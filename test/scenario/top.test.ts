/** What `/top` of the control socket says, against queries that were asked: figures, names only where they are asked for, slow answers. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { askControl } from '../../src/control/control-client.ts';
import type { Top } from '../../src/control/top-report.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { tcpAsk, udpAsk } from '../support/dns-client.ts';
import { addresses, negative } from '../support/scripted-replies.ts';
import { type Handler, ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const answer: Handler = (query) => {
  const { name } = query.question;
  if (name.startsWith('none')) return negative(query, 3, 'example.org');
  const reply = addresses(query, '192.0.2.1');
  return name.startsWith('slow') ? { reply, delayMs: 300 } : reply;
};

interface Stage {
  readonly daemon: Daemon;
  readonly upstreamPort: number;
  readonly top: (names?: boolean) => Promise<Top>;
}

async function start(t: TestContext, backend: 'mmsg' | 'dgram'): Promise<Stage> {
  const upstream = await ScriptedUpstream.start(t, answer);
  const socket = join(temporaryDirectory(t), 'zerohop', 'control.sock');
  const daemon = await startDaemon(t, {
    backend,
    args: ['-udp-backend', backend, '-control-socket', socket, '-slow-query', '250ms'],
    // Without `prometheus`: what is shown does not depend on it.
    corefile: ({ dns }) => `.:${dns} {
  bind 127.0.0.1
  cache 30
  forward . 127.0.0.1:${upstream.port}
}
`,
  });
  const top = async (names = false) => {
    const reply = await askControl(socket, 'GET', names ? '/top?names=1' : '/top');
    assert(reply.ok && reply.status === 200);
    return reply.value as Top;
  };
  return { daemon, upstreamPort: upstream.port, top };
}

for (const backend of ['mmsg', 'dgram'] as const) {
  suite(`top, ${backend}`, { concurrency: true }, () => {
    test('figures of what was asked', async (t) => {
      const { daemon, upstreamPort, top } = await start(t, backend);
      for (let count = 0; count < 9; count++) await udpAsk(daemon.address, { name: 'a.test' });
      await tcpAsk(daemon.address, { name: 'none.test', type: 28 });
      await until('a second has passed', async () => (await top()).queries === 10);
      const { cache, rcodes, types, saved, latency, upstreams, ...rest } = await top();
      assert.equal(cache.hitRatio, 0.8);
      assert.equal(cache.entries, 2);
      assert.deepEqual(
        rcodes.map(({ name, share }) => [name, share]),
        [
          ['NOERROR', 0.9],
          ['NXDOMAIN', 0.1],
        ],
      );
      assert.deepEqual(
        types.map(({ name, share }) => [name, share]),
        [
          ['A', 0.9],
          ['AAAA', 0.1],
        ],
      );
      assert.deepEqual([saved.total, saved.share], [8, 0.8]);
      assert.equal(latency.queries.count, 10);
      assert(latency.queries.p50! <= latency.queries.p999!);
      assert.equal(upstreams[0]!.to, `127.0.0.1:${upstreamPort}`);
      assert.equal(upstreams[0]!.healthy, true);
      assert(upstreams[0]!.answersPerS > 0);
      assert(rest.queriesPerS > 0);
      assert(rest.history.queriesPerS.some((perS) => perS > 0));
    });

    test('a look brings the figures up to the second', async (t) => {
      const { top } = await start(t, backend);
      const steps = async () => (await top()).history.queriesPerS.length;
      let before = await steps();
      // By itself the daemon takes them every other second, two at a time.
      await until('a step of one second', async () => {
        const now = await steps();
        const isOne = now === before + 1;
        before = now;
        return isOne;
      });
    });

    test('names and clients: only for whom asks for them, from then on', async (t) => {
      const { daemon, top } = await start(t, backend);
      await udpAsk(daemon.address, { name: 'before.test' });
      for (const value of [await top(), await top()]) {
        assert.deepEqual([value.asked, value.slowest], [null, null]);
        assert.doesNotMatch(JSON.stringify(value), /before\.test/);
      }
      await top(true);
      for (let count = 0; count < 6; count++) await udpAsk(daemon.address, { name: 'Hit.test' });
      for (let count = 0; count < 2; count++)
        await udpAsk(daemon.address, { name: `m${count}.test` });
      await tcpAsk(daemon.address, { name: 'hit.test', type: 16 });
      await until('all are seen', async () => (await top(true)).asked!.names.length === 4);
      const { names, clients, oneIn } = (await top(true)).asked!;
      assert.equal(oneIn, 1);
      assert.deepEqual(names.map(({ name, type }) => `${name} ${type}`).sort(), [
        'hit.test. A',
        'hit.test. TXT',
        'm0.test. A',
        'm1.test. A',
      ]);
      assert.equal(names[0]!.name, 'hit.test.');
      assert(Math.abs(names[0]!.share - 6 / 9) < 0.05, `${names[0]!.share}`);
      assert.deepEqual(
        clients.map(({ address, share }) => [address, share]),
        [['127.0.0.1', 1]],
      );
    });

    test('a slow answer is logged, counted and kept', async (t) => {
      const { daemon, upstreamPort, top } = await start(t, backend);
      await udpAsk(daemon.address, { name: 'quick.test' });
      await udpAsk(daemon.address, { name: 'slow.test' });
      const line = await daemon.waitForLog(/slow query: slow/);
      const by = `answered by 127\\.0\\.0\\.1:${upstreamPort}`;
      const pattern = `^\\[WARNING\\] slow query: slow\\.test\\. A took [\\d.]+ ms: NOERROR, asked by 127\\.0\\.0\\.1, ${by}$`;
      assert.match(line, new RegExp(pattern));
      const { slowest: kept } = await top(true);
      const slowest = kept!.find(({ name }) => name === 'slow.test.');
      assert.deepEqual(
        [slowest!.name, slowest!.type, slowest!.rcode, slowest!.client, slowest!.upstream],
        ['slow.test.', 'A', 'NOERROR', '127.0.0.1', `127.0.0.1:${upstreamPort}`],
      );
      assert(kept!.some(({ name }) => name === 'quick.test.'));
      const scrape = await daemon.scrape();
      // On a busy machine the quick one may be slow as well.
      assert(scrape.value('zerohop_slow_queries_total', { kind: 'slow' })! >= 1);
    });
  });
}
