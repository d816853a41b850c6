/**
 * Which transport an upstream is asked over: `force_tcp`, `prefer_udp`, else as the client; and a truncated answer over UDP is
 * asked for over TCP once, whatever the client.
 */
import assert from 'node:assert/strict';
import { FLAG } from '../support/messages.ts';
import { addresses, bare } from '../support/scripted-replies.ts';
import { onEachBackend, type StagePorts } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => {
  const block = (zone: string, option: string) => `
${zone}:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream} {
    ${option}
    max_connect_attempts 1
    max_fails 0
  }
}`;
  return [
    block('client.test', ''),
    block('tcp.test', 'force_tcp'),
    block('udp.test', 'prefer_udp'),
    block('both.test', 'prefer_udp\n force_tcp'),
  ].join('\n');
};

const TRANSPORTS = {
  'client.test': { udp: 'udp', tcp: 'tcp' },
  'tcp.test': { udp: 'tcp', tcp: 'tcp' },
  'udp.test': { udp: 'udp', tcp: 'udp' },
  'both.test': { udp: 'tcp', tcp: 'tcp' },
} as const;

onEachBackend('forward', { corefile: COREFILE }, async (t, stage) => {
  for (const [zone, transports] of Object.entries(TRANSPORTS)) {
    await t.test(`asks over the transport of ${zone}`, async () => {
      await stage.ask({ name: `u.${zone}` });
      await stage.askTcp({ name: `t.${zone}` });
      assert.equal(stage.asked(`u.${zone}`)[0]!.transport, transports.udp);
      assert.equal(stage.asked(`t.${zone}`)[0]!.transport, transports.tcp);
    });
  }

  for (const zone of ['client.test', 'udp.test']) {
    await t.test(`asks over TCP for what UDP truncates: ${zone}`, async () => {
      const name = `tc.${zone}`;
      stage.script(name, (query) =>
        query.transport === 'udp'
          ? bare(query, 0, FLAG.TC)
          : addresses(query, ['192.0.2.1', '192.0.2.2']),
      );
      for (const _ of ['miss', 'hit']) {
        const reply = await stage.ask({ name });
        assert.deepEqual(reply.data('A'), ['192.0.2.1', '192.0.2.2']);
        assert.equal(reply.hasFlag('TC'), false);
      }
      const transports = new Set(stage.asked(name).map(({ transport }) => transport));
      assert.deepEqual([...transports], ['udp', 'tcp']);
      await stage.assertAsked(name, 2);
    });
  }

  await t.test('passes on what UDP truncates where TCP fails, and does not keep it', async () => {
    const name = 'udp-only.client.test';
    stage.script(name, (query) =>
      query.transport === 'tcp' ? 'reset' : { ...addresses(query, '192.0.2.1'), flags: FLAG.TC },
    );
    const overUdp = () => stage.asked(name).filter(({ transport }) => transport === 'udp').length;
    for (const _ of ['first', 'second']) {
      const before = overUdp();
      const reply = await stage.ask({ name });
      assert.equal(reply.hasFlag('TC'), true);
      assert.deepEqual(reply.data('A'), ['192.0.2.1']);
      assert.ok(overUdp() > before);
    }
  });

  await t.test('takes an answer over UDP that is larger than 512 octets', async () => {
    const name = 'large.udp.test';
    const list = Array.from({ length: 30 }, (_, index) => `192.0.2.${index}`);
    stage.script(name, (query) => addresses(query, list));
    assert.deepEqual((await stage.askTcp({ name })).data('A'), list);
    assert.equal(stage.asked(name)[0]!.transport, 'udp');
  });
});
