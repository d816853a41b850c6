import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { BATCH_MAX } from '../../src/os/datagram-batch.ts';
import { loadLibc, requireLibc } from '../../src/os/libc.ts';
import { readSocketAddress, writeSocketAddress } from '../../src/os/socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from '../../src/os/socket-octets.ts';
import { describeSocket, openUdpSocket, receivePacketInfo } from '../../src/os/udp-socket.ts';
import type { MissRecord } from '../../src/server/miss-ring.ts';
import { StormReader } from '../../src/server/storm-reader.ts';

const skip = loadLibc() instanceof Error && 'koffi cannot load here';

async function reading(t: TestContext, isWildcard: boolean) {
  const libc = requireLibc();
  const host = '127.0.0.1';
  const fd = openUdpSocket(libc, { host, port: 0 });
  t.after(() => libc.close(fd));
  if (isWildcard) receivePacketInfo(libc, fd, false);
  const { port } = describeSocket(libc, fd)!.address;
  const own = new Uint8Array(SOCKET_ADDRESS_SIZE);
  writeSocketAddress(own, 0, { host, port });
  const records: MissRecord[] = [];
  const ignored: number[] = [];
  const reader = new StormReader({
    libc,
    clock: systemClock,
    onQuery: (record) => void records.push(record),
    onIgnored: (listener) => void ignored.push(listener),
  });
  const socket = { fd, id: 7, listener: 3, own, isWildcard };
  const client = createSocket('udp4');
  t.after(() => client.close());
  client.bind(0, host);
  await once(client, 'listening');
  return { reader, socket, client, port, records, ignored };
}

async function send({ client, port }: { client: Socket; port: number }, text: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.send(text, port, '127.0.0.1', () => resolve());
  await promise;
}

for (const isWildcard of [false, true]) {
  const where = isWildcard ? 'all addresses' : 'one address';
  test(`takes what has come to a socket of ${where}, each with its peer`, { skip }, async (t) => {
    const { reader, socket, client, records, ...rest } = await reading(t, isWildcard);
    assert.equal(reader.read(socket), 0);
    for (const text of ['one', 'four', '']) await send({ client, ...rest }, text);
    assert.equal(reader.read(socket), 3);
    assert.deepEqual(
      records.map(({ query }) => Buffer.from(query).toString()),
      ['one', 'four', ''],
    );
    for (const { socket: id, query, peer, control } of records) {
      assert.equal(id, 7);
      assert.equal(query.byteOffset % 4, 0);
      assert.equal(readSocketAddress(peer, 0).port, client.address().port);
      assert.equal(control.length > 0, isWildcard);
    }
    // The next batch does not write over it.
    const [first] = records;
    await send({ client, ...rest }, 'two');
    reader.read(socket);
    assert.equal(Buffer.from(first!.query).toString(), 'one');
  });
}

test('takes a batch at most, and leaves the rest', { skip }, async (t) => {
  const { reader, socket, records, ...to } = await reading(t, false);
  for (let count = 0; count < BATCH_MAX + 3; count++) await send(to, `query ${count}`);
  assert.equal(reader.read(socket), BATCH_MAX);
  assert.equal(reader.read(socket), 3);
  assert.equal(records.length, BATCH_MAX + 3);
});

test('what nobody could be answered at is counted and left out', { skip }, async (t) => {
  const { reader, socket, records, ignored, ...to } = await reading(t, false);
  const { port } = to.client.address();
  const own = new Uint8Array(SOCKET_ADDRESS_SIZE);
  writeSocketAddress(own, 0, { host: '127.0.0.1', port });
  await send(to, 'from our own socket');
  assert.equal(reader.read({ ...socket, own }), 1);
  assert.deepEqual([records.length, ignored], [0, [3]]);
});
