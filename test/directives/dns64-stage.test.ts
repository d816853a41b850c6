/** `dns64`: AAAA answers made of A records. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readDns64 } from '../../src/directives/dns64.ts';
import { Dns64Stage } from '../../src/directives/dns64-stage.ts';
import { configOf } from './server-block.ts';
import { type AskOptions, type Behind, StagePlay } from './stage-play.ts';

const IPV6: AskOptions = { client: '2001:db8::99' };
const SOA = 'authority example.org 20 SOA ns.example.org admin.example.org';
const NODATA = { records: [SOA] };

let translated = 0;

function playOf(corefile: string, behind: Behind): StagePlay {
  translated = 0;
  const options = configOf(corefile).dns64!;
  return new StagePlay(
    new Dns64Stage(options, () => {
      translated += 1;
    }),
    behind,
  );
}

const NO_AAAA: Behind = {
  'a.example.org. AAAA': NODATA,
  'a.example.org. A': {
    records: ['a.example.org 300 A 192.0.2.1', 'a.example.org 10 A 192.0.2.2'],
  },
};

suite('dns64', () => {
  test('makes AAAA records, with a TTL of at most that of the SOA', async () => {
    const play = playOf('dns64', NO_AAAA);
    assert.deepEqual(await play.ask('a.example.org AAAA', IPV6), [
      'a.example.org 20 AAAA 64:ff9b::c000:201',
      'a.example.org 10 AAAA 64:ff9b::c000:202',
    ]);
    assert.deepEqual(play.asked, ['a.example.org. AAAA', 'a.example.org. A']);
    assert.equal(translated, 1);
  });

  test('and at most 600 s without a SOA; other records stay', async () => {
    const play = playOf('dns64', {
      'w.example.org. AAAA': { records: [] },
      'w.example.org. A': {
        records: ['w.example.org 900 CNAME a.example.org', 'a.example.org 900 A 192.0.2.1'],
      },
    });
    assert.deepEqual(await play.ask('w.example.org AAAA', IPV6), [
      'w.example.org 900 CNAME a.example.org',
      'a.example.org 600 AAAA 64:ff9b::c000:201',
    ]);
  });

  test('prefixes of every length (RFC 6052 §2.4)', async () => {
    const expected = {
      '2001:db8::/32': '2001:db8:c000:201::',
      '2001:db8:100::/40': '2001:db8:1c0:2:1::',
      '2001:db8:122::/48': '2001:db8:122:c000:2:100::',
      '2001:db8:122:300::/56': '2001:db8:122:3c0:0:201::',
      '2001:db8:122:344::/64': '2001:db8:122:344:c0:2:100:0',
      '2001:db8:122:344::/96': '2001:db8:122:344::c000:201',
    };
    for (const [prefix, address] of Object.entries(expected)) {
      const play = playOf(`dns64 ${prefix}`, {
        'a.example.org. AAAA': NODATA,
        'a.example.org. A': { records: ['a.example.org 10 A 192.0.2.1'] },
      });
      const lines = await play.ask('a.example.org AAAA', IPV6);
      assert.deepEqual(lines, [`a.example.org 10 AAAA ${address}`], prefix);
    }
  });

  test('leaves an answer that has AAAA records, but with translate_all', async () => {
    const both: Behind = {
      'b.example.org. AAAA': { records: ['b.example.org 5 AAAA 2001:db8::1'] },
      'b.example.org. A': { records: ['b.example.org 5 A 192.0.2.1'] },
    };
    const plain = await playOf('dns64', both).ask('b.example.org AAAA', IPV6);
    assert.deepEqual(plain, ['b.example.org 5 AAAA 2001:db8::1']);
    assert.equal(translated, 0);
    const all = await playOf('dns64 {\ntranslate_all\n}', both).ask('b.example.org AAAA', IPV6);
    assert.deepEqual(all, ['b.example.org 5 AAAA 64:ff9b::c000:201']);
  });

  test('leaves a name that does not exist', async () => {
    const play = playOf('dns64', { 'x.example.org. AAAA': { rcode: 3, records: [SOA] } });
    assert.deepEqual((await play.ask('x.example.org AAAA', IPV6))[0], 'NXDOMAIN');
    assert.deepEqual(play.asked, ['x.example.org. AAAA']);
  });

  test('any other error counts as empty (RFC 6147 §5.1.2)', async () => {
    const play = playOf('dns64', {
      'a.example.org. AAAA': { rcode: 2 },
      'a.example.org. A': { records: ['a.example.org 10 A 192.0.2.1'] },
    });
    const lines = await play.ask('a.example.org AAAA', IPV6);
    assert.deepEqual(lines, ['a.example.org 10 AAAA 64:ff9b::c000:201']);
  });

  test('is for IPv6 clients, with allow_ipv4 for all, for AAAA and IN only', async () => {
    const own = ['authority example.org 20 SOA ns.example.org admin.example.org'];
    assert.deepEqual(await playOf('dns64', NO_AAAA).ask('a.example.org AAAA'), own);
    const open = 'dns64 {\nallow_ipv4\n}';
    assert.equal((await playOf(open, NO_AAAA).ask('a.example.org AAAA')).length, 2);
    const chaos = { qclass: 'CH' };
    assert.deepEqual(await playOf(open, NO_AAAA).ask('a.example.org AAAA', chaos), own);
  });

  test('what failed behind fails', async () => {
    const play = playOf('dns64', { 'a.example.org. AAAA': NODATA, 'a.example.org. A': 'no luck' });
    assert.deepEqual(await play.ask('a.example.org AAAA', IPV6), ['SERVFAIL: no luck']);
  });

  test('several in a block add up', () => {
    const { dns64 } = configOf('dns64 {\nallow_ipv4\n}\ndns64 2001:db8::/32');
    assert.deepEqual(dns64, { prefix: '2001:db8::/32', translateAll: false, allowIpv4: true });
    assert.equal(readDns64([]), undefined);
  });
});
