/**
 * UDP sockets of our own: bound where they are told, shared, described, their buffers and drops.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { CONTROL_MODE, DatagramBatch } from '../../src/os/datagram-batch.ts';
import { DropCounter } from '../../src/os/drop-counter.ts';
import { OS, requireLibc } from '../../src/os/libc.ts';
import { openSocketPair } from '../../src/os/socket-pair.ts';
import {
  describeSocket,
  isAddressMissing,
  openUdpSocket,
  setReceiveBuffer,
  turnAway,
} from '../../src/os/udp-socket.ts';
import { open, Peer, skipWithoutLibc, waitReadable } from './sockets.ts';

/** All that waits in a socket's queue, 64 datagrams at most, and that answers still leave from it. */
function textsIn(fd: number): string[] {
  const batch = new DatagramBatch(requireLibc());
  waitReadable(fd);
  const count = batch.receive(fd, CONTROL_MODE.NONE);
  const texts = Array.from({ length: count }, (_, slot) => {
    const at = batch.bufferAt(slot);
    batch.queue(slot, batch.sizeOf(slot));
    return Buffer.from(batch.octets.subarray(at, at + batch.sizeOf(slot))).toString();
  });
  assert.equal(batch.send(fd), 0);
  return texts;
}

test('system calls on UDP sockets', { skip: skipWithoutLibc }, async (t) => {
  const libc = requireLibc();

  await t.test('a socket says its kind and where it is bound', (t) => {
    for (const host of ['127.0.0.1', '0.0.0.0', '::1', '::']) {
      const { fd, port } = open(t, host);
      assert.ok(port > 0);
      assert.deepEqual(describeSocket(libc, fd), { type: 'udp', address: { host, port } });
    }
  });

  await t.test('what is no socket of IPv4 or IPv6 is not described', (t) => {
    const pair = openSocketPair(libc);
    t.after(() => pair.map((fd) => libc.close(fd)));
    assert.equal(describeSocket(libc, pair[0]), undefined);
    assert.equal(describeSocket(libc, 0x7fff), undefined);
    const file = libc.eventfd(0, OS.EFD_CLOEXEC);
    t.after(() => libc.close(file));
    assert.equal(describeSocket(libc, file), undefined);
  });

  await t.test('a TCP socket is described as one', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const handle = (server as unknown as { _handle: { fd: number } })._handle;
    assert.equal(describeSocket(libc, handle.fd)?.type, 'tcp');
  });

  await t.test('several sockets share an address (SO_REUSEPORT), both families one port', (t) => {
    const { port } = open(t, '127.0.0.1');
    for (const host of ['127.0.0.1', '::1']) {
      const fd = openUdpSocket(libc, { host, port });
      t.after(() => libc.close(fd));
      assert.equal(describeSocket(libc, fd)?.address.port, port);
    }
  });

  await t.test(
    'a socket turned away keeps its queue, and its neighbour gets the rest',
    async (t) => {
      for (const host of ['127.0.0.1', '::1']) {
        const leaving = open(t, host);
        const peers = await Promise.all(Array.from({ length: 32 }, () => Peer.open(t, host)));
        for (const peer of peers) await peer.send('early', leaving.port, host);
        const staying = openUdpSocket(libc, { host, port: leaving.port });
        t.after(() => libc.close(staying));
        turnAway(libc, leaving.fd, host === '::1');
        for (const peer of peers) await peer.send('late', leaving.port, host);
        assert.deepEqual(
          textsIn(leaving.fd),
          peers.map(() => 'early'),
        );
        assert.deepEqual(
          textsIn(staying),
          peers.map(() => 'late'),
        );
        for (const peer of peers) {
          assert.deepEqual(
            [(await peer.receive()).text, (await peer.receive()).text],
            ['early', 'late'],
          );
        }
      }
    },
  );

  await t.test('an address that is not here is told apart', () => {
    const failure = (host: string) => {
      try {
        libc.close(openUdpSocket(libc, { host, port: 0 }));
        return undefined;
      } catch (error) {
        return error;
      }
    };
    const missing = failure('192.0.2.1');
    assert.match(String(missing), /bind 192\.0\.2\.1:0\/udp: EADDRNOTAVAIL/);
    assert.ok(isAddressMissing(missing));
    assert.equal(isAddressMissing(new Error('other')), false);
    assert.equal(isAddressMissing(undefined), false);
  });

  await t.test('a receive buffer has the size it says', (t) => {
    const { fd } = open(t);
    assert.equal(setReceiveBuffer(libc, fd, 100_000), 200_000);
    // Without privilege the system's limit holds; the answer is what there is.
    assert.ok(setReceiveBuffer(libc, fd, 8 * 1024 * 1024) >= 200_000);
  });

  await t.test('datagrams that found the queue full are counted', async (t) => {
    const { fd, port } = open(t);
    setReceiveBuffer(libc, fd, 4096);
    const drops = new DropCounter(libc);
    assert.equal(drops.read(fd), 0);
    const peer = await Peer.open(t);
    for (let index = 0; index < 50; index++) await peer.send('x'.repeat(1000), port);
    waitReadable(fd);
    assert.ok(drops.read(fd) > 0);
    assert.equal(drops.read(0x7fff), 0);
  });

  await t.test('a socket pair carries octets', (t) => {
    const [one, two] = openSocketPair(libc);
    t.after(() => [one, two].map((fd) => libc.close(fd)));
    const out = new BigUint64Array(1).fill(7n);
    assert.equal(libc.write(one, libc.addressOf(out.buffer), 8), 8);
    const back = new BigUint64Array(1);
    assert.equal(libc.read(two, libc.addressOf(back.buffer), 8), 8);
    assert.deepEqual(back, out);
    assert.equal(libc.read(two, libc.addressOf(back.buffer), 8), -1, 'never waits');
  });
});
