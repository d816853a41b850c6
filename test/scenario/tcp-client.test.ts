/**
 * Clients over TCP (RFC 7766), in the shapes in which stubs send: several queries in one segment, one query in several, a FIN
 * behind the question, hundreds pipelined; and the bounds that `timeouts` sets.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { frame } from '../../src/cli/stand-in/frames.ts';
import { TcpClient } from '../support/dns-client.ts';
import { encodeQuery, type Reply } from '../support/messages.ts';
import { addresses } from '../support/scripted-replies.ts';
import { Stage, type StagePorts, until } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => `
.:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream}
}
.:${dns} {
  bind 127.0.0.2
  timeouts {
    read 1s
    idle 1s
    maxtcpqueries 3
  }
  forward . 127.0.0.1:${upstream}
}`;

function idsOf(replies: readonly Reply[]): number[] {
  return replies.map(({ id }) => id).sort((left, right) => left - right);
}

function queriesFor(count: number, prefix: string) {
  return Array.from({ length: count }, (_, id) => ({
    id,
    name: `${prefix}-${id % 50}.example.org`,
  }));
}

async function connect(t: TestContext, stage: Stage, host = '127.0.0.1'): Promise<TcpClient> {
  const client = await TcpClient.connect({ host, port: stage.daemon.ports.dns });
  t.after(() => client.close());
  return client;
}

test('TCP clients: framing', async (t) => {
  const stage = await Stage.set(t, 'mmsg', { corefile: COREFILE });
  const name = 'a.example.org';

  await t.test('A and AAAA in one segment', async (t) => {
    const client = await connect(t, stage);
    client.send({ name, id: 1 }, { name, type: 'AAAA', id: 2 });
    assert.deepEqual(idsOf(await client.receiveAll(2)), [1, 2]);
  });

  await t.test('one octet a segment', async (t) => {
    const client = await connect(t, stage);
    await client.sendOctetByOctet({ name, id: 3 });
    assert.equal((await client.receive()).id, 3);
  });

  await t.test('the length, a pause, the message', async (t) => {
    const client = await connect(t, stage);
    const octets = frame(encodeQuery({ name, id: 4 }));
    client.write(octets.subarray(0, 2));
    await pause(50);
    client.write(octets.subarray(2));
    assert.equal((await client.receive()).id, 4);
  });

  await t.test('one query and a half, then the rest', async (t) => {
    const client = await connect(t, stage);
    const octets = frame(encodeQuery({ name, id: 5 }), encodeQuery({ name, id: 6 }));
    client.write(octets.subarray(0, octets.length - 9));
    assert.equal((await client.receive()).id, 5);
    client.write(octets.subarray(octets.length - 9));
    assert.equal((await client.receive()).id, 6);
  });

  for (const what of ['cached', 'asked for']) {
    await t.test(`a FIN behind the query, whose answer is ${what}`, async (t) => {
      const client = await connect(t, stage);
      const [first, second] = [`fin-1-${what}.example.org`, `fin-2-${what}.example.org`];
      if (what === 'cached') await stage.askTcp({ name: first });
      client.send({ name: first, id: 7 }, { name: second, id: 8 });
      client.halfClose();
      assert.deepEqual(idsOf(await client.receiveAll(2)), [7, 8]);
      assert.equal(await client.ended(), 'fin');
    });
  }

  for (const count of [100, 500]) {
    await t.test(`${count} queries pipelined`, async (t) => {
      const client = await connect(t, stage);
      const queries = queriesFor(count, `pipelined-${count}`);
      client.send(...queries);
      const replies = await client.receiveAll(count);
      assert.deepEqual(idsOf(replies), idsOf(queries as unknown as Reply[]));
      for (const reply of replies) {
        assert.deepEqual(reply.data('A'), ['192.0.2.1']);
        assert.equal(reply.decoded.questions[0]!.name, queries[reply.id]!.name);
      }
    });

    await t.test(`${count} queries pipelined, and a FIN`, async (t) => {
      const client = await connect(t, stage);
      client.send(...queriesFor(count, `finished-${count}`));
      client.halfClose();
      await client.receiveAll(count);
      assert.equal(await client.ended(), 'fin');
    });
  }

  await t.test('a frame of no octets, then a query', async (t) => {
    const client = await connect(t, stage);
    client.write(Uint8Array.of(0, 0));
    assert.equal((await client.ask({ name, id: 9 })).id, 9);
  });

  await t.test('a connection that is used again', async (t) => {
    const client = await connect(t, stage);
    for (const id of [10, 11]) {
      assert.equal((await client.ask({ name, id })).id, id);
      await pause(100);
    }
  });
});

test('TCP clients: order and abandonment', async (t) => {
  const stage = await Stage.set(t, 'mmsg', { corefile: COREFILE });

  await t.test('a slow name does not hold up the ones behind it', async (t) => {
    const client = await connect(t, stage);
    const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
    stage.script('slow.example.org', async (query) => {
      await isReleased;
      return addresses(query, '192.0.2.1');
    });
    client.send({ name: 'slow.example.org', id: 1 }, { name: 'fast.example.org', id: 2 });
    assert.equal((await client.receive()).id, 2);
    release();
    assert.equal((await client.receive()).id, 1);
  });

  for (const how of ['close', 'reset'] as const) {
    await t.test(`a client that goes (${how}) before its answer harms nobody`, async (t) => {
      const name = `gone-${how}.example.org`;
      const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
      stage.script(name, async (query) => {
        await isReleased;
        return addresses(query, '192.0.2.1');
      });
      const [leaving, staying] = [await connect(t, stage), await connect(t, stage)];
      leaving.send({ name });
      await stage.whenAsked(name, 1);
      leaving[how]();
      staying.send({ name, id: 5 });
      release();
      assert.equal((await staying.receive()).id, 5);
    });
  }

  await t.test('closed connections are given up', async () => {
    await until('no connection', async () => {
      return (await stage.daemon.scrape()).value('zerohop_tcp_connections') === 0;
    });
  });
});

test('TCP clients: timeouts', { concurrency: true }, async (t) => {
  const stage = await Stage.set(t, 'mmsg', { corefile: COREFILE });
  const strict = '127.0.0.2';
  const name = 'b.example.org';
  await Promise.all([
    t.test('read: a connection without a query is closed', async (t) => {
      const client = await connect(t, stage, strict);
      await client.ended();
      assert.equal(client.received.length, 0);
    }),
    t.test('read: a connection with half a query is closed', async (t) => {
      const client = await connect(t, stage, strict);
      client.write(frame(encodeQuery({ name })).subarray(0, 20));
      await client.ended();
      assert.equal(client.received.length, 0);
    }),
    t.test('read: octets that drip in do not keep a connection open', async (t) => {
      const client = await connect(t, stage, strict);
      let isClosed = false;
      const ended = client.ended().then(() => {
        isClosed = true;
      });
      const octets = frame(encodeQuery({ name }));
      for (let at = 0; !isClosed && at < octets.length - 1; at++) {
        client.write(octets.subarray(at, at + 1));
        await Promise.race([ended, pause(200)]);
      }
      await ended;
    }),
    t.test('idle: a connection is closed when nothing more comes', async (t) => {
      const client = await connect(t, stage, strict);
      assert.equal((await client.ask({ name, id: 1 })).id, 1);
      await client.ended();
    }),
    t.test('idle: an answer that takes longer still arrives', async (t) => {
      stage.script('slow.example.org', (query) => ({
        delayMs: 1500,
        reply: addresses(query, '192.0.2.1'),
      }));
      const client = await connect(t, stage, strict);
      assert.equal((await client.ask({ name: 'slow.example.org', id: 2 })).id, 2);
    }),
    t.test('maxtcpqueries: so many are answered, then the connection is closed', async (t) => {
      const client = await connect(t, stage, strict);
      client.send(...[1, 2, 3, 4, 5].map((id) => ({ name, id })));
      assert.deepEqual(idsOf(await client.receiveAll(3)), [1, 2, 3]);
      await client.ended();
      assert.equal(client.received.length, 3);
    }),
    t.test('without the directive both are long', async (t) => {
      const client = await connect(t, stage);
      await pause(1500);
      assert.equal((await client.ask({ name, id: 3 })).id, 3);
      await pause(1500);
      assert.equal((await client.ask({ name, id: 4 })).id, 4);
    }),
  ]);
});
