/** Connections of clients: how many there may be, and how those that we end come to their end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { AdoptedSockets } from '../../src/server/adopted-sockets.ts';
import type { Arrival, Listener } from '../../src/server/client.ts';
import { TcpService } from '../../src/server/tcp-service.ts';
import { freePorts } from '../support/free-port.ts';
import { until } from '../support/until.ts';

const LIMITS = { readMs: 60_000, writeMs: 60_000, idleMs: 60_000, maxTcpQueries: undefined };
/** A header alone, as nobody reads it here. */
const FRAME = Buffer.from([0, 12, ...new Uint8Array(12)]);
const GRACE_MS = 60_000;

async function start(t: TestContext) {
  const arrivals: Arrival[] = [];
  const lines: string[] = [];
  const service = new TcpService({
    clock: systemClock,
    log: createLog((line) => lines.push(line)),
    adopted: new AdoptedSockets(),
    onArrival: (arrival) => arrivals.push(arrival),
  });
  const [port] = (await freePorts(1)) as [number];
  const listener: Listener = { id: 1, host: '127.0.0.1', port, label: 'dns://127.0.0.1' };
  await service.serve([listener], () => LIMITS);
  t.after(() => service.close(0));
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    const count = service.connectionCount;
    await once(socket, 'connect');
    await until('it to be accepted', () => service.connectionCount > count);
    return socket.resume();
  };
  return { service, arrivals, lines, open };
}

test('connections whose listener goes end with FIN, and are counted', async (t) => {
  const { service, open } = await start(t);
  const socket = await open();
  await service.serve([], () => LIMITS);
  await once(socket, 'end');
  await until('the end to be counted', () => service.endings.finished === 1);
  assert.deepEqual(service.endings, { finished: 1, cutOff: 0 });
});

test('who waits for a reply at the end is cut off when the grace period is over', async (t) => {
  const { service, arrivals, lines, open } = await start(t);
  const [idle, waiting] = [await open(), await open()];
  idle.write(FRAME);
  await until('the query', () => arrivals.length === 1);
  arrivals[0]!.client.send(new Uint8Array(12));
  waiting.on('error', () => {});
  waiting.write(FRAME);
  await until('the other query', () => arrivals.length === 2);
  const idleEnded = once(idle, 'end');
  await service.close(100);
  await idleEnded;
  assert.deepEqual(service.endings, { finished: 1, cutOff: 1 });
  assert.match(lines.join(''), /TCP connections of clients: 1 ended, 1 cut off/);
});

test('who gets its reply within the grace period is not cut off', async (t) => {
  const { service, arrivals, open } = await start(t);
  const socket = await open();
  socket.write(FRAME);
  await until('the query', () => arrivals.length === 1);
  const closed = service.close(GRACE_MS);
  arrivals[0]!.client.send(new Uint8Array(12));
  await closed;
  assert.deepEqual(service.endings, { finished: 1, cutOff: 0 });
});

test('of a connection so many queries are read, then more as they are answered', async (t) => {
  const { arrivals, open } = await start(t);
  const socket = await open();
  socket.write(Buffer.concat(Array.from({ length: 200 }, () => FRAME)));
  await until('as many as may be under way', () => arrivals.length >= 128);
  assert.equal(arrivals.length, 128);
  for (let count = 0; count < 128; count++) arrivals[count]!.client.send(new Uint8Array(12));
  await until('the others', () => arrivals.length === 200);
});

test('who does not read its replies is not read either', async (t) => {
  const { arrivals, open } = await start(t);
  const socket = (await open()).pause();
  const reply = new Uint8Array(60_000);
  const ask = () => new Promise<void>((done) => socket.write(FRAME, () => done()));
  let asked = 0;
  let answered = 0;
  // What the kernel takes on both sides comes first, some megabytes.
  for (let quiet = 0; quiet < 20 && asked < 2000; quiet++) {
    await ask();
    asked += 1;
    await new Promise((done) => setTimeout(done, 5));
    for (; answered < arrivals.length; answered++) {
      arrivals[answered]!.client.send(reply);
      quiet = 0;
    }
  }
  assert(arrivals.length < asked, `${asked} queries were read though nobody took the replies`);
  socket.resume();
  await until('what was not read', () => arrivals.length === asked);
});
