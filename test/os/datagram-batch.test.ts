/**
 * Batches over real loopback sockets: what arrives is answered in place, to whom it came from, from where it was asked.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  BATCH_MAX,
  BUFFER_SIZE,
  CONTROL_MODE,
  type ControlMode,
  DatagramBatch,
  timespecUs,
} from '../../src/os/datagram-batch.ts';
import { OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { readSocketAddress } from '../../src/os/socket-address.ts';
import { receivePacketInfo, receiveTimestamps } from '../../src/os/udp-socket.ts';
import { type OwnSocket, open, Peer, skipWithoutLibc, waitReadable } from './sockets.ts';

/**
 * Takes `count` datagrams, in as many batches as they come; each is handed to `take` while its batch lies there. The kernel must
 * refuse so many of the answers.
 */
function receiveAll(
  batch: DatagramBatch,
  { fd }: OwnSocket,
  count: number,
  mode: ControlMode,
  take: (slot: number, text: string) => void,
  refusals = 0,
): void {
  let refused = 0;
  for (let received = 0; received < count; ) {
    waitReadable(fd);
    const size = batch.receive(fd, mode);
    assert.ok(size > 0 && size <= BATCH_MAX);
    for (let slot = 0; slot < size; slot++) take(slot, textOf(batch, slot));
    refused += batch.send(fd);
    received += size;
  }
  assert.equal(refused, refusals);
}

function textOf(batch: DatagramBatch, slot: number): string {
  const at = batch.bufferAt(slot);
  return Buffer.from(batch.octets.subarray(at, at + batch.sizeOf(slot))).toString();
}

/** Queues the answer `re: <text>`, written where the datagram stands. */
function answer(batch: DatagramBatch, slot: number, text: string): void {
  batch.queue(slot, Buffer.from(batch.octets.buffer).write(`re: ${text}`, batch.bufferAt(slot)));
}

async function wildcard(t: TestContext, host: string) {
  const libc = requireLibc();
  const socket = open(t, host);
  receiveTimestamps(libc, socket.fd);
  receivePacketInfo(libc, socket.fd, host.includes(':'));
  return { socket, batch: new DatagramBatch(libc) };
}

