/** Connections by descriptor, with a client of node:net at the other end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { listen, openListener } from '../../src/os/listening-socket.ts';
import { readSocketAddress } from '../../src/os/socket-address.ts';
import { ACCEPT, STREAM, StreamSockets } from '../../src/os/stream-socket.ts';
import { describeSocket } from '../../src/os/udp-socket.ts';
import { skipWithoutLibc, waitReadable } from './sockets.ts';

const SKIP = { skip: skipWithoutLibc };

interface Ends {
  readonly sockets: StreamSockets;
  readonly fd: number;
  readonly client: Socket;
  readonly place: Pinned;
}

async function open(t: TestContext, host = '127.0.0.1'): Promise<Ends> {
  const libc = requireLibc();
  const listenerFd = openListener(libc, { host, port: 0 }, 16);
  const sockets = new StreamSockets(libc);
  assert.equal(sockets.accept(listenerFd), ACCEPT.NONE);
  const client = connect(describeSocket(libc, listenerFd)!.address.port, host);
  await once(client, 'connect');
  // The client's end is connected first.
  waitReadable(listenerFd);
  const fd = sockets.accept(listenerFd);
  assert.ok(fd >= 0);
  assert.deepEqual(readSocketAddress(sockets.peer, 0), { host, port: client.localPort });
  t.after(() => {
    client.destroy();
    libc.close(listenerFd);
    libc.close(fd);
  });
  return { sockets, fd, client, place: new Pinned(libc, 1 << 20) };
}

for (const host of ['127.0.0.1', '::1']) {
  test(`octets both ways, then both ends: ${host}`, SKIP, async (t) => {
    const { sockets, fd, client, place } = await open(t, host);
    assert.equal(sockets.receive(fd, place.address, 100), STREAM.WOULD_BLOCK);
    client.end('query');
    waitReadable(fd);
    assert.equal(sockets.receive(fd, place.address, 100), 5);
    assert.equal(Buffer.from(place.octets.subarray(0, 5)).toString(), 'query');
    assert.equal(sockets.send(fd, place.address, 5), 5);
    assert.deepEqual(await once(client, 'data'), [Buffer.from('query')]);
    waitReadable(fd);
    assert.equal(sockets.receive(fd, place.address, 100), 0);
    sockets.finish(fd);
    await once(client, 'close');
  });
}

test('a full kernel takes a part, then nothing', SKIP, async (t) => {
  const { sockets, fd, client, place } = await open(t);
  client.pause();
  let sent = 0;
  for (let count = 1; count > 0; sent += Math.max(count, 0)) {
    count = sockets.send(fd, place.address, place.octets.length);
    if (count <= 0) assert.equal(count, STREAM.WOULD_BLOCK);
  }
  let received = 0;
  client.on('data', ({ length }) => {
    received += length;
    if (received === sent) client.destroy();
  });
  client.resume();
  await once(client, 'close');
  assert.equal(received, sent);
});

test('a reset is seen, reading and writing, and raises no signal', SKIP, async (t) => {
  const { sockets, fd, client, place } = await open(t);
  client.resetAndDestroy();
  waitReadable(fd);
  assert.equal(sockets.receive(fd, place.address, 100), STREAM.BROKEN);
  assert.equal(sockets.send(fd, place.address, 100), STREAM.BROKEN);
});

test('a connection that is refused gets a reset', SKIP, async (t) => {
  const { sockets, fd, client } = await open(t);
  sockets.reset(fd);
  const [error] = await once(client, 'error');
  assert.equal(error.code, 'ECONNRESET');
});

test('a listener that blocks is made not to', SKIP, async (t) => {
  const libc = requireLibc();
  const fd = libc.socket(OS.AF_INET, OS.SOCK_STREAM | OS.SOCK_CLOEXEC, 0);
  t.after(() => libc.close(fd));
  listen(libc, fd, 16);
  assert.equal(new StreamSockets(libc).accept(fd), ACCEPT.NONE);
});
