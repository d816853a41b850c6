/**
 * The scripted upstream and the clients, each by means of the other.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TcpClient, tcpAsk, tcpAskAll, UdpClient, udpAsk } from './dns-client.ts';
import { FLAG } from './messages.ts';
import { addresses, bare, negative } from './scripted-replies.ts';
import { ScriptedUpstream } from './scripted-upstream.ts';

const NAME = 'example.org';

test('answers by its handler and records transport, connection and segment', async (t) => {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, '192.0.2.1'));
  assert.deepEqual((await udpAsk(upstream, { name: NAME })).data('A'), ['192.0.2.1']);
  await tcpAskAll(upstream, [{ name: 'a.example.org' }, { name: 'b.example.org' }]);
  await tcpAsk(upstream, { name: 'c.example.org' });
  assert.deepEqual(
    upstream.queries.map((query) => [
      query.question.name,
      query.transport,
      query.connection,
      query.segment,
    ]),
    [
      [NAME, 'udp', 0, 0],
      ['a.example.org', 'tcp', 1, 1],
      ['b.example.org', 'tcp', 1, 1],
      ['c.example.org', 'tcp', 2, 1],
    ],
  );
});

test('holds answers until they are released', async (t) => {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, '192.0.2.1'));
  const client = await UdpClient.open(upstream);
  t.after(() => client.close());
  upstream.hold();
  client.send({ name: NAME, id: 1 }, { name: NAME, id: 2 });
  await upstream.received(2);
  await assert.rejects(client.receive({ timeoutMs: 20 }), /no reply over UDP number 1/);
  upstream.release((query) => query.decoded.id === 2);
  assert.equal((await client.receive()).id, 2);
  upstream.release();
  assert.equal((await client.receive()).id, 1);
  assert.equal((await client.ask({ name: NAME, id: 3 })).id, 3);
});

test('sends several, delayed, wrong, truncated and negative replies, and none', async (t) => {
  const upstream = await ScriptedUpstream.start(t, (query) => {
    switch (query.question.name) {
      case 'doubled.test':
        return [bare(query, 0), bare(query, 0)];
      case 'late.test':
        return { delayMs: 10, reply: bare(query, 0) };
      case 'wrong.test':
        return { ...bare(query, 0), id: 99, questions: [{ name: 'other.test', type: 'A' }] };
      case 'cut.test':
        return bare(query, 0, FLAG.TC);
      case 'gone.test':
        return negative(query, 3, 'test');
      case 'raw.test':
        return Buffer.from('no message');
      default:
        return 'drop';
    }
  });
  const client = await UdpClient.open(upstream);
  t.after(() => client.close());
  client.send(
    { name: 'silent.test' },
    { name: 'late.test', id: 1 },
    { name: 'doubled.test', id: 2 },
  );
  const ids = [await client.receive(), await client.receive(), await client.receive()];
  assert.deepEqual(
    ids.map(({ id }) => id),
    [2, 2, 1],
  );
  const wrong = await client.ask({ name: 'wrong.test', id: 3 });
  assert.deepEqual([wrong.id, wrong.decoded.questions[0]?.name], [99, 'other.test']);
  assert.ok((await client.ask({ name: 'cut.test' })).hasFlag('TC'));
  const gone = await client.ask({ name: 'gone.test' });
  assert.deepEqual([gone.rcode, gone.decoded.authorities[0]?.type], ['NXDOMAIN', 'SOA']);
  assert.equal((await client.ask({ name: 'raw.test' })).octets.toString(), 'no message');
});

test('keeps the order of a connection where it is told to', async (t) => {
  for (const inOrder of [true, false]) {
    const upstream = await ScriptedUpstream.start(
      t,
      (query) => (query.decoded.id === 1 ? { delayMs: 10, reply: bare(query, 0) } : bare(query, 0)),
      { inOrder },
    );
    const replies = await tcpAskAll(upstream, [
      { name: NAME, id: 1 },
      { name: NAME, id: 2 },
    ]);
    assert.deepEqual(
      replies.map(({ id }) => id),
      inOrder ? [1, 2] : [2, 1],
    );
  }
});

test('ends connections: after so many queries, by the handler, all at once', async (t) => {
  const upstream = await ScriptedUpstream.start(
    t,
    (query) => (query.question.name === 'reset.test' ? 'reset' : bare(query, 0)),
    { closeAfter: { queries: 2, how: 'fin' } },
  );
  const open = async () => {
    const client = await TcpClient.connect(upstream);
    t.after(() => client.close());
    return client;
  };
  const first = await open();
  first.send({ name: NAME }, { name: NAME });
  await first.receiveAll(2);
  assert.equal(await first.ended(), 'fin');

  const second = await open();
  second.send({ name: 'reset.test' });
  await assert.rejects(second.receive(), /closed the connection/);
  assert.equal(await second.ended(), 'reset');

  const third = await open();
  await third.ask({ name: NAME });
  upstream.closeConnections('reset');
  assert.equal(await third.ended(), 'reset');
  assert.equal(upstream.connectionsAccepted, 3);
});

test('refuses connections once it does not listen, and keeps those it has', async (t) => {
  const upstream = await ScriptedUpstream.start(t, (query) => bare(query, 0));
  const client = await TcpClient.connect(upstream);
  t.after(() => client.close());
  await client.ask({ name: NAME });
  upstream.stopListening();
  await assert.rejects(TcpClient.connect(upstream), { code: 'ECONNREFUSED' });
  assert.equal((await client.ask({ name: NAME })).rcode, 'NOERROR');
});
