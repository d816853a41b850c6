/** The end of a client's TCP connection: what it has not asked yet. The rest of its life is in test/scenario and test/life. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { TcpConnection } from '../../src/server/tcp-connection.ts';
import { FIRST_QUERY_MAX_MS } from '../../src/server/tcp-limits.ts';
import { within } from '../support/deadline.ts';

const LIMITS = { readMs: 5000, writeMs: 5000, idleMs: 5000, maxTcpQueries: undefined };
/** A header, behind its length. */
const FRAME = Buffer.concat([Buffer.from([0, 12]), Buffer.alloc(12, 1)]);

/** Both ends of a connection; each query is answered with itself. */
async function openConnection(
  t: TestContext,
): Promise<{ client: Socket; connection: TcpConnection }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  t.after(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  const connection = new TcpConnection(socket, {
    listener: 0,
    limits: LIMITS,
    clock: systemClock,
    onArrival: ({ client: asker, query }) => asker.send(query),
    onClosed: () => {},
  });
  return { client, connection };
}

test('the first query of a fresh connection is still answered, a second one is not', async (t) => {
  const { client, connection } = await openConnection(t);
  const ended = connection.end();
  client.write(FRAME);
  const [reply] = await once(client, 'data');
  assert.deepEqual(reply, FRAME);
  client.write(FRAME);
  client.on('data', () => assert.fail('a second reply'));
  await once(client, 'end');
  await ended;
});

test('a first query that has come in time is answered, however late this thread looks', async (t) => {
  const { client, connection } = await openConnection(t);
  const ended = connection.end();
  client.write(FRAME);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FIRST_QUERY_MAX_MS + 100);
  const [reply] = await within(once(client, 'data'), 'reply');
  assert.deepEqual(reply, FRAME);
  await ended;
});

test('a connection on which nobody asks is ended all the same', async (t) => {
  const { client, connection } = await openConnection(t);
  client.resume();
  await Promise.all([connection.end(), once(client, 'end')]);
});

test('one that the client has given up is not waited for', async (t) => {
  const { client, connection } = await openConnection(t);
  const ended = connection.end();
  client.resetAndDestroy();
  await ended;
});
