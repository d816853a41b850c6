/**
 * `serve_stale` (RFC 8767; CoreDNS plugin/cache): an expired answer at once and a refresh behind it, or an expired answer in
 * the place of a failure. Each zone has its own settings; all names are primed, and expire, together.
 */
import assert from 'node:assert/strict';
import { addresses, bare, negative } from '../support/scripted-replies.ts';
import { onEachBackend, type Stage, type StagePorts, ttlsOf, until } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => {
  const block = (zone: string, settings: string) => `
${zone}:${dns} {
  bind 127.0.0.1
  cache {
    success 1000 3600 1
    servfail 1s
    ${settings}
  }
  forward . 127.0.0.1:${upstream} {
    force_tcp
    max_connect_attempts 1
    max_fails 0
  }
}`;
  return [
    block('immediate.test', 'serve_stale 1h immediate'),
    block('verify.test', 'serve_stale 1h verify'),
    block('patient.test', 'serve_stale 1h verify 100ms'),
    block('thirty.test', 'serve_stale 1h immediate 30s'),
    block('none.test', ''),
    // Expires with the others and is primed last, so that its expiry is theirs.
    block('probe.test', ''),
  ].join('\n');
};

const FRESH = '192.0.2.1';
const NEW = '192.0.2.2';

const PRIMED = [
  'refresh.immediate.test',
  'dead.immediate.test',
  'good.verify.test',
  'gone.verify.test',
  'servfail.verify.test',
  'dead.verify.test',
  'tcp.verify.test',
  'late.patient.test',
  'ttl.thirty.test',
  'dead.none.test',
];

/** Fills the cache and waits until everything in it has expired. */
async function prime(stage: Stage): Promise<void> {
  for (const name of [...PRIMED, 'probe.test']) {
    stage.script(name, (query) => addresses(query, FRESH, 1));
    await stage.ask({ name });
  }
  await until('the expiry', async () => {
    // What comes from the cache has AA.
    return !(await stage.ask({ name: 'probe.test' })).hasFlag('AA');
  });
}

async function assertStale(stage: Stage, name: string, ttl = 0): Promise<void> {
  const reply = await stage.ask({ name });
  assert.deepEqual([reply.rcode, reply.data('A'), ttlsOf(reply)], ['NOERROR', [FRESH], [ttl]]);
  assert.equal(reply.hasFlag('AA'), true, 'it comes from the cache');
}

onEachBackend('serve_stale', { corefile: COREFILE }, async (t, stage) => {
  await prime(stage);

  await t.test('immediate: the expired answer at once, a new one behind it', async () => {
    const name = 'refresh.immediate.test';
    const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
    stage.script(name, async (query) => {
      await isReleased;
      return addresses(query, NEW, 60);
    });
    await assertStale(stage, name);
    await stage.whenAsked(name, 2);
    await assertStale(stage, name);
    release();
    await until('the new answer', async () => (await stage.ask({ name })).data('A')[0] === NEW);
  });

  await t.test('immediate: the expired answer as long as the upstream is dead', async () => {
    const name = 'dead.immediate.test';
    stage.script(name, () => 'reset');
    for (const _ of ['first', 'second', 'third']) await assertStale(stage, name);
    await stage.whenAsked(name, 2);
  });

  await t.test('verify: the new answer where there is one', async () => {
    const name = 'good.verify.test';
    stage.script(name, (query) => addresses(query, NEW, 60));
    const reply = await stage.ask({ name });
    assert.deepEqual([reply.data('A'), ttlsOf(reply)], [[NEW], [60]]);
  });

  await t.test('verify: NXDOMAIN is an answer', async () => {
    const name = 'gone.verify.test';
    stage.script(name, (query) => negative(query, 3, 'verify.test'));
    assert.equal((await stage.ask({ name })).rcode, 'NXDOMAIN');
    assert.equal((await stage.ask({ name })).rcode, 'NXDOMAIN');
    await stage.assertAsked(name, 2);
  });

  await t.test('verify: the expired answer in the place of SERVFAIL', async () => {
    const name = 'servfail.verify.test';
    stage.script(name, (query) => bare(query, 2));
    await assertStale(stage, name);
    await assertStale(stage, name);
  });

  await t.test('verify: the expired answer where the upstream is dead', async () => {
    const name = 'dead.verify.test';
    stage.script(name, () => 'reset');
    await assertStale(stage, name);
  });

  await t.test('verify: over TCP as over UDP', async () => {
    const name = 'tcp.verify.test';
    stage.script(name, () => 'reset');
    const reply = await stage.askTcp({ name });
    assert.deepEqual([reply.data('A'), ttlsOf(reply)], [[FRESH], [0]]);
  });

  await t.test('verify with a time-out: the expired answer when that is over', async () => {
    const name = 'late.patient.test';
    const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
    stage.script(name, async (query) => {
      await isReleased;
      return addresses(query, NEW, 60);
    });
    await assertStale(stage, name);
    release();
    await until('the new answer', async () => (await stage.ask({ name })).data('A')[0] === NEW);
  });

  await t.test('its TTL may be set', () => assertStale(stage, 'ttl.thirty.test', 30));

  await t.test('off: SERVFAIL where the upstream is dead', async () => {
    const name = 'dead.none.test';
    stage.script(name, () => 'reset');
    assert.equal((await stage.ask({ name })).rcode, 'SERVFAIL');
  });

  await t.test('is counted', async () => {
    const scrape = await stage.daemon.scrape();
    const stale = (zones: string) =>
      scrape.sum('coredns_cache_served_stale_total', { zones: `${zones}.` });
    assert.deepEqual([stale('verify.test'), stale('thirty.test'), stale('none.test')], [4, 1, 0]);
  });
});
