/**
 * EDNS (RFC 6891) is between two neighbours: what the client says goes no further than here, and what the upstream says
 * comes no further. Every query to an upstream has one shape.
 */
import assert from 'node:assert/strict';
import * as dnsPacket from 'dns-packet';
import { encodeName, FLAG, type Reply } from '../support/messages.ts';
import { addresses } from '../support/scripted-replies.ts';
import { onEachBackend, type StagePorts } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => `
.:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream}
}
plain.test:${dns} {
  bind 127.0.0.1
  forward . 127.0.0.1:${upstream}
}
small.test:${dns} {
  bind 127.0.0.1
  bufsize 700
  cache
  forward . 127.0.0.1:${upstream}
}`;

const OPTION = { ECS: 8, EXPIRE: 9, NSID: 3, COOKIE: 10, KEEPALIVE: 11, PADDING: 12 };
const OPTIONS = Object.values(OPTION).map((code) => ({ code, data: Buffer.alloc(8, code) }));

function upstreamOpt(dnssecOk: boolean): dnsPacket.OptAnswer {
  const flags = dnssecOk ? dnsPacket.DNSSEC_OK : 0;
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 4096,
    extendedRcode: 0,
    ednsVersion: 0,
    flags,
    flag_do: dnssecOk,
    options: OPTIONS as unknown as dnsPacket.PacketOpt[],
  };
}

/** OPT is the last record, without options, with this size and DO. */
function assertOpt(reply: Reply, size: number, dnssecOk: boolean): void {
  const opt = reply.octets.subarray(-11);
  const expected = Buffer.from([
    0,
    0,
    41,
    size >> 8,
    size & 255,
    0,
    0,
    dnssecOk ? 128 : 0,
    0,
    0,
    0,
  ]);
  assert.deepEqual(opt, expected);
  const { additionals } = reply.decoded;
  assert.equal(additionals.filter(({ type }) => type === 'OPT').length, 1);
  assert.equal(additionals.at(-1)!.type, 'OPT');
}

onEachBackend('EDNS', { corefile: COREFILE }, async (t, stage) => {
  for (const zone of ['example.org', 'plain.test']) {
    await t.test(`stays between neighbours: ${zone}`, async () => {
      const name = `opt.${zone}`;
      stage.script(name, (query) => ({
        ...addresses(query, '192.0.2.1'),
        additionals: [
          upstreamOpt(query.octets.at(-4) === 128),
          { type: 'A', name: `glue.${zone}`, ttl: 30, data: '192.0.2.2' },
        ],
      }));
      for (const _ of ['miss', 'hit']) {
        const bare = await stage.ask({ name });
        assert.deepEqual(
          bare.decoded.additionals.map(({ type }) => type),
          ['A'],
          'no OPT for a query without',
        );
        const edns = { size: 1400, options: OPTIONS };
        assertOpt(await stage.ask({ name, edns }), 1400, false);
        assertOpt(await stage.askTcp({ name, edns }), 1400, false);
        assertOpt(await stage.ask({ name, edns: { ...edns, dnssecOk: true } }), 1400, true);
        assertOpt(await stage.ask({ name, edns: { size: 0 } }), 0, false);
      }
    });
  }

  for (const [what, flags, dnssecOk] of [
    ['RD', FLAG.RD, false],
    ['none', 0, false],
    ['RD and CD', FLAG.RD | FLAG.CD, false],
    ['DO', FLAG.RD, true],
    [
      'bits without a meaning here',
      FLAG.RD | FLAG.Z | FLAG.AD | FLAG.TC | FLAG.RA | FLAG.AA,
      false,
    ],
  ] as const) {
    await t.test(`the upstream's query has one shape, from a client's with ${what}`, async () => {
      const name = `shape-${flags}-${dnssecOk}.example.org`;
      const query = {
        name: name.toUpperCase(),
        flags,
        edns: { size: 4096, dnssecOk, options: OPTIONS },
      };
      await stage.ask(query);
      const { octets } = stage.asked(name)[0]!;
      const kept = (flags & (FLAG.RD | FLAG.CD)) | FLAG.AD;
      const opt = [0, 0, 41, 1232 >> 8, 1232 & 255, 0, 0, dnssecOk ? 128 : 0, 0, 0, 0];
      const expected = Buffer.concat([
        Buffer.from([kept >> 8, kept & 255, 0, 1, 0, 0, 0, 0, 0, 1]),
        encodeName(name.toLowerCase()),
        Buffer.from([0, 1, 0, 1]),
        Buffer.from(opt),
      ]);
      assert.deepEqual(octets.subarray(2), expected);
    });
  }

  await t.test("the upstream's query has OPT where the client's has none", async () => {
    await stage.ask({ name: 'without.example.org' });
    assert.equal(stage.asked('without.example.org')[0]!.decoded.additionals[0]!.type, 'OPT');
  });

  await t.test('ids of upstream queries are not those of clients', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `id-${index}.example.org`);
    for (const name of names) assert.equal((await stage.ask({ name, id: 4711 })).id, 4711);
    const ids = new Set(names.map((name) => stage.asked(name)[0]!.decoded.id));
    assert.ok(ids.size > 1);
  });

  await t.test('bufsize sets what the upstream is offered', async () => {
    await stage.ask({ name: 'a.small.test' });
    const { octets } = stage.asked('a.small.test')[0]!;
    assert.equal(octets.readUInt16BE(octets.length - 8), 700);
  });

  await t.test('an upstream that says FORMERR to EDNS is asked without', async () => {
    const name = 'old.example.org';
    stage.script(name, (query) =>
      query.decoded.additionals.length > 0 ? { flags: 1 } : addresses(query, '192.0.2.1'),
    );
    assert.deepEqual((await stage.ask({ name })).data('A'), ['192.0.2.1']);
  });
});
