/**
 * The upstream's replies, read by dns-packet: over UDP, and over TCP in segments that cut frames anywhere.
 */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { decode, encode, type Packet, type RecordType } from 'dns-packet';
import { addressOfName, encodeName } from '../../../bench/load/protocol.ts';
import { startUpstream, type Upstream } from '../../../bench/load/upstream.ts';
import { loadLibc } from '../../../src/os/libc.ts';
import { within } from '../../support/deadline.ts';
import { until } from '../../support/until.ts';
import { dottedAddress } from '../support/address.ts';

let upstream: Upstream;
before(async () => {
  upstream = await startUpstream();
});
after(() => upstream.close());

function query(id: number, name: string, type: RecordType = 'A', extra: Packet = {}): Buffer {
  return encode({ type: 'query', id, flags: 0x100, questions: [{ name, type }], ...extra });
}

function addressOf(name: string): string {
  const octets = encodeName(name);
  assert(!(octets instanceof Error));
  return dottedAddress(addressOfName(octets, 0, octets.length));
}

async function askOverUdp(message: Buffer) {
  const socket = createSocket('udp4');
  socket.send(message, upstream.port, '127.0.0.1');
  const [reply] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return decode(reply);
}

test('an A query gets the address of its name, in the spelling that was asked', async () => {
  const reply = await askOverUdp(query(77, 'Www.Example.org'));
  assert.equal(reply.id, 77);
  assert.deepEqual([reply.flag_qr, reply.flag_rd, reply.flag_ra], [true, true, true]);
  assert.equal(reply.questions?.[0]?.name, 'Www.Example.org');
  const [answer] = reply.answers!;
  assert(answer?.type === 'A');
  assert.equal(answer.data, addressOf('www.example.org'));
  assert.equal(answer.ttl, 3600);
});

test('what lies below cluster.local does not exist; a negative answer has an SOA', async () => {
  const guess = await askOverUdp(query(1, 'www.example.org.svc.Cluster.local'));
  assert.deepEqual([guess.flags! & 15, guess.answers], [3, []]);
  const nodata = await askOverUdp(query(1, 'www.example.org', 'AAAA'));
  assert.deepEqual([nodata.flags! & 15, nodata.answers], [0, []]);
  for (const { authorities } of [guess, nodata]) {
    const [soa] = authorities!;
    assert(soa?.type === 'SOA');
    assert.deepEqual([soa.name, soa.ttl, soa.data.minimum], ['.', 1800, 1800]);
  }
  const other = await askOverUdp(query(1, 'notcluster.local'));
  assert.equal(other.flags! & 15, 0);
});

test('another type gets no record; OPT is answered with OPT', async () => {
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] } as const;
  const extra = { additionals: [opt] } as unknown as Packet;
  const reply = await askOverUdp(query(1, 'www.example.org', 'AAAA', extra));
  assert.deepEqual(reply.answers, []);
  assert.equal(reply.additionals?.[0]?.type, 'OPT');
});

test('over TCP, segments may cut frames anywhere, and replies come in order', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `host${index}.example.org`);
  const frames = Buffer.concat(
    names.flatMap((name, id) => {
      const message = query(id, name);
      return [Buffer.from([message.length >> 8, message.length & 0xff]), message];
    }),
  );
  const socket = connect({ port: upstream.port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  for (const end of [1, 2, 30, 300, frames.length]) {
    const start = [0, 1, 2, 30, 300][[1, 2, 30, 300, frames.length].indexOf(end)]!;
    await new Promise((resolve) => socket.write(frames.subarray(start, end), resolve));
    await setImmediate();
  }
  let octets = Buffer.alloc(0);
  const addresses: string[] = [];
  while (addresses.length < names.length) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    octets = Buffer.concat([octets, chunk]);
    while (octets.length > 2 && octets.length >= 2 + octets.readUInt16BE(0)) {
      const end = 2 + octets.readUInt16BE(0);
      const [answer] = decode(octets.subarray(2, end)).answers!;
      assert(answer?.type === 'A');
      addresses.push(answer.data);
      octets = octets.subarray(end);
    }
  }
  assert.deepEqual(addresses, names.map(addressOf));
  socket.destroy();
});

/** Sends the names in one segment; resolves to the first labels in the order of the replies. */
async function askInOneSegment(port: number, names: readonly string[]): Promise<string[]> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const messages = names.map((name, id) => query(id, name));
  socket.write(
    Buffer.concat(messages.flatMap((message) => [Buffer.from([0, message.length]), message])),
  );
  let octets = Buffer.alloc(0);
  const labels: string[] = [];
  while (labels.length < names.length) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    octets = Buffer.concat([octets, chunk]);
    while (octets.length > 2 && octets.length >= 2 + octets.readUInt16BE(0)) {
      const end = 2 + octets.readUInt16BE(0);
      labels.push(decode(octets.subarray(2, end)).questions![0]!.name.split('.')[0]!);
      octets = octets.subarray(end);
    }
  }
  socket.destroy();
  return labels;
}

test('in order: what is queued behind a slow name waits, on its own connection only', async (context) => {
  const start = async (slowMs: number) => {
    const ordered = await startUpstream({ delayMs: 1, isOrdered: true, slowMs });
    context.after(() => ordered.close());
    const ask = (...labels: string[]) =>
      askInOneSegment(
        ordered.port,
        labels.map((label) => `${label}.example.org`),
      );
    return { ordered, ask };
  };
  const slow = await start(100);
  assert.deepEqual(await slow.ask('a', 'slow', 'b'), ['a', 'slow', 'b']);
  assert.equal(slow.ordered.counts().waiting, 0);
  const stuck = await start(3_600_000);
  stuck.ask('slow', 'b').catch(() => {}); // The end of the test cuts it off.
  await until('both wait', () => stuck.ordered.counts().waiting === 2);
  assert.deepEqual(await within(stuck.ask('c', 'd'), 'answers beside it'), ['c', 'd']);
  assert.equal(stuck.ordered.counts().waiting, 2);
});

test('delayed: answers wait, but not for each other; all is counted', async (context) => {
  const delayed = await startUpstream({ delayMs: 20, isOrdered: false });
  context.after(() => delayed.close());
  const names = Array.from({ length: 20 }, (_, index) => `h${index}.example.org`);
  const startedAt = performance.now();
  await askInOneSegment(delayed.port, names);
  const elapsedMs = performance.now() - startedAt;
  assert(elapsedMs >= 19, 'not before its time');
  const { queries, packets, active } = delayed.counts();
  assert.deepEqual([queries, active], [20, 1], 'also when its connection is gone');
  // Three to open, one with all queries, one with all answers, acknowledgements: fewer than one a query.
  if (!(loadLibc() instanceof Error)) assert(packets >= 5 && packets < 20, `${packets}`);
  assert.equal(delayed.counts().active, 0, 'nobody has asked since the last look');
});

test('a malformed query gets no reply, and the next one does', async () => {
  const socket = createSocket('udp4');
  socket.send(Buffer.from('0001', 'hex'), upstream.port, '127.0.0.1');
  socket.send(query(2, 'example.org').subarray(0, 20), upstream.port, '127.0.0.1');
  socket.send(query(3, 'example.org'), upstream.port, '127.0.0.1');
  const [reply] = (await once(socket, 'message')) as [Buffer];
  assert.equal(decode(reply).id, 3);
  socket.close();
});
