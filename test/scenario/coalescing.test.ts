/**
 * The same question from many clients at once is one question to the upstream, and each client gets its own reply: its id,
 * its letter case, its EDNS, its transport.
 */
import assert from 'node:assert/strict';
import { tcpAsk, udpAsk } from '../support/dns-client.ts';
import { FLAG, type QueryFields, type Reply } from '../support/messages.ts';
import { addresses, bare } from '../support/scripted-replies.ts';
import { onEachBackend, type Stage, type StagePorts, until } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => `
.:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream} {
    max_connect_attempts 1
    max_fails 0
  }
}`;

const CLIENTS = 50;

interface Ask {
  readonly query: QueryFields;
  readonly transport: 'udp' | 'tcp';
}

/** All different, but one question. */
function asksFor(name: string): Ask[] {
  return Array.from({ length: CLIENTS }, (_, index) => ({
    transport: index % 2 === 0 ? 'udp' : 'tcp',
    query: {
      name: name.slice(0, index % name.length) + name.slice(index % name.length).toUpperCase(),
      id: 1000 + index,
      ...(index % 3 === 0 && { edns: { size: 1300 + index } }),
    },
  }));
}

/** Asks all while the upstream is silent, lets it speak when all of them wait, and gives the replies. */
async function askTogether(stage: Stage, asks: readonly Ask[]): Promise<Reply[]> {
  const { address } = stage.daemon;
  const before = await coalesced(stage);
  stage.upstream.hold();
  const replies = asks.map(({ query, transport }) =>
    transport === 'udp' ? udpAsk(address, query) : tcpAsk(address, query),
  );
  await until('all of them to wait', async () => {
    return (await coalesced(stage)) - before === asks.length - 1;
  });
  stage.upstream.release();
  return Promise.all(replies);
}

async function coalesced(stage: Stage): Promise<number> {
  return (await stage.daemon.scrape()).sum('zerohop_coalesced_queries_total');
}

onEachBackend('one question of many clients', { corefile: COREFILE }, async (t, stage) => {
  await t.test('is asked once, and each gets a reply of its own', async () => {
    const asks = asksFor('popular.example.org');
    const lateBefore = await stage.lateReasks();
    const replies = await askTogether(stage, asks);
    for (const [index, { query }] of asks.entries()) {
      const reply = replies[index]!;
      assert.equal(reply.id, query.id);
      assert.equal(reply.decoded.questions[0]!.name, query.name);
      assert.deepEqual(reply.data('A'), ['192.0.2.1']);
      assert.equal(reply.decoded.additionals.length, query.edns ? 1 : 0);
      if (query.edns)
        assert.equal(reply.octets.readUInt16BE(reply.octets.length - 8), query.edns.size);
    }
    const late = (await stage.lateReasks()) - lateBefore;
    assert.equal(stage.asked('popular.example.org').length, 1 + late);
  });

  await t.test('has a whole answer for TCP where that for UDP is truncated', async () => {
    const name = 'large.example.org';
    const wanted = Array.from({ length: 60 }, (_, index) => `192.0.2.${index}`);
    stage.script(name, (query) =>
      query.transport === 'udp' ? bare(query, 0, FLAG.TC) : addresses(query, wanted),
    );
    const lateBefore = await stage.lateReasks();
    const [small, whole, second] = await askTogether(stage, [
      { transport: 'udp', query: { name } },
      { transport: 'tcp', query: { name } },
      { transport: 'udp', query: { name, edns: { size: 1400 } } },
    ]);
    assert.equal(small!.hasFlag('TC'), true);
    assert.ok(small!.octets.length <= 512 && small!.data('A').length >= 25);
    assert.deepEqual([whole!.data('A'), whole!.hasFlag('TC')], [wanted, false]);
    assert.deepEqual([second!.data('A'), second!.hasFlag('TC')], [wanted, false]);
    const tcpQueries = stage.asked(name).filter(({ transport }) => transport === 'tcp');
    // The second time that it is late it is asked over TCP.
    const late = (await stage.lateReasks()) - lateBefore;
    assert.ok(tcpQueries.length >= 1 && tcpQueries.length <= 1 + late, `${tcpQueries.length}`);
  });

  await t.test('that fails, fails for all', async () => {
    const name = 'failing.example.org';
    stage.script(name, (query) => bare(query, 2));
    const replies = await askTogether(stage, asksFor(name));
    assert.deepEqual(
      replies.map(({ rcode }) => rcode),
      Array(CLIENTS).fill('SERVFAIL'),
    );
  });

  await t.test('is another where DO, CD, RD, type or class differ', async () => {
    const name = 'different.example.org';
    const queries: QueryFields[] = [
      { name },
      { name, edns: { dnssecOk: true } },
      { name, flags: FLAG.RD | FLAG.CD },
      { name, flags: 0 },
      { name, type: 'AAAA' },
      { name, class: 'CH' },
    ];
    stage.script(name, (query) => bare(query, 0));
    stage.upstream.hold();
    const replies = queries.map((query) => stage.ask(query));
    const distinct = () =>
      new Set(stage.asked(name).map(({ octets }) => octets.toString('latin1', 2))).size;
    await until('all of them at the upstream', () => distinct() === queries.length);
    stage.upstream.release();
    for (const reply of await Promise.all(replies)) assert.equal(reply.rcode, 'NOERROR');
  });
});
