/**
 * TCP in a responder, in one thread with the test: frames however they are cut, what the kernel does not take, who goes while an
 * answer is on its way, and what the ring between resolver and responder cannot hold.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { HALF_OPEN_MAX_MS } from '../../src/server/tcp-limits.ts';
import { encodeQuery, Reply } from '../support/messages.ts';
import { measureRound } from './round-measurement.ts';
import { connectionOf, framesOf, StreamStage, turnsUntil } from './stream-stage.ts';

const NAME = 'www.cluster.local';

/** With an answer in its cache. */
function start(t: TestContext, ...rest: [limits?: object, slotCount?: number]): StreamStage {
  const stage = StreamStage.start(t, ...rest);
  stage.fixture.admit({ name: NAME });
  return stage;
}

function idsOf(replies: readonly Buffer[]): number[] {
  return replies.map((reply) => reply.readUInt16BE(0));
}

/** A reply to a miss: its query with QR. */
function replyTo({ query }: { readonly query: Uint8Array }): Uint8Array {
  const reply = Uint8Array.from(query);
  reply[2] = reply[2]! | 0x80;
  return reply;
}

test('a hit is answered, with its records', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  client.ask({ name: NAME, id: 7 });
  const reply = new Reply((await client.messages(1))[0]!);
  assert.equal(reply.id, 7);
  assert.deepEqual(reply.data('A'), ['192.0.2.1']);
});

test('two queries cut in two at each octet', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  client.socket.setNoDelay(true);
  const octets = framesOf([
    { name: NAME, id: 1 },
    { name: NAME, id: 2 },
  ]);
  for (let cut = 1; cut < octets.length; cut++) {
    client.socket.write(octets.subarray(0, cut));
    // Time for the first part to be read by itself.
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    client.socket.write(octets.subarray(cut));
    assert.deepEqual(idsOf(await client.messages(2)), [1, 2]);
  }
});

test('many queries in one read, more than a batch, are answered in their order', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  const queries = Array.from({ length: 1000 }, (_, id) => ({ id, name: NAME }));
  client.ask(...queries);
  const ids = idsOf(await client.messages(queries.length));
  assert.deepEqual(
    ids,
    queries.map(({ id }) => id),
  );
});

test('misses reach the resolver with their client, and its replies come back among hits', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  client.ask({ name: 'miss.cluster.local', id: 1 }, { name: NAME, id: 2 });
  assert.deepEqual(idsOf(await client.messages(1)), [2]);
  const miss = await stage.miss();
  assert.deepEqual(Buffer.from(miss.query), encodeQuery({ name: 'miss.cluster.local', id: 1 }));
  assert.equal(Buffer.from(miss.peer).readUInt16BE(2), client.socket.localPort);
  assert.ok(stage.answer(miss, replyTo(miss)));
  assert.deepEqual(idsOf(await client.messages(1)), [1]);
});

test('a query that gets no reply is no longer under way', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  client.ask({ name: 'miss.cluster.local', id: 1 });
  const miss = await stage.miss();
  client.socket.end();
  assert.ok(stage.answer(miss, new Uint8Array(0)));
  await turnsUntil('its end', () => client.isClosed);
});

test('of each write the kernel takes a little: all replies leave, whole and in order', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  for (const sendMax of [1, 2, 3, 59, 61, 1000]) {
    stage.sendMax = sendMax;
    const ids = Array.from({ length: 100 }, (_, id) => id);
    client.ask(...ids.map((id) => ({ name: NAME, id })));
    assert.deepEqual(idsOf(await client.messages(ids.length)), ids);
  }
});

test('what a slow reader does not take leaves later, whole and in order', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  client.socket.pause();
  // Beyond what the kernel takes on both sides, some megabytes.
  const ids = Array.from({ length: 128 }, (_, id) => id);
  client.ask(...ids.map((id) => ({ name: `miss-${id}.cluster.local`, id })));
  for (const id of ids) {
    const miss = await stage.miss();
    const reply = new Uint8Array(60_000).fill(id);
    reply.set(replyTo(miss));
    while (!stage.answer(miss, reply)) await nextTurn();
  }
  assert.equal(stage.misses.take(), undefined);
  client.socket.resume();
  const replies = await client.messages(ids.length);
  assert.deepEqual(idsOf(replies), ids);
  assert.ok(
    replies.every(
      (reply) => reply.length === 60_000 && reply[59_999] === (reply.readUInt16BE(0) & 0xff),
    ),
  );
});

