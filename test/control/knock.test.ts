/** A query to ourselves that nobody waits for: it arrives, from a port of its own each time, and failing is silent. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { on, once } from 'node:events';
import { test } from 'node:test';
import { Knock } from '../../src/control/knock.ts';
import { loadLibc } from '../../src/os/libc.ts';
import { OPCODE, QTYPE } from '../../src/wire/registry.ts';
import { freePorts } from '../support/free-port.ts';

const QUESTION = { name: '.', qtype: QTYPE.A, opcode: OPCODE.STATUS };
const libc = loadLibc();
const skip = libc instanceof Error ? libc.message : false;
const create = () => new Knock(libc as Exclude<typeof libc, Error>);

for (const host of ['127.0.0.1', '::1']) {
  test(`a query arrives at ${host}, from loopback and another port each time`, {
    skip,
  }, async (t) => {
    const server = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    t.after(() => server.close());
    server.bind(0, host);
    await once(server, 'listening');
    const knock = create();
    t.after(() => knock.close());
    const queries = on(server, 'message');
    const ports = new Set<number>();
    for (let time = 0; time < 3; time++) {
      knock.send({ host, port: server.address().port }, QUESTION);
      const [query, peer] = (await queries.next()).value!;
      assert.equal((query.readUInt16BE(2) >> 11) & 0xf, OPCODE.STATUS);
      assert.equal(query.readUInt16BE(4), 1);
      assert.equal(peer.address, host);
      ports.add(peer.port);
    }
    assert(ports.size > 1);
  });
}

test('what cannot be sent is no failure of ours', { skip }, async () => {
  const [port] = await freePorts(1);
  const knock = create();
  // Nobody listens; the second time the socket may know it. Nor is there a way from loopback to elsewhere.
  for (const host of ['127.0.0.1', '127.0.0.1', '192.0.2.1']) {
    knock.send({ host, port: port! }, QUESTION);
  }
  knock.close();
});
