/**
 * The resolver's sender: collected in a turn, sent at its end, whatever the sockets, sizes and numbers.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTROL_MODE, CONTROL_SIZE, DatagramBatch } from '../../src/os/datagram-batch.ts';
import { DatagramSender } from '../../src/os/datagram-sender.ts';
import { requireLibc } from '../../src/os/libc.ts';
import { readyPacketInfo, TIMESTAMP_SIZE } from '../../src/os/packet-info.ts';
import { writeSocketAddress } from '../../src/os/socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from '../../src/os/socket-octets.ts';
import { receivePacketInfo, receiveTimestamps } from '../../src/os/udp-socket.ts';
import { open, Peer, skipWithoutLibc, waitReadable } from './sockets.ts';

const NO_CONTROL = new Uint8Array(0);

function nameOf(host: string, port: number): Uint8Array {
  const octets = new Uint8Array(SOCKET_ADDRESS_SIZE);
  return octets.subarray(0, writeSocketAddress(octets, 0, { host, port }));
}

test('datagrams from the resolver', { skip: skipWithoutLibc }, async (t) => {
  const libc = requireLibc();

  await t.test('leave at the end of the turn, from copies', async (t) => {
    const socket = open(t);
    const peer = await Peer.open(t);
    const sender = new DatagramSender(libc);
    const data = Buffer.from('one');
    const name = nameOf('127.0.0.1', peer.socket.address().port);
    sender.queue(socket.fd, name, NO_CONTROL, data);
    data.write('two');
    sender.queue(socket.fd, name, NO_CONTROL, data);
    data.write('xxx');
    name.fill(0);
    const first = await peer.receive();
    assert.deepEqual([first.text, first.from.port], ['one', socket.port]);
    assert.equal((await peer.receive()).text, 'two');
    assert.equal(sender.failures, 0);
  });

  await t.test('leave from the socket and for the peer they were queued for', async (t) => {
    const sockets = [open(t), open(t), open(t, '::1')];
    const peers = [await Peer.open(t), await Peer.open(t), await Peer.open(t, '::1')];
    const sender = new DatagramSender(libc);
    const order = [0, 1, 1, 0, 2, 2, 1];
    for (const [number, index] of order.entries()) {
      const { address, port } = peers[index]!.socket.address();
      const text = Buffer.from(`number ${number}`);
      sender.queue(sockets[index]!.fd, nameOf(address, port), NO_CONTROL, text);
    }
    sender.flush();
    for (const [number, index] of order.entries()) {
      const { text, from } = await peers[index]!.receive();
      assert.deepEqual([text, from.port], [`number ${number}`, sockets[index]!.port]);
    }
  });

  await t.test('many of one turn, and large ones, all leave whole', async (t) => {
    const socket = open(t);
    // Several peers, so that no one's queue has to hold all that is sent at once.
    const peers = await Promise.all(Array.from({ length: 5 }, () => Peer.open(t)));
    const names = peers.map((peer) => nameOf('127.0.0.1', peer.socket.address().port));
    const sender = new DatagramSender(libc);
    for (let number = 0; number < 300; number++) {
      sender.queue(socket.fd, names[number % 5]!, NO_CONTROL, Buffer.from(`number ${number}`));
    }
    for (let number = 0; number < 300; number++) {
      assert.equal((await peers[number % 5]!.receive()).text, `number ${number}`);
    }
    // 65,507 octets is the most that a datagram holds; five of them are more than the sender holds.
    for (const [index, letter] of [...'abcde'].entries()) {
      sender.queue(socket.fd, names[index]!, NO_CONTROL, Buffer.alloc(65_507, letter));
    }
    for (const [index, letter] of [...'abcde'].entries()) {
      assert.equal((await peers[index]!.receive()).text, letter.repeat(65_507));
    }
    assert.equal(sender.failures, 0);
  });

  await t.test('a refused one is counted, and the others leave', async (t) => {
    const socket = open(t);
    const peer = await Peer.open(t);
    const sender = new DatagramSender(libc);
    const { port } = peer.socket.address();
    for (const [to, text] of [
      [port, 'a'],
      [0, 'b'],
      [port, 'c'],
    ] as const) {
      sender.queue(socket.fd, nameOf('127.0.0.1', to), NO_CONTROL, Buffer.from(text));
    }
    assert.equal((await peer.receive()).text, 'a');
    assert.equal((await peer.receive()).text, 'c');
    assert.equal(sender.failures, 1);
  });

  for (const [any, asked] of [
    ['0.0.0.0', '127.0.0.5'],
    ['::', '::1'],
  ] as const) {
    await t.test(`an answer leaves ${any} from ${asked}, which was asked`, async (t) => {
      const socket = open(t, any);
      receiveTimestamps(libc, socket.fd);
      receivePacketInfo(libc, socket.fd, any === '::');
      const peer = await Peer.open(t, any === '::' ? '::1' : '127.0.0.1');
      await peer.send('x', socket.port, asked);
      waitReadable(socket.fd);
      const batch = new DatagramBatch(libc);
      assert.equal(batch.receive(socket.fd, CONTROL_MODE.PACKET_INFO), 1);
      const at = batch.nameAt(0);
      const name = batch.octets.slice(at, at + batch.nameSizeOf(0));
      const control = batch.octets.slice(batch.controlAt(0), batch.controlAt(0) + CONTROL_SIZE);
      const size = readyPacketInfo(new Int32Array(control.buffer), TIMESTAMP_SIZE / 4);
      const info = control.subarray(TIMESTAMP_SIZE, TIMESTAMP_SIZE + size);
      const sender = new DatagramSender(libc);
      sender.queue(socket.fd, name, info, Buffer.from('answer'));
      const { text, from } = await peer.receive();
      assert.deepEqual([text, from.address], ['answer', asked]);
      assert.equal(sender.failures, 0);
    });
  }
});
