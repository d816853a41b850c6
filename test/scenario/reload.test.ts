/**
 * A changed Corefile: a good one takes over with the cache entries of blocks that it leaves alone, a bad one changes nothing
 * and is named in the log; by SIGUSR1, and by `reload`'s own look at the file.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { type Daemon, type DaemonPorts, startDaemon } from '../support/daemon.ts';
import { TcpClient, tcpAsk, UdpClient, udpAsk } from '../support/dns-client.ts';
import { addresses } from '../support/scripted-replies.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { onEachBackend, type Stage, type StagePorts } from './stage.ts';

/** What a scenario changes. */
interface Settings {
  readonly stays?: string;
  readonly changes?: string;
  readonly more?: string;
}

function corefile({ stays = '', changes = '', more = '' }: Settings = {}) {
  return ({ dns, upstream }: StagePorts) => `
stays.test:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream}
  ${stays}
}
changes.test:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream}
  ${changes}
}
${more}`;
}

function reload(stage: Stage, settings: Settings): Promise<string> {
  const upstream = stage.upstream.port;
  return stage.daemon.reloadWith((ports) => corefile(settings)({ ...ports, upstream }));
}

async function reloadsFailed(daemon: Daemon): Promise<number> {
  return (await daemon.scrape()).sum('coredns_reload_failed_total');
}