test('a connection is reset while its miss is under way: the reply does not reach the one after it', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  client.ask({ name: 'miss.cluster.local', id: 1 });
  const miss = await stage.miss();
  const [slot] = connectionOf(miss);
  client.socket.resetAndDestroy();
  await turnsUntil('it to be closed', () => stage.table.figures().open === 0);
  const other = await stage.connect(t);
  other.ask({ name: 'other.cluster.local', id: 2 });
  const otherMiss = await stage.miss();
  assert.equal(connectionOf(otherMiss)[0], slot);
  stage.answer(miss, replyTo(miss));
  stage.answer(otherMiss, replyTo(otherMiss));
  assert.deepEqual(idsOf(await other.messages(1)), [2]);
});

test('a reply that the ring has no place for closes its connection, and no other', async (t) => {
  const stage = start(t);
  const [client, other] = [await stage.connect(t), await stage.connect(t)];
  client.ask({ name: 'miss.cluster.local', id: 1 });
  const miss = await stage.miss();
  // All in one turn of the event loop: the responder does not go round.
  const nobody = 99;
  while (stage.replies.push(nobody, 0, new Uint8Array(60_000)));
  while (stage.replies.push(nobody, 0, new Uint8Array(0)));
  const [slot, generation] = connectionOf(miss);
  assert.equal(stage.replies.push(slot, generation, replyTo(miss)), false);
  stage.table.doom(slot, generation);
  stage.wake();
  await turnsUntil('it to be closed', () => client.isClosed);
  other.ask({ name: NAME, id: 2 });
  assert.deepEqual(idsOf(await other.messages(1)), [2]);
  assert.equal(stage.table.figures().open, 1);
});

test('a connection of a generation that is over is not closed for a reply that was lost', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  client.ask({ name: 'miss.cluster.local', id: 1 });
  const [slot, generation] = connectionOf(await stage.miss());
  stage.table.doom(slot, generation - 1);
  stage.wake();
  client.ask({ name: NAME, id: 2 });
  assert.deepEqual(idsOf(await client.messages(1)), [2]);
});

test('a query of the largest size is taken', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  const query = Buffer.alloc(65_535);
  encodeQuery({ name: NAME, id: 5 }).copy(query);
  client.socket.write(Buffer.concat([Buffer.of(0xff, 0xff), query]));
  client.ask({ name: NAME, id: 6 });
  assert.deepEqual(idsOf(await client.messages(2)), [5, 6]);
});

test('connections beyond the slots are reset, and counted', async (t) => {
  const stage = start(t, {}, 2);
  const clients = [await stage.connect(t), await stage.connect(t)];
  const third = connect(stage.port, '127.0.0.1');
  t.after(() => third.destroy());
  const [error] = await once(third, 'error');
  assert.equal(error.code, 'ECONNRESET');
  assert.deepEqual(
    { ...stage.table.figures() },
    { open: 2, refusedFull: 1, refusedUnfair: 0, finished: 0, cutOff: 0 },
  );
  clients[0]!.socket.destroy();
  await turnsUntil('its place', () => stage.table.figures().open === 1);
  const next = await stage.connect(t);
  next.ask({ name: NAME, id: 3 });
  assert.deepEqual(idsOf(await next.messages(1)), [3]);
});

test('queries are shown to whoever watches', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  stage.samples.step = 1;
  client.ask({ name: NAME, id: 1 }, { name: 'miss.cluster.local', id: 2 });
  await client.messages(1);
  const names = [stage.samples.next(), stage.samples.next()].map((sample) =>
    Buffer.from(sample!.qname).toString('latin1'),
  );
  assert.deepEqual(names, ['\x03www\x07cluster\x05local\0', '\x04miss\x07cluster\x05local\0']);
});

test('a round with a hit over TCP allocates nothing', async () => {
  const { perHit, perHitWithObject } = await measureRound('tcp');
  assert.ok(perHit < 1, `${perHit} bytes a hit`);
  assert.ok(perHitWithObject > 8, 'an object a hit would be seen');
});

test('of many who wait to be accepted some are, then who asks has its turn', async (t) => {
  const stage = start(t, {}, 200);
  const clients = Array.from({ length: 150 }, () => connect(stage.port, '127.0.0.1'));
  t.after(() => {
    for (const client of clients) client.destroy();
  });
  await turnsUntil('all to be accepted', () => stage.table.figures().open === 150);
});

