/**
 * Connections to upstreams: queries of one turn leave in few segments, and an upstream that closes its connections after some
 * queries, in whatever way, is no client's business (CoreDNS up to 1.10.0 closes after 128).
 */
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { TcpClient } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream, type ScriptedUpstreamOptions } from '../support/scripted-upstream.ts';

const OUTSTANDING = 300;
/** A name that is answered after those that were asked behind it: an upstream that answers in order would not. */
const LAST = 'learn-0-0.';
/** Daemons that the first test may take until one has no answer that comes late: that one is asked for again, on another connection. */
const TRIES_MAX = 10;
/** A client's connection carries as many at once. */
const PER_CONNECTION = 100;

async function start(
  t: TestContext,
  options: ScriptedUpstreamOptions,
): Promise<{ daemon: Daemon; upstream: ScriptedUpstream }> {
  const upstream = await ScriptedUpstream.start(
    t,
    (query) => {
      const reply = addresses(query, '192.0.2.1');
      return query.question.name.startsWith(LAST) ? { delayMs: 20, reply } : reply;
    },
    options,
  );
  const daemon = await startDaemon(t, {
    corefile: ({ dns }) => `.:${dns} {
      bind 127.0.0.1
      cache
      errors
      forward . 127.0.0.1:${upstream.port} {
        force_tcp
      }
    }`,
  });
  return { daemon, upstream };
}

/** Asks for names that nobody has asked for, all at once; the rcodes of the replies. */
async function askMany(daemon: Daemon, count: number, prefix: string): Promise<Set<string>> {
  const clients = await Promise.all(
    Array.from({ length: Math.ceil(count / PER_CONNECTION) }, () =>
      TcpClient.connect(daemon.address),
    ),
  );
  const replies = await Promise.all(
    clients.map((client, which) => {
      const length = Math.min(PER_CONNECTION, count - which * PER_CONNECTION);
      client.send(
        ...Array.from({ length }, (_, index) => ({
          name: `${prefix}-${which}-${index}.example.org`,
        })),
      );
      return client.receiveAll(length);
    }),
  );
  for (const client of clients) client.close();
  return new Set(replies.flat().map(({ rcode }) => rcode));
}

test('ten queries of one turn leave in one segment, where none has to wait for another', async (t) => {
  for (let tries = 1; ; tries++) {
    const { daemon, upstream } = await start(t, {});
    assert.deepEqual(await askMany(daemon, 10, 'learn'), new Set(['NOERROR']));
    const before = upstream.queries.length;
    assert.deepEqual(await askMany(daemon, 10, 'second'), new Set(['NOERROR']));
    const late = (await daemon.scrape()).sum('zerohop_upstream_reasks_total', { reason: 'late' });
    // This process, which is the upstream, or the daemon was stopped meanwhile.
    if (late > 0 && tries < TRIES_MAX) continue;
    const places = upstream.queries
      .slice(before)
      .map(({ connection, segment }) => `${connection} ${segment}`);
    assert.equal(places.length, 10);
    assert.equal(new Set(places).size, 1);
    assert.equal(upstream.connectionsAccepted, 1);
    return;
  }
});

suite('an upstream that closes its connections', { concurrency: 2 }, () => {
  for (const queries of [1, 100, 128]) {
    for (const how of ['fin', 'reset'] as const) {
      test(`after ${queries} with ${how}, with ${OUTSTANDING} outstanding`, async (t) => {
        const { daemon, upstream } = await start(t, { closeAfter: { queries, how } });
        for (const round of ['first', 'second']) {
          assert.deepEqual(await askMany(daemon, OUTSTANDING, round), new Set(['NOERROR']), round);
        }
        assert.ok(upstream.connectionsAccepted >= (2 * OUTSTANDING) / queries);
        assert.ok(daemon.log.every((line) => !line.includes('[ERROR]')));
      });
    }
  }

  for (const how of ['fin', 'reset'] as const) {
    test(`all at once with ${how}, as in a restart`, async (t) => {
      const { daemon, upstream } = await start(t, {});
      await askMany(daemon, 10, 'before');
      upstream.hold();
      const rcodes = askMany(daemon, OUTSTANDING, 'during');
      await upstream.received(10 + OUTSTANDING);
      upstream.closeConnections(how);
      upstream.release();
      assert.deepEqual(await rcodes, new Set(['NOERROR']));
    });
  }
});
