/**
 * Listening sockets that somebody else opened: what was sent to them before there was a daemon is answered by it.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { writeSocketAddress } from '../../src/os/socket-address.ts';
import { SOCKET_ADDRESS_SIZE } from '../../src/os/socket-octets.ts';
import { describeSocket, openUdpSocket } from '../../src/os/udp-socket.ts';
import { startDaemon } from '../support/daemon.ts';
import { TcpClient, UdpClient } from '../support/dns-client.ts';
import { freePorts } from '../support/free-port.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { corefile } from './corefiles.ts';

const libc = requireLibc();
const ANSWER = ['192.0.2.1'];

/** A listening socket that nobody accepts from: one of node:net would, in this process. */
function openTcpListener(host: string, port: number): number {
  const fd = libc.socket(OS.AF_INET, OS.SOCK_STREAM | OS.SOCK_CLOEXEC, 0);
  const place = new Pinned(libc, SOCKET_ADDRESS_SIZE);
  const size = writeSocketAddress(place.octets, 0, { host, port });
  assert.equal(libc.bind(fd, place.address, size), 0);
  assert.equal(libc.listen(fd, 128), 0);
  return fd;
}

/** UDP and TCP at one port of 127.0.0.1. */
async function openSockets(t: TestContext): Promise<{ port: number; fds: number[] }> {
  const [port] = (await freePorts(1)) as [number];
  const address = { host: '127.0.0.1', port };
  const fds = [openUdpSocket(libc, address), openTcpListener(address.host, port)];
  t.after(() => {
    for (const fd of fds) libc.close(fd);
  });
  return { port, fds };
}

for (const backend of ['mmsg', 'dgram'] as const) {
  test(`what waited in the sockets is answered (${backend})`, async (t) => {
    const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, ANSWER));
    const { port, fds } = await openSockets(t);
    const udp = await UdpClient.open({ port });
    const tcp = await TcpClient.connect({ port });
    t.after(() => Promise.all([udp.close(), tcp.close()]));
    const queries = Array.from({ length: 100 }, (_, id) => ({ id, name: `h${id}.example.org` }));
    udp.send(...queries);
    tcp.send(...queries);
    const daemon = await startDaemon(t, {
      corefile: corefile({ upstream: upstream.port }),
      dnsPort: port,
      descriptors: fds,
      environment: { LISTEN_FDS: String(fds.length) },
      args: ['-udp-backend', backend],
    });
    for (const client of [udp, tcp]) {
      const replies = await Promise.all(queries.map(() => client.receive()));
      assert(replies.every((reply) => reply.data('A')[0] === ANSWER[0]));
      assert.equal(new Set(replies.map(({ id }) => id)).size, queries.length);
    }
    tcp.close();
    assert.equal(await daemon.stop(), 0);
    assert.equal(describeSocket(libc, fds[0]!)?.address.port, port);
  });
}

test('sockets that are meant for another process are left alone', async (t) => {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, ANSWER));
  const { fds } = await openSockets(t);
  const daemon = await startDaemon(t, {
    corefile: corefile({ upstream: upstream.port }),
    descriptors: fds,
    environment: { LISTEN_FDS: String(fds.length), LISTEN_PID: '1' },
  });
  const client = await UdpClient.open(daemon.address);
  t.after(() => client.close());
  assert.deepEqual((await client.ask({ name: 'www.example.org' })).data('A'), ANSWER);
});
