import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { acknowledgeNow, setUserTimeout, writeAtOnce } from '../../src/os/tcp-socket.ts';

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

/** Both ends of a connection; the server's side does not read by itself. */
async function connected(t: TestContext): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const ours = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [[theirs]] = await Promise.all([accepted, once(ours, 'connect')]);
  t.after(() => {
    ours.destroy();
    theirs.destroy();
    server.close();
  });
  return { ours, theirs };
}

test('writes past the stream; what the kernel does not take follows through it, in order', async (t) => {
  const { ours, theirs } = await connected(t);
  const size = 40_000;
  let count = 0;
  // Until the kernel has taken part of one, and then some that find the stream busy.
  for (let behind = 0; behind < 3; ) {
    writeAtOnce(ours, size, (octets) => octets.fill(count % 251, 0, size));
    count += 1;
    if (ours.writableLength > 0) behind += 1;
  }
  writeAtOnce(ours, 100_000, (octets) => octets.fill(255, 0, 100_000));
  ours.end();
  const octets = Buffer.concat(await theirs.toArray());
  assert.equal(octets.length, count * size + 100_000);
  for (let block = 0; block < count; block++) {
    const part = octets.subarray(block * size, (block + 1) * size);
    assert(
      part.every((octet) => octet === block % 251),
      `block ${block}`,
    );
  }
  assert(octets.subarray(count * size).every((octet) => octet === 255));
});

test('an error of the kernel ends the socket as one of its own writes would', async (t) => {
  const { ours, theirs } = await connected(t);
  const failed = once(ours, 'error');
  theirs.resetAndDestroy();
  // The reset may be seen by reading first.
  for (let tries = 0; tries < 1000 && !ours.destroyed; tries++) {
    writeAtOnce(ours, 1, (octets) => octets.fill(1, 0, 1));
  }
  const [error] = await failed;
  assert.match(error.code, /^(ECONNRESET|EPIPE)$/);
  assert.match(error.syscall, /^(read|write)$/);
});
