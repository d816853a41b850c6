import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { acknowledgeNow, setUserTimeout } from '../../src/os/tcp-socket.ts';

test('the kernel has the time-out that was set', async (t) => {
  const server = createServer((socket) => socket.resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const socket = connect(port, '127.0.0.1');
  t.after(() => {
    socket.destroy();
    server.close();
  });
  assert.equal(setUserTimeout(socket, 750), false, 'no descriptor yet');
  await once(socket, 'connect');
  assert.equal(setUserTimeout(socket, 750), true);
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const libc = requireLibc();
  const value = new Pinned(libc, 8);
  value.words[1] = 4;
  const { address } = value;
  libc.getsockopt(fd, OS.IPPROTO_TCP, OS.TCP_USER_TIMEOUT, address, address + 4);
  assert.equal(value.words[0], 750);
  assert.equal(acknowledgeNow(socket), true);
  libc.getsockopt(fd, OS.IPPROTO_TCP, OS.TCP_QUICKACK, address, address + 4);
  assert.equal(value.words[0], 1);
  socket.destroy();
  assert.equal(setUserTimeout(socket, 750), false);
  assert.equal(acknowledgeNow(socket), false);
});
