/** Connections of clients: how many there may be, and how those that we end come to their end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { CacheMemory } from '../../src/cache/memory.ts';
import { frame } from '../../src/cli/stand-in/frames.ts';
import { counterBytes } from '../../src/metrics/counter-rows.ts';
import { requireLibc } from '../../src/os/libc.ts';
import { AdoptedSockets } from '../../src/server/adopted-sockets.ts';
import type { Arrival, Listener } from '../../src/server/client.ts';
import type { ClientService } from '../../src/server/client-service.ts';
import { PortableService } from '../../src/server/portable-service.ts';
import { ResponderService } from '../../src/server/responder-service.ts';
import type { TcpLimits } from '../../src/server/tcp-limits.ts';
import { skipWithoutLibc } from '../os/sockets.ts';
import { freePorts } from '../support/free-port.ts';
import { encodeQuery } from '../support/messages.ts';
import { until } from '../support/until.ts';
import { zonePlan } from './answerer-fixture.ts';

const LIMITS: TcpLimits = {
  readMs: 60_000,
  writeMs: 60_000,
  idleMs: 60_000,
  maxTcpQueries: undefined,
};
const FRAME = frame(encodeQuery({ name: 'www.example.org', id: 1 }));
const GRACE_MS = 60_000;
/** Longer than this process may be stopped at a time: who has its reply ends meanwhile. */
const SHORT_GRACE_MS = 1000;
const ROW_COUNT = 4;
/** What comes to a listener goes the long way: the test is the resolver. */
const PLAN = { listeners: { 1: { zones: [zonePlan('.', { isDirect: false })], droppedRow: 3 } } };
const PLANS = { udp: PLAN, tcp: PLAN };
const NOBODY_ASKS = async () => {};

type Kind = 'responders' | 'node:net';
const KINDS: readonly Kind[] = skipWithoutLibc ? ['node:net'] : ['responders', 'node:net'];

function createService(
  kind: Kind,
  arrivals: Arrival[],
  lines: string[],
  responderCount = 2,
): ClientService {
  const shared = {
    clock: systemClock,
    log: createLog((line) => lines.push(line)),
    adopted: new AdoptedSockets(),
    onArrival: (arrival: Arrival) => arrivals.push(arrival),
  };
  if (kind === 'node:net') return new PortableService({ ...shared, onIgnored: () => {} });
  const readerCount = responderCount + 1;
  const memory = CacheMemory.create({
    slotCount: 16,
    bucketCount: 16,
    unitCount: 256,
    readerCount,
    counterBytes: counterBytes(ROW_COUNT, readerCount),
  });
  return new ResponderService({
    ...shared,
    libc: requireLibc(),
    memory: memory.handle,
    responderCount,
    rowCount: ROW_COUNT,
    hashSeed: { low: 1, high: 2 },
    onStormArrival: () => {},
    onStormBatch: () => {},
    onIgnored: () => {},
    onDrained: () => {},
    onCrash: (error) => assert.fail(error),
  });
}

async function start(t: TestContext, kind: Kind, limits: Partial<TcpLimits> = {}) {
  const arrivals: Arrival[] = [];
  const lines: string[] = [];
  const service = createService(kind, arrivals, lines);
  const [port] = (await freePorts(1)) as [number];
  const listener: Listener = { id: 1, host: '127.0.0.1', port, label: 'dns://127.0.0.1' };
  const serve = (listeners: readonly Listener[]) =>
    service.serve(listeners, PLANS, () => ({ ...LIMITS, ...limits }));
  await service.ready();
  await serve([listener]);
  let isClosed = false;
  const close = async (graceMs: number) => {
    if (isClosed) return;
    isClosed = true;
    await service.close(graceMs, NOBODY_ASKS);
  };
  t.after(() => close(0));
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    const count = service.connections.open;
    await once(socket, 'connect');
    await until('it to be accepted', () => service.connections.open > count);
    return socket.resume();
  };
  const endings = () => {
    const { finished, cutOff } = service.connections;
    return { finished, cutOff };
  };
  return { service, listener, serve, close, endings, arrivals, lines, open };
}

for (const kind of KINDS) {
  test(`connections whose listener goes end with FIN, and are counted (${kind})`, async (t) => {
    const { serve, endings, open } = await start(t, kind);
    const socket = await open();
    const ended = once(socket, 'end');
    await serve([]);
    await ended;
    await until('the end to be counted', () => endings().finished === 1);
    assert.deepEqual(endings(), { finished: 1, cutOff: 0 });
  });
}

for (const kind of KINDS) {
  test(`who waits for a reply at the end is cut off when the grace period is over (${kind})`, async (t) => {
    const { close, endings, arrivals, lines, open } = await start(t, kind);
    const [idle, waiting] = [await open(), await open()];
    idle.write(FRAME);
    await until('the query', () => arrivals.length === 1);
    arrivals[0]!.client.send(new Uint8Array(12));
    waiting.on('error', () => {});
    waiting.write(FRAME);
    await until('the other query', () => arrivals.length === 2);
    const idleEnded = once(idle, 'end');
    await close(SHORT_GRACE_MS);
    await idleEnded;
    assert.deepEqual(endings(), { finished: 1, cutOff: 1 });
    assert.match(lines.join(''), /TCP connections of clients: 1 ended, 1 cut off/);
  });
}

for (const kind of KINDS) {
  test(`who gets its reply within the grace period is not cut off (${kind})`, async (t) => {
    const { close, endings, arrivals, open } = await start(t, kind);
    const socket = await open();
    socket.write(FRAME);
    await until('the query', () => arrivals.length === 1);
    const closed = close(GRACE_MS);
    arrivals[0]!.client.send(new Uint8Array(12));
    await closed;
    assert.deepEqual(endings(), { finished: 1, cutOff: 0 });
  });
}

for (const kind of KINDS) {
  test(`of a connection so many queries are read, then more as they are answered (${kind})`, async (t) => {
    const { arrivals, open } = await start(t, kind);
    const socket = await open();
    socket.write(Buffer.concat(Array.from({ length: 200 }, () => FRAME)));
    await until('as many as may be under way', () => arrivals.length >= 128);
    assert.equal(arrivals.length, 128);
    for (let count = 0; count < 128; count++) arrivals[count]!.client.send(new Uint8Array(12));
    await until('the others', () => arrivals.length === 200);
  });
}

for (const kind of KINDS) {
  test(`who does not read its replies is not read either (${kind})`, async (t) => {
    const { arrivals, open } = await start(t, kind);
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
}
