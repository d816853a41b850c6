import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { silentObserver } from '../../src/upstream/observer.ts';
import { RandomPool } from '../../src/upstream/random.ts';
import { TimerWheel } from '../../src/upstream/timer-wheel.ts';
import { Upstream, upstreamKey } from '../../src/upstream/upstream.ts';
import { endpoint, forwardOptions } from './support-forward.ts';

const context = {
  options: forwardOptions(),
  clock: systemClock,
  log: createLog(() => {}),
  observer: silentObserver,
  random: new RandomPool(),
  wheel: new TimerWheel(systemClock),
};

test('the label is address and port, an IPv6 address in brackets', () => {
  assert.equal(new Upstream(context, endpoint(53)).to, '127.0.0.1:53');
  assert.equal(new Upstream(context, endpoint(53, { host: '2001:db8::1' })).to, '[2001:db8::1]:53');
});

test('plain DNS travels as wanted, the others as they are', () => {
  const plain = new Upstream(context, endpoint(53));
  assert.deepEqual([plain.carriage('udp'), plain.carriage('tcp')], ['udp', 'tcp']);
  assert.equal(new Upstream(context, endpoint(853, { transport: 'tls' })).carriage('udp'), 'tls');
  assert.equal(
    new Upstream(context, endpoint(443, { transport: 'https' })).carriage('udp'),
    'https',
  );
});

test('a key differs where the endpoint does', () => {
  const tls = endpoint(853, { transport: 'tls' });
  assert.notEqual(upstreamKey(tls), upstreamKey({ ...tls, serverName: 'dns.example.org' }));
  assert.equal(upstreamKey(tls), upstreamKey({ ...tls }));
});

test('a new one is healthy and has nothing open', () => {
  const { healthy, connections, udpSockets, outstanding } = new Upstream(
    context,
    endpoint(53),
  ).snapshot();
  assert.deepEqual([healthy, connections, udpSockets, outstanding], [true, 0, 0, 0]);
});
