/** A round of a responder over UDP: datagrams that have come together are read as a whole, and each gets what is its own. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { writeSocketAddress } from '../../src/os/socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from '../../src/os/socket-octets.ts';
import { RCODE } from '../../src/wire/registry.ts';
import { open, skipWithoutLibc, waitReadable } from '../os/sockets.ts';
import { Arrivals } from '../support/arrivals.ts';
import { encodeQuery } from '../support/messages.ts';
import { DROPPED_ROW, LISTENER } from './answerer-fixture.ts';
import { measureRound } from './round-measurement.ts';
import { StreamStage } from './stream-stage.ts';

const HOST = '127.0.0.1';
const NAME = 'www.cluster.local';

/** A stage whose loop has one socket of UDP; what comes from `stranger` looks as if it came from that socket itself. */
async function opened(t: TestContext) {
  const stage = new StreamStage();
  t.after(() => stage.close());
  stage.fixture.admit({ name: NAME });
  const { fd, port } = open(t);
  const client = await bound(t);
  const stranger = await bound(t);
  const own = new Uint8Array(SOCKET_ADDRESS_SIZE);
  writeSocketAddress(own, 0, { host: HOST, port: stranger.address().port });
  stage.loop.setSockets([{ fd, id: 5, listener: LISTENER, own, isWildcard: false }]);
  const replies = new Arrivals<Buffer>('reply');
  client.on('message', (octets) => replies.push(octets));
  const send = async (socket: Socket, query: Uint8Array) => {
    const sent = Promise.withResolvers<void>();
    socket.send(query, port, HOST, () => sent.resolve());
    await sent.promise;
  };
  return { stage, fd, client, stranger, replies, send };
}

async function bound(t: TestContext): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, HOST);
  t.after(() => socket.close());
  await once(socket, 'listening');
  return socket;
}

test('a hit its reply, a miss the long way, nonsense FORMERR, one of our own nothing', {
  skip: skipWithoutLibc,
}, async (t) => {
  const { stage, fd, client, stranger, replies, send } = await opened(t);
  const { fixture, misses, loop } = stage;
  const miss = encodeQuery({ name: 'other.cluster.local', id: 3 });
  await send(client, encodeQuery({ name: NAME, id: 1 }));
  await send(stranger, encodeQuery({ name: NAME, id: 2 }));
  await send(client, miss);
  await send(client, encodeQuery({ name: NAME, id: 4 }).subarray(0, -1));
  await send(client, encodeQuery({ name: NAME, id: 5 }));
  waitReadable(fd);
  loop.round(0);
  await replies.count(3);
  const outcomes = replies.all.map((reply) => [reply.readUInt16BE(0), reply[3]! & 15, reply[7]]);
  assert.deepEqual(outcomes, [
    [1, RCODE.NOERROR, 1],
    [4, RCODE.FORMERR, 0],
    [5, RCODE.NOERROR, 1],
  ]);
  const taken = misses.take()!;
  assert.deepEqual([taken.socket, Buffer.from(taken.query)], [5, miss]);
  assert.equal(misses.take(), undefined);
  assert.equal(fixture.counted(DROPPED_ROW, 'ignoredDatagrams'), 1);
  assert.equal(fixture.counted(0, 'cacheHitsSuccess'), 2);
});

test('says when a tick has come', { skip: skipWithoutLibc }, (t) => {
  const stage = new StreamStage();
  t.after(() => stage.close());
  const { loop } = stage;
  loop.round();
  assert.ok(loop.hasTicked, 'nothing else ends the wait');
  const later = Array.from({ length: 10 }, () => {
    loop.round(0);
    return loop.hasTicked;
  });
  assert.ok(later.includes(false));
});

test('a round with a hit allocates nothing', { skip: skipWithoutLibc }, async () => {
  const { perHit, perHitWithObject } = await measureRound('udp');
  assert.ok(perHit < 1, `${perHit} bytes a hit`);
  assert.ok(perHitWithObject > 8, 'an object a hit would be seen');
});

test('after one that was alone, a queue is taken one by one for a sampled batch at most', {
  skip: skipWithoutLibc,
}, async (t) => {
  const { stage, fd, client, replies, send } = await opened(t);
  const roundsMax = 16;
  const queued = 40;
  await send(client, encodeQuery({ name: NAME, id: 1 }));
  waitReadable(fd);
  stage.loop.round(0);
  for (let id = 2; id <= 1 + queued; id++) await send(client, encodeQuery({ name: NAME, id }));
  waitReadable(fd);
  stage.loop.round(0);
  await replies.count(2);
  assert.equal(replies.all.length, 2);
  for (let round = 1; round < roundsMax; round++) stage.loop.round(0);
  await replies.count(1 + queued);
  assert.deepEqual(
    replies.all.map((reply) => reply.readUInt16BE(0)),
    Array.from({ length: 1 + queued }, (_, index) => 1 + index),
  );
});
