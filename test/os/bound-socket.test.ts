/** Sockets before their address is there, for both families; the address itself comes in test/host/node. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { openBoundSocket } from '../../src/os/bound-socket.ts';
import { requireLibc } from '../../src/os/libc.ts';
import { describeSocket } from '../../src/os/udp-socket.ts';

const libc = requireLibc();
/** Of two sockets that share, one alone would get them all once in 10^9 runs. */
const FLOWS = 30;

for (const host of ['192.0.2.53', '2001:db8::53']) {
  for (const kind of ['udp', 'tcp'] as const) {
    test(`${kind} at ${host}, which nobody has, only where it is free to be missing`, () => {
      const missing = () => openBoundSocket(libc, kind, { host, port: 0 });
      assert.throws(missing, { code: 'EADDRNOTAVAIL' });
      const fd = openBoundSocket(libc, kind, { host, port: 0 }, { isFree: true });
      const { type, address } = describeSocket(libc, fd)!;
      assert.deepEqual([type, address.host], [kind, host]);
      libc.close(fd);
    });
  }
}

test('a TCP socket takes connections once it listens, and node:net adopts it', async (t) => {
  const fd = openBoundSocket(libc, 'tcp', { host: '127.0.0.1', port: 0 });
  const { port } = describeSocket(libc, fd)!.address;
  assert.equal(libc.listen(fd, 8), 0);
  // The kernel completes the handshake before anybody accepts.
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  const server = createServer().listen({ fd });
  const [accepted] = await once(server, 'connection');
  t.after(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  assert.equal(accepted.remotePort, client.localPort);
});

test('two sockets share an address', () => {
  const first = openBoundSocket(libc, 'udp', { host: '127.0.0.1', port: 0 });
  const { address } = describeSocket(libc, first)!;
  const second = openBoundSocket(libc, 'udp', address);
  libc.close(first);
  libc.close(second);
});

test('a parked socket has the address, and all that is sent there goes to others', async (t) => {
  const address = { host: '127.0.0.1', port: 0 };
  const served = createSocket({ type: 'udp4', reusePort: true }).bind(address.port, address.host);
  await once(served, 'listening');
  const { port } = served.address();
  const parked = openBoundSocket(libc, 'udp', { ...address, port }, { isParked: true });
  t.after(() => {
    served.close();
    libc.close(parked);
  });
  let heard = 0;
  const all = new Promise<void>((resolve) => {
    served.on('message', () => ++heard === FLOWS && resolve());
  });
  // Each from a port of its own: a group would deal them out.
  for (let flow = 0; flow < FLOWS; flow++) {
    const one = createSocket('udp4');
    one.send('query', port, address.host, () => one.close());
  }
  await all;
});