test('batches of datagrams', { skip: skipWithoutLibc }, async (t) => {
  const libc = requireLibc();

  await t.test('nothing has arrived: nothing is taken, and nobody waits', (t) => {
    assert.equal(new DatagramBatch(libc).receive(open(t).fd, CONTROL_MODE.NONE), 0);
  });

  await t.test('slots start on lines of their own', () => {
    const batch = new DatagramBatch(libc);
    for (let slot = 0; slot < BATCH_MAX; slot++) assert.equal(batch.bufferAt(slot) % 64, 0);
    assert.equal(batch.octets.buffer, batch.words.buffer);
  });

  await t.test('every datagram is answered to its own sender', async (t) => {
    const socket = open(t);
    const batch = new DatagramBatch(libc);
    const peers = await Promise.all([Peer.open(t), Peer.open(t), Peer.open(t)]);
    for (const [index, peer] of peers.entries()) {
      await peer.send(`first ${index}`, socket.port);
      await peer.send(`second ${index}`, socket.port);
    }
    receiveAll(batch, socket, 6, CONTROL_MODE.NONE, (slot, text) => {
      const { host, port } = readSocketAddress(batch.octets, batch.nameAt(slot));
      assert.equal(host, '127.0.0.1');
      assert.ok(peers.some((peer) => peer.socket.address().port === port));
      assert.equal(batch.nameSizeOf(slot), 16);
      answer(batch, slot, text);
    });
    for (const [index, peer] of peers.entries()) {
      assert.equal((await peer.receive()).text, `re: first ${index}`);
      assert.equal((await peer.receive()).text, `re: second ${index}`);
    }
  });

  await t.test('gaps in the queue, other orders, modes that change', async (t) => {
    const { socket, batch } = await wildcard(t, '0.0.0.0');
    const peers = await Promise.all(Array.from({ length: 5 }, () => Peer.open(t)));
    // Which of ten datagrams are answered, and by which of the modes they are taken.
    const rounds = [0b1111111111, 0b1010101010, 0b0000000001, 0, 0b1111100000, 0b1111111111];
    const modes = [CONTROL_MODE.NONE, CONTROL_MODE.PACKET_INFO, CONTROL_MODE.SAMPLE];
    for (const [round, answered] of [...rounds, ...rounds.toReversed()].entries()) {
      for (let index = 0; index < 10; index++) {
        await peers[index % 5]!.send(`${round}/${index}`, socket.port);
      }
      const later: [slot: number, text: string][] = [];
      receiveAll(batch, socket, 10, modes[round % 3]!, (slot, text) => {
        if (((answered >> Number(text.split('/')[1])) & 1) !== 0) later.unshift([slot, text]);
        // The batch's last one: all that are to be answered, in the opposite order.
        for (const one of later.splice(0)) answer(batch, ...one);
      });
      for (let index = 0; index < 10; index++) {
        if (((answered >> index) & 1) === 0) continue;
        assert.equal((await peers[index % 5]!.receive()).text, `re: ${round}/${index}`);
      }
    }
  });

  await t.test(
    'one alone: what waits behind it stays, in whatever mode the others are',
    async (t) => {
      const socket = open(t);
      receiveTimestamps(libc, socket.fd);
      const batch = new DatagramBatch(libc);
      const peers = await Promise.all([Peer.open(t), Peer.open(t, '127.0.0.2')]);
      assert.equal(batch.receiveOne(socket.fd), 0);
      for (const text of ['a', '', 'ccc']) {
        for (const peer of peers) await peer.send(text, socket.port);
      }
      const took: string[] = [];
      const take = (slot: number, text: string) => {
        took.push(text);
        answer(batch, slot, text);
      };
      waitReadable(socket.fd);
      assert.equal(batch.receiveOne(socket.fd), 1);
      take(0, textOf(batch, 0));
      assert.equal(batch.send(socket.fd), 0);
      for (const mode of [CONTROL_MODE.SAMPLE, CONTROL_MODE.NONE]) {
        await peers[0]!.send('again', socket.port);
        receiveAll(batch, socket, mode === CONTROL_MODE.SAMPLE ? 6 : 1, mode, take);
        await peers[1]!.send('x'.repeat(BUFFER_SIZE + 10), socket.port);
        waitReadable(socket.fd);
        assert.equal(batch.receiveOne(socket.fd), 1);
        assert.equal(batch.sizeOf(0), BUFFER_SIZE);
        batch.queue(0, 1);
        assert.equal(batch.send(socket.fd), 0);
      }
      assert.deepEqual(took, ['a', 'a', '', '', 'ccc', 'ccc', 'again', 'again']);
      for (const [index, others] of [
        ['re: again', 're: again'],
        ['x', 'x'],
      ].entries()) {
        for (const expected of ['re: a', 're: ', 're: ccc', ...others]) {
          assert.equal((await peers[index]!.receive()).text, expected);
        }
      }
    },
  );

  await t.test('more than a batch holds comes in several', async (t) => {
    const socket = open(t);
    const batch = new DatagramBatch(libc);
    const peer = await Peer.open(t);
    const texts = Array.from({ length: BATCH_MAX + 10 }, (_, index) => `${index}`);
    for (const text of texts) await peer.send(text, socket.port);
    const received: string[] = [];
    receiveAll(batch, socket, texts.length, CONTROL_MODE.SAMPLE, (_, text) => received.push(text));
    assert.deepEqual(received, texts);
  });

  await t.test('a datagram longer than its buffer is cut, an empty one has size 0', async (t) => {
    const socket = open(t);
    const batch = new DatagramBatch(libc);
    const peer = await Peer.open(t);
    await peer.send('x'.repeat(BUFFER_SIZE + 1), socket.port);
    await peer.send('', socket.port);
    await peer.send('end', socket.port);
    const sizes: number[] = [];
    receiveAll(batch, socket, 3, CONTROL_MODE.NONE, (slot) => sizes.push(batch.sizeOf(slot)));
    assert.deepEqual(sizes, [BUFFER_SIZE, 0, 3]);
  });

  await t.test('a wildcard socket answers from the address that was asked', async (t) => {
    const { socket, batch } = await wildcard(t, '0.0.0.0');
    const peer = await Peer.open(t);
    for (const host of ['127.0.0.5', '127.0.0.1', '127.0.0.6']) {
      await peer.send(`to ${host}`, socket.port, host);
      receiveAll(batch, socket, 1, CONTROL_MODE.PACKET_INFO, (slot, text) => {
        answer(batch, slot, text);
      });
      const { text, from } = await peer.receive();
      assert.deepEqual([text, from.address, from.port], [`re: to ${host}`, host, socket.port]);
    }
  });

  await t.test('so does one of IPv6', async (t) => {
    const { socket, batch } = await wildcard(t, '::');
    const peer = await Peer.open(t, '::1');
    await peer.send('hello', socket.port, '::1');
    receiveAll(batch, socket, 1, CONTROL_MODE.PACKET_INFO, (slot, text) => {
      assert.equal(batch.nameSizeOf(slot), 28);
      answer(batch, slot, text);
    });
    const { text, from } = await peer.receive();
    assert.deepEqual([text, from.address], ['re: hello', '::1']);
  });

  await t.test('tells when the first datagram arrived', async (t) => {
    const socket = open(t);
    const batch = new DatagramBatch(libc);
    const peer = await Peer.open(t);
    const receiveOne = async () => {
      await peer.send('x', socket.port);
      receiveAll(batch, socket, 1, CONTROL_MODE.SAMPLE, () => {});
    };
    await receiveOne();
    assert.equal(batch.arrivalUs(), -1, 'the kernel was not asked');
    receiveTimestamps(libc, socket.fd);
    const time = new Pinned(libc, 16);
    const nowUs = () => {
      libc.clock_gettime(OS.CLOCK_REALTIME, time.address);
      return timespecUs(time.words, 0);
    };
    const before = nowUs();
    await receiveOne();
    const modulus = 2_147_000_000;
    const between = (from: number, to: number) => (to - from + modulus) % modulus;
    const whole = between(before, nowUs());
    assert.ok(between(before, batch.arrivalUs()) <= whole);
    assert.ok(between(batch.arrivalUs(), nowUs()) < 60_000_000);
  });

  await t.test('an only answer that the kernel refuses is counted', async (t) => {
    const socket = open(t);
    const batch = new DatagramBatch({ ...libc, sendto: () => -1 });
    const peer = await Peer.open(t);
    await peer.send('a', socket.port);
    receiveAll(batch, socket, 1, CONTROL_MODE.NONE, (slot, text) => answer(batch, slot, text), 1);
  });

  await t.test('an answer that the kernel refuses is counted, and the others leave', async (t) => {
    const socket = open(t);
    const batch = new DatagramBatch(libc);
    const peer = await Peer.open(t);
    for (const text of ['a', 'b', 'c']) await peer.send(text, socket.port);
    receiveAll(
      batch,
      socket,
      3,
      CONTROL_MODE.NONE,
      (slot, text) => {
        // A port of 0 cannot be sent to.
        if (text === 'b') batch.octets.fill(0, batch.nameAt(slot) + 2, batch.nameAt(slot) + 4);
        answer(batch, slot, text);
      },
      1,
    );
    assert.equal((await peer.receive()).text, 're: a');
    assert.equal((await peer.receive()).text, 're: c');
  });
});

test('a time is microseconds of seconds modulo 2147', () => {
  assert.equal(timespecUs(Int32Array.of(2147 * 3 + 5, 0, 1999), 0), 5_000_001);
  assert.equal(timespecUs(Int32Array.of(9, 2146, 0, 999_999_999), 1), 2_146_999_999);
});