onEachBackend('a reload by SIGUSR1', { corefile: corefile() }, async (t, stage) => {
  const { daemon } = stage;
  const { dns: port } = daemon.ports;

  await t.test('keeps the cache of the block that stays as it is, and of no other', async () => {
    await stage.ask({ name: 'a.stays.test' });
    await stage.ask({ name: 'a.changes.test' });
    assert.match(await reload(stage, { changes: 'bufsize 1400' }), /Reloading complete/);
    assert.deepEqual((await stage.ask({ name: 'a.stays.test' })).data('A'), ['192.0.2.1']);
    assert.deepEqual((await stage.ask({ name: 'a.changes.test' })).data('A'), ['192.0.2.1']);
    await stage.assertAsked('a.stays.test', 1);
    await stage.assertAsked('a.changes.test', 2);
  });

  await t.test('keeps what the upstream still owes', async () => {
    stage.upstream.hold();
    const replies = [stage.ask({ name: 'b.stays.test' }), stage.askTcp({ name: 'b.changes.test' })];
    await stage.whenAsked('b.stays.test', 1);
    await stage.whenAsked('b.changes.test', 1);
    assert.match(await reload(stage, { changes: 'bufsize 1300' }), /Reloading complete/);
    stage.upstream.release();
    for (const reply of replies) assert.deepEqual((await reply).data('A'), ['192.0.2.1']);
    await stage.ask({ name: 'b.stays.test' });
    await stage.assertAsked('b.stays.test', 1, 'it was kept');
  });

  await t.test('keeps TCP connections', async (t) => {
    const client = await TcpClient.connect(daemon.address);
    t.after(() => client.close());
    await client.ask({ name: 'c.stays.test' });
    await reload(stage, {});
    assert.equal((await client.ask({ name: 'c.stays.test', id: 9 })).id, 9);
  });

  await t.test('opens new listeners and closes old ones', async (t) => {
    const more = `more.test:${port} {\n bind 127.0.0.3\n forward . 127.0.0.1:${stage.upstream.port}\n}`;
    assert.match(await reload(stage, { more }), /Reloading complete/);
    for (const ask of [udpAsk, tcpAsk]) {
      const reply = await ask({ host: '127.0.0.3', port }, { name: 'a.more.test' });
      assert.deepEqual(reply.data('A'), ['192.0.2.1']);
    }
    assert.match(await reload(stage, {}), /Reloading complete/);
    await assert.rejects(tcpAsk({ host: '127.0.0.3', port }, { name: 'a.more.test' }), {
      code: 'ECONNREFUSED',
    });
    const client = await UdpClient.open({ host: '127.0.0.3', port });
    t.after(() => client.close());
    await assert.rejects(client.ask({ name: 'a.more.test' }), { code: 'ECONNREFUSED' });
  });

  for (const [what, settings, place] of [
    ['an unknown directive', { stays: 'nonsense' }, /Corefile:6:3: .*nonsense/],
    ['a wrong value', { stays: 'bufsize 1' }, /Corefile:6:11: .*bufsize/],
    ['an unclosed block', { more: 'open.test {' }, /Corefile:1[45]:\d+/],
    ['an address that is not ours', { stays: 'bind 192.0.2.1' }, /192\.0\.2\.1/],
  ] as const) {
    await t.test(`goes on as before where the file has ${what}`, async () => {
      const failed = await reloadsFailed(daemon);
      const line = await reload(stage, settings);
      assert.match(line, /^\[ERROR\] plugin\/reload: Corefile changed but reload failed: /);
      assert.match(line, place);
      assert.equal(await reloadsFailed(daemon), failed + 1);
      for (const ask of [udpAsk, tcpAsk]) {
        const reply = await ask(daemon.address, { name: 'a.stays.test' });
        assert.deepEqual(reply.data('A'), ['192.0.2.1']);
      }
      await stage.assertAsked('a.stays.test', 1, 'the cache is as it was');
    });
  }

  await t.test('turns log and debug on and off', async () => {
    assert.match(await reload(stage, { stays: 'log\n debug' }), /complete/);
    await stage.ask({ name: 'logged.stays.test' });
    await daemon.waitForLog(/"A IN logged\.stays\.test\. udp /);
    assert.match(await reload(stage, {}), /complete/);
    await stage.ask({ name: 'silent.stays.test' });
    assert.match(await reload(stage, { stays: 'log' }), /complete/);
    await stage.ask({ name: 'again.stays.test' });
    await daemon.waitForLog(/again\.stays/);
    assert.ok(daemon.log.every((line) => !line.includes('silent.stays')));
  });

  await t.test('shows the hash that runs', async () => {
    const [sample, ...others] = (await daemon.scrape()).matching('coredns_reload_version_info');
    assert.equal(others.length, 0);
    const { hash, value } = sample!.labels;
    assert.equal(hash, 'sha512');
    assert.ok(daemon.log.findLast((line) => line.includes('SHA512 = '))!.endsWith(value!));
  });
});

suite('a reload by `reload` itself', { concurrency: true }, () => {
  test('of a changed Corefile', async (t) => {
    const block = (to: number) => (ports: DaemonPorts) =>
      `.:${ports.dns} {
    bind 127.0.0.1
    reload 2s 0
    forward . 127.0.0.1:${to}
  }`;
    const [first, second] = [await upstreamOf(t, '192.0.2.1'), await upstreamOf(t, '192.0.2.2')];
    const daemon = await startDaemon(t, { corefile: block(first.port) });
    assert.deepEqual((await udpAsk(daemon.address, { name: 'a.test' })).data('A'), ['192.0.2.1']);
    daemon.writeCorefile(block(second.port));
    await daemon.waitForLog(/Reloading complete/);
    assert.deepEqual((await udpAsk(daemon.address, { name: 'a.test' })).data('A'), ['192.0.2.2']);
  });

  test('of a changed resolv.conf', async (t) => {
    const resolvConf = join(temporaryDirectory(t), 'resolv.conf');
    // A resolv.conf names no ports, so the upstreams are told apart by their addresses.
    writeFileSync(resolvConf, 'nameserver 127.0.0.77\n');
    const daemon = await startDaemon(t, {
      corefile: ({ dns }) => `.:${dns} {
      bind 127.0.0.1
      errors
      reload 2s 0
      forward . ${resolvConf} {
        max_connect_attempts 1
      }
    }`,
    });
    writeFileSync(resolvConf, 'search a.test\nnameserver 127.0.0.78\n');
    await daemon.waitForLog(/Reloading complete/);
    assert.equal((await tcpAsk(daemon.address, { name: 'a.test' })).rcode, 'SERVFAIL');
    await daemon.waitForLog(/plugin\/errors: 2 a\.test\. A: .*127\.0\.0\.78:53/);
  });
});

function upstreamOf(t: TestContext, address: string): Promise<ScriptedUpstream> {
  return ScriptedUpstream.start(t, (query) => addresses(query, address));
}
