import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { decode, encode } from 'dns-packet';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { HostNames } from '../../src/upstream/host-names.ts';
import { silentObserver } from '../../src/upstream/observer.ts';
import { RandomPool } from '../../src/upstream/random.ts';
import { TimerWheel } from '../../src/upstream/timer-wheel.ts';
import { WriteTurn } from '../../src/upstream/write-turn.ts';
import {
  assertAnswered,
  endpoint,
  failureOf,
  forwardOptions,
  openForward,
  openServer,
} from './support-forward.ts';
import { queryFor } from './support-server.ts';

/** A resolver that answers A questions with `addresses`. */
async function resolver(t: TestContext, addresses: string[]) {
  const socket = createSocket('udp4');
  socket.on('message', (message, sender) => {
    const { id, questions = [] } = decode(message);
    const [question] = questions;
    const answers =
      question?.type === 'A'
        ? addresses.map((data) => ({ type: 'A' as const, name: question.name, ttl: 1, data }))
        : [];
    socket.send(
      encode({ type: 'response', ...(id === undefined ? {} : { id }), questions, answers }),
      sender.port,
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

function openHostNames(t: TestContext, resolvers: string[]) {
  const changes: string[][] = [];
  const wheel = new TimerWheel(systemClock);
  const context = {
    options: forwardOptions({
      to: [endpoint(53, { host: '192.0.2.9' }), endpoint(5353, { host: 'dns.example.org' })],
      resolvers,
    }),
    clock: systemClock,
    log: createLog(() => {}),
    observer: silentObserver,
    random: new RandomPool(),
    wheel,
    writes: new WriteTurn(),
  };
  const hostNames = new HostNames(context, (endpoints) =>
    changes.push(endpoints.map(({ host, port }) => `${host}:${port}`)),
  );
  t.after(() => {
    hostNames.close();
    wheel.close();
  });
  return { hostNames, changes };
}

test('names become their addresses, in place; a change is told once', async (t) => {
  const addresses = ['192.0.2.2', '192.0.2.1'];
  const { hostNames, changes } = openHostNames(t, [await resolver(t, addresses)]);
  assert.deepEqual(hostNames.names, ['dns.example.org']);
  assert.deepEqual(
    hostNames.addresses.map(({ host }) => host),
    ['192.0.2.9'],
  );
  await hostNames.start();
  await hostNames.start();
  addresses.reverse();
  await hostNames.start();
  assert.deepEqual(changes, [['192.0.2.9:53', '192.0.2.1:5353', '192.0.2.2:5353']]);
  addresses.pop();
  await hostNames.start();
  assert.equal(changes.length, 2);
});

test('a failed look-up keeps the addresses known so far', async (t) => {
  const addresses = ['192.0.2.1'];
  const { hostNames, changes } = openHostNames(t, [await resolver(t, addresses)]);
  await hostNames.start();
  addresses.pop();
  await hostNames.start();
  assert.equal(changes.length, 1);
  assert.equal(hostNames.addresses.length, 2);
});

test('a forward to a name asks its address once it is known', async (t) => {
  const server = await openServer(t);
  const to = [endpoint(server.port, { host: 'dns.example.org' })];
  const resolvers = [await resolver(t, ['127.0.0.1'])];
  const { forward } = openForward(t, to, { resolvers });
  const asked = { transport: 'udp' } as const;
  const early = await forward.exchange(queryFor('example.org.'), asked);
  assert.deepEqual(failureOf(early), { code: 'unresolved', hosts: ['dns.example.org'] });
  await forward.ready;
  const result = await forward.exchange(queryFor('example.org.'), asked);
  assertAnswered(result);
  assert.equal(result.to, server.to);
});
