import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { decode, encode } from 'dns-packet';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import type { HostAddresses, HostLookUp } from '../../src/upstream/host-look-up.ts';
import { HostNames } from '../../src/upstream/host-names.ts';
import { silentObserver } from '../../src/upstream/observer.ts';
import type { Endpoint } from '../../src/upstream/options.ts';
import { RandomPool } from '../../src/upstream/random.ts';
import { TimerWheel } from '../../src/upstream/timer-wheel.ts';
import { Arrivals } from '../support/arrivals.ts';
import { until } from '../support/until.ts';
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

function openHostNames(
  t: TestContext,
  resolvers: string[],
  lookUp?: HostLookUp,
  lines: string[] = [],
) {
  const changes: string[][] = [];
  const wheel = new TimerWheel(systemClock);
  const context = {
    options: forwardOptions({
      to: [endpoint(53, { host: '192.0.2.9' }), endpoint(5353, { host: 'dns.example.org' })],
      resolvers,
    }),
    clock: systemClock,
    log: createLog((line) => lines.push(line.trimEnd())),
    observer: silentObserver,
    random: new RandomPool(),
    wheel,
  };
  const changed = (endpoints: readonly Endpoint[]) =>
    changes.push(endpoints.map(({ host, port }) => `${host}:${port}`));
  const hostNames = new HostNames(context, changed, lookUp);
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

test('a name is looked up again when its TTL has passed', async (t) => {
  const lookUps = new Arrivals<number>('look-up');
  let count = 0;
  const { hostNames, changes } = openHostNames(t, [], async () => {
    count += 1;
    lookUps.push(count);
    return { addresses: [`192.0.2.${count}`], ttlS: 1 };
  });
  await hostNames.start();
  await lookUps.count(2);
  await until('two changes', async () => changes.length === 2);
  assert.deepEqual(changes.at(-1), ['192.0.2.9:53', '192.0.2.2:5353']);
});

test('a failed look-up is tried again soon, and said once', async (t) => {
  const lines: string[] = [];
  let failures = 2;
  const lookUp = async () => {
    failures -= 1;
    if (failures >= 0) throw new Error('NXDOMAIN');
    return { addresses: ['192.0.2.1'], ttlS: 60 };
  };
  const { hostNames, changes } = openHostNames(t, [], lookUp, lines);
  await hostNames.start();
  await hostNames.start();
  assert.deepEqual(changes, []);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /resolving dns\.example\.org: NXDOMAIN: tried again$/m);
  await until('an address', async () => changes.length === 1);
  assert.match(lines[1]!, /found again/);
});

test('a question that comes before the address waits for it', async (t) => {
  const server = await openServer(t);
  const to = [endpoint(server.port, { host: 'dns.example.org' })];
  const found = Promise.withResolvers<HostAddresses>();
  const { forward } = openForward(t, to, {}, () => found.promise);
  const asked = forward.exchange(queryFor('example.org.'), { transport: 'udp' });
  found.resolve({ addresses: ['127.0.0.1'], ttlS: 60 });
  assertAnswered(await asked);
});

test('a question that waits for an address ends at its deadline', async (t) => {
  const to = [endpoint(53, { host: 'dns.example.org' })];
  const { forward } = openForward(t, to, {}, () => new Promise(() => {}));
  const asked = { transport: 'udp', deadlineMs: 50 } as const;
  const result = await forward.exchange(queryFor('example.org.'), asked);
  assert.deepEqual(failureOf(result), { code: 'unresolved', hosts: ['dns.example.org'] });
});

test('a forward to a name asks its address, as its resolver says', async (t) => {
  const server = await openServer(t);
  const to = [endpoint(server.port, { host: 'dns.example.org' })];
  const resolvers = [await resolver(t, ['127.0.0.1'])];
  const { forward } = openForward(t, to, { resolvers });
  const result = await forward.exchange(queryFor('example.org.'), { transport: 'udp' });
  assertAnswered(result);
  assert.equal(result.to, server.to);
});

test('of a name with very many addresses some are asked', async (t) => {
  const addresses = Array.from({ length: 20 }, (_, index) => `192.0.2.${100 + index}`);
  const { hostNames } = openHostNames(t, [await resolver(t, addresses)]);
  await hostNames.start();
  assert.equal(hostNames.addresses.length, 15);
  assert.equal(hostNames.addresses[0]!.host, '192.0.2.9');
});
