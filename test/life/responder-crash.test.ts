/**
 * A responder that dies of an exception is started again: its sockets stay open, so that queries of the meantime wait and are
 * answered, what the resolver wanted of it is done, and the daemon ends as ever.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Daemon, type DaemonOptions, startDaemon } from '../support/daemon.ts';
import { TcpClient, UdpClient, udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { corefile } from './corefiles.ts';
import { preload } from './preload.ts';

const QUERY = { name: 'www.example.org' };

/** Throws at the second command that a thread takes: the first is the configuration to start with, the second a reload. */
const DIES_OF_A_RELOAD = preload(
  'responder',
  `const threads = builtin('node:worker_threads');
  const { receiveMessageOnPort } = threads;
  let count = 0;
  threads.receiveMessageOnPort = (port) => {
    const received = receiveMessageOnPort(port);
    if (received !== undefined && ++count === 2) throw new Error('provoked');
    return received;
  };
  builtin('node:module').syncBuiltinESMExports();`,
);

/** Throws in the first batch after a file has appeared, and removes the file: each batch stores its epoch. */
function diesOfABatch(path: string): string {
  return preload(
    'responder',
    `const { existsSync, rmSync } = builtin('node:fs');
    const { store } = Atomics;
    Atomics.store = (words, at, value) => {
      if (existsSync(${JSON.stringify(path)})) {
        rmSync(${JSON.stringify(path)});
        throw new Error('provoked');
      }
      return store(words, at, value);
    };`,
  );
}

async function startDying(
  t: TestContext,
  nodeFlag: string,
  args: readonly string[] = [],
): Promise<{ daemon: Daemon; text: DaemonOptions['corefile'] }> {
  const upstream = await ScriptedUpstream.start(t, (query) => addresses(query, '192.0.2.1'));
  const text = corefile({ upstream: upstream.port });
  const daemon = await startDaemon(t, { corefile: text, nodeFlags: [nodeFlag], args });
  assert.equal((await udpAsk(daemon.address, QUERY)).rcode, 'NOERROR');
  return { daemon, text };
}

for (const responders of [1, 3]) {
  test(`${responders} responders die and come back: nothing that was asked meanwhile is lost`, async (t) => {
    const args = ['-responders', String(responders)];
    const { daemon, text } = await startDying(t, DIES_OF_A_RELOAD, args);
    const client = await UdpClient.open(daemon.address);
    t.after(() => client.close());
    const reloaded = daemon.reloadWith(text);
    await daemon.waitForLog(/a responder died and is started again: Error: provoked/);
    const replies = await client.askAll(Array.from({ length: 20 }, () => QUERY));
    assert(replies.every((reply) => reply.data('A')[0] === '192.0.2.1'));
    assert.match(await reloaded, /complete/);
    const scrape = await daemon.scrape();
    assert.equal(scrape.value('zerohop_responder_restarts_total'), responders);
    assert.equal(await daemon.stop(), 0);
  });
}

test('a responder that dies in a batch comes back', async (t) => {
  const trigger = join(temporaryDirectory(t), 'die');
  const { daemon } = await startDying(t, diesOfABatch(trigger));
  const client = await UdpClient.open(daemon.address);
  t.after(() => client.close());
  writeFileSync(trigger, '');
  client.send(QUERY);
  await daemon.waitForLog(/a responder died/);
  assert.deepEqual((await client.ask(QUERY)).data('A'), ['192.0.2.1']);
  assert.equal(client.received.length, 1);
  const fresh = await client.ask({ name: 'fresh.example.org' });
  assert.deepEqual(fresh.data('A'), ['192.0.2.1']);
});

test('the TCP connections of a responder that dies are closed, and who comes back is answered', async (t) => {
  const trigger = join(temporaryDirectory(t), 'die');
  const { daemon } = await startDying(t, diesOfABatch(trigger), ['-responders', '1']);
  const clients = [
    await TcpClient.connect(daemon.address),
    await TcpClient.connect(daemon.address),
  ];
  for (const client of clients) {
    t.after(() => client.close());
    assert.deepEqual((await client.ask(QUERY)).data('A'), ['192.0.2.1']);
  }
  writeFileSync(trigger, '');
  clients[0]!.send(QUERY);
  await Promise.all(clients.map((client) => client.ended()));
  const next = await TcpClient.connect(daemon.address);
  t.after(() => next.close());
  assert.deepEqual((await next.ask(QUERY)).data('A'), ['192.0.2.1']);
  assert.equal((await daemon.scrape()).value('zerohop_tcp_connections'), 1);
  next.close();
  assert.equal(await daemon.stop(), 0);
});

test('the daemon ends while a responder is dead', async (t) => {
  const trigger = join(temporaryDirectory(t), 'die');
  const { daemon } = await startDying(t, diesOfABatch(trigger));
  const client = await UdpClient.open(daemon.address);
  t.after(() => client.close());
  writeFileSync(trigger, '');
  client.send(QUERY);
  await daemon.waitForLog(/a responder died/);
  assert.equal(await daemon.stop(2500), 0);
});