test('where no descriptor is left, listening pauses and goes on later', async (t) => {
  const stage = start(t);
  const client = await stage.connect(t);
  stage.isExhausted = true;
  stage.isClockStopped = true;
  const waiting = connect(stage.port, '127.0.0.1');
  t.after(() => waiting.destroy());
  await once(waiting, 'connect');
  client.ask({ name: NAME, id: 1 });
  await client.messages(1);
  const triesWhileAway = stage.acceptCount;
  client.ask({ name: NAME, id: 2 });
  await client.messages(1);
  assert.ok(stage.acceptCount <= triesWhileAway + 1, 'it does not spin');
  stage.isExhausted = false;
  stage.isClockStopped = false;
  await turnsUntil('it to be accepted', () => stage.table.figures().open === 2);
});

test('a client that trickles, idles, or does not ask at all is closed in time', async (t) => {
  const stage = start(t, { readMs: 100, idleMs: 200 });
  stage.isClockStopped = true;
  const [silent, idle, trickling] = [
    await stage.connect(t),
    await stage.connect(t),
    await stage.connect(t),
  ];
  idle.ask({ name: NAME, id: 1 });
  await idle.messages(1);
  stage.isClockStopped = false;
  // Of a frame of 65,535 octets.
  const feed = setInterval(() => trickling.socket.write(Uint8Array.of(0xff)), 20);
  t.after(() => clearInterval(feed));
  await turnsUntil('all to be closed', () => stage.table.figures().open === 0);
  await turnsUntil('the end of the silent one', () => silent.isClosed || silent.hasEnded);
});

test('who has asked in time is answered, however late its responder looks', async (t) => {
  const stage = new StreamStage({ idleMs: 100 }, 200);
  t.after(() => stage.close());
  stage.fixture.admit({ name: NAME });
  const go = (what: string, isDone: () => boolean) =>
    turnsUntil(what, () => {
      stage.loop.round(0);
      return isDone();
    });
  stage.isClockStopped = true;
  // More than one wait tells of.
  const clients = Array.from({ length: 100 }, () => stage.dial(t));
  await go('all to be accepted', () => stage.table.figures().open === clients.length);
  for (const client of clients) client.ask({ name: NAME, id: 1 });
  await go('a reply each', () => clients.every(({ messageCount }) => messageCount === 1));
  for (const client of clients) client.ask({ name: NAME, id: 2 });
  await pause(300);
  stage.isClockStopped = false;
  await go('another each', () => clients.every(({ messageCount }) => messageCount === 2));
});

test('a listener that goes ends its connections: at once, or after what they asked is answered', async (t) => {
  const stage = start(t);
  const [idle, waiting] = [await stage.connect(t), await stage.connect(t)];
  idle.ask({ name: NAME, id: 1 });
  await idle.messages(1);
  waiting.ask({ name: 'miss.cluster.local', id: 2 });
  const miss = await stage.miss();
  stage.leave();
  await turnsUntil('the end of one', () => idle.isClosed);
  assert.equal(waiting.hasEnded, false);
  waiting.ask({ name: NAME, id: 3 });
  stage.answer(miss, replyTo(miss));
  assert.deepEqual(idsOf(await waiting.messages(1)), [2]);
  await turnsUntil('the end of the other', () => waiting.isClosed);
  assert.deepEqual([stage.table.figures().finished, stage.table.figures().open], [2, 0]);
});

test('at the end who waits for a reply is cut off in time, also where the time of others is over before', async (t) => {
  const stage = start(t);
  const [open, waiting] = [await stage.connect(t), await stage.connect(t)];
  open.ask({ name: NAME, id: 1 });
  await open.messages(1);
  // It does not see our FIN, and keeps its side open.
  open.socket.pause();
  waiting.ask({ name: 'miss.cluster.local', id: 2 });
  await stage.miss();
  stage.end(HALF_OPEN_MAX_MS + 500);
  await turnsUntil('the end of one', () => stage.table.figures().open === 1);
  await turnsUntil('the end of the other', () => stage.table.figures().open === 0);
  const { finished, cutOff } = stage.table.figures();
  assert.deepEqual([finished, cutOff], [1, 1]);
  assert.equal(stage.loop.streams.hasEnded, true);
});
