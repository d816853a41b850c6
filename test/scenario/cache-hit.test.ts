/**
 * What an answer from the cache looks like beside the one that filled it: TTL, letter case, order of records, AA, AD, RA
 * (CoreDNS plugin/cache; RFC 1035 §4.1.1, RFC 6840 §5.7 and 5.8).
 */
import assert from 'node:assert/strict';
import { FLAG } from '../support/messages.ts';
import { addresses } from '../support/scripted-replies.ts';
import { onEachBackend, type StagePorts, ttlsOf, until } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => `
.:${dns} {
  bind 127.0.0.1
  cache {
    success 1000 300 1
  }
  forward . 127.0.0.1:${upstream}
}`;

onEachBackend('a cached answer', { corefile: COREFILE }, async (t, stage) => {
  await t.test('has a TTL that counts down to its expiry', async () => {
    const name = 'ttl.example.org';
    stage.script(name, (query) => addresses(query, '192.0.2.7', 2));
    const seen: number[] = [];
    await until('the second answer of the upstream', async () => {
      const reply = await stage.ask({ name });
      for (const ttl of ttlsOf(reply)) if (seen.at(-1) !== ttl) seen.push(ttl);
      return seen.length > 1 && !reply.hasFlag('AA');
    });
    assert.deepEqual(seen, [2, 1, 2]);
    await stage.assertAsked(name, 2);
  });

  await t.test(
    'shows the TTL within the bound of the Corefile from the first reply on',
    async () => {
      const name = 'long.example.org';
      stage.script(name, (query) => addresses(query, '192.0.2.7', 86_400));
      assert.deepEqual(ttlsOf(await stage.ask({ name })), [300]);
      assert.deepEqual(ttlsOf(await stage.ask({ name })), [300]);
      await stage.assertAsked(name, 1);
    },
  );

  await t.test('is found in any letter case, and its question is the one asked', async () => {
    for (const name of ['CaSe.ExAmPlE.oRg', 'case.example.org', 'CASE.EXAMPLE.ORG']) {
      for (const reply of [await stage.ask({ name }), await stage.askTcp({ name })]) {
        assert.equal(reply.decoded.questions[0]!.name, name);
        assert.deepEqual(reply.data('A'), ['192.0.2.1']);
      }
    }
    const names = stage.asked('case.example.org').map(({ question }) => question.name);
    assert.deepEqual([...new Set(names)], ['case.example.org']);
    await stage.assertAsked('case.example.org', 1);
  });

  await t.test('keeps a CNAME before the records that it leads to', async () => {
    const name = 'alias.example.org';
    stage.script(name, () => ({
      flags: FLAG.RA,
      answers: [
        { type: 'CNAME', name, ttl: 30, data: 'target.example.org' },
        { type: 'A', name: 'target.example.org', ttl: 60, data: '192.0.2.8' },
      ],
    }));
    const miss = await stage.ask({ name });
    const hit = await stage.ask({ name });
    for (const { decoded } of [miss, hit]) {
      assert.deepEqual(
        decoded.answers.map((record) => [record.type, record.name]),
        [
          ['CNAME', name],
          ['A', 'target.example.org'],
        ],
      );
    }
    assert.deepEqual(ttlsOf(miss), [30], 'the least TTL counts for all');
    await stage.assertAsked(name, 1);
  });

  await t.test('has AA, which a miss has as the upstream says', async () => {
    const name = 'aa.example.org';
    assert.equal((await stage.ask({ name })).hasFlag('AA'), false);
    assert.equal((await stage.ask({ name })).hasFlag('AA'), true);
    assert.equal((await stage.askTcp({ name })).hasFlag('AA'), true);
  });

  await t.test('has RA as the upstream says', async () => {
    for (const [name, ra] of [
      ['ra.example.org', FLAG.RA],
      ['no-ra.example.org', 0],
    ] as const) {
      stage.script(name, (query) => ({ ...addresses(query, '192.0.2.7'), flags: ra }));
      assert.equal((await stage.ask({ name })).hasFlag('RA'), ra !== 0);
      assert.equal((await stage.ask({ name })).hasFlag('RA'), ra !== 0);
    }
  });

  await t.test('has AD only for those who ask with AD or DO', async () => {
    const name = 'ad.example.org';
    // As a validating resolver does (RFC 6840 §5.8): AD where the query shows that it is understood.
    stage.script(name, (query) => {
      const understands = (query.decoded.flags & FLAG.AD) !== 0 || query.octets.at(-4) === 128;
      return { ...addresses(query, '192.0.2.7'), flags: FLAG.RA | (understands ? FLAG.AD : 0) };
    });
    for (const round of ['miss', 'hit']) {
      assert.equal((await stage.ask({ name })).hasFlag('AD'), false, round);
      assert.equal(
        (await stage.ask({ name, flags: FLAG.RD | FLAG.AD })).hasFlag('AD'),
        true,
        round,
      );
      const signed = await stage.ask({ name, edns: { dnssecOk: true } });
      assert.equal(signed.hasFlag('AD'), true, round);
    }
    await stage.assertAsked(name, 2, 'AD separates nothing, DO does');
  });
});
