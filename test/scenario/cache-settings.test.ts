/**
 * The settings of `cache`, each in a server block of its own: bounds of TTLs, `disable`, ZONES, `keepttl`, and a block
 * without `cache`.
 */
import assert from 'node:assert/strict';
import { FLAG } from '../support/messages.ts';
import { addresses, negative } from '../support/scripted-replies.ts';
import { onEachBackend, type Stage, type StagePorts, ttlsOf, until } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => {
  const block = (zone: string, settings: string) => `
${zone}:${dns} {
  bind 127.0.0.1
  forward . 127.0.0.1:${upstream}
  ${settings}
}`;
  return [
    block('usual.test', 'cache'),
    block('thirty.test', 'cache 30'),
    block('zero.test', 'cache {\n success 1000 3600 0\n denial 1000 1800 0\n }'),
    block('positive.test', 'cache {\n disable denial\n }'),
    block('negative.test', 'cache {\n disable success\n }'),
    block('partly.test', 'cache {\n disable success off.partly.test\n }'),
    block('zones.test', 'cache 30 in.zones.test'),
    block('keep.test', 'cache {\n success 1000 3600 1\n keepttl\n }'),
    block('plain.test', ''),
  ].join('\n');
};

/** Asks twice for what the upstream has; tells how often the upstream was asked, and the TTLs of both replies. */
async function askTwice(stage: Stage, name: string, ttl: number, isDenial = false) {
  stage.script(name, (query) =>
    isDenial
      ? negative(query, 3, name.split('.').slice(-2).join('.'), ttl)
      : addresses(query, '192.0.2.5', ttl),
  );
  const lateBefore = await stage.lateReasks();
  const ttls = [ttlsOf(await stage.ask({ name })), ttlsOf(await stage.ask({ name }))].flat();
  const late = (await stage.lateReasks()) - lateBefore;
  return { asked: stage.asked(name).length - late, ttls };
}

onEachBackend('cache', { corefile: COREFILE }, async (t, stage) => {
  await t.test('keeps a TTL of 0 for five seconds, and longer ones for an hour', async () => {
    assert.deepEqual(await askTwice(stage, 'a.usual.test', 0), { asked: 1, ttls: [5, 5] });
    const day = 86_400;
    assert.deepEqual(await askTwice(stage, 'b.usual.test', day), { asked: 1, ttls: [3600, 3600] });
    const denial = await askTwice(stage, 'c.usual.test', day, true);
    assert.deepEqual(denial, { asked: 1, ttls: [1800, 1800] });
  });

  await t.test('TTL bounds both kinds', async () => {
    assert.deepEqual(await askTwice(stage, 'a.thirty.test', 300), { asked: 1, ttls: [30, 30] });
    const denial = await askTwice(stage, 'b.thirty.test', 300, true);
    assert.deepEqual(denial, { asked: 1, ttls: [30, 30] });
  });

  await t.test('a least TTL of 0 keeps no TTL of 0', async () => {
    assert.deepEqual(await askTwice(stage, 'a.zero.test', 0), { asked: 2, ttls: [0, 0] });
    assert.deepEqual(await askTwice(stage, 'b.zero.test', 0, true), { asked: 2, ttls: [0, 0] });
    assert.deepEqual(await askTwice(stage, 'c.zero.test', 9), { asked: 1, ttls: [9, 9] });
  });

  await t.test('disable leaves out a kind', async () => {
    assert.equal((await askTwice(stage, 'a.positive.test', 9)).asked, 1);
    assert.equal((await askTwice(stage, 'b.positive.test', 9, true)).asked, 2);
    assert.equal((await askTwice(stage, 'a.negative.test', 9)).asked, 2);
    assert.equal((await askTwice(stage, 'b.negative.test', 9, true)).asked, 1);
  });

  await t.test('disable leaves out a kind below a zone', async () => {
    assert.equal((await askTwice(stage, 'a.partly.test', 9)).asked, 1);
    assert.equal((await askTwice(stage, 'a.off.partly.test', 9)).asked, 2);
    assert.equal((await askTwice(stage, 'b.off.partly.test', 9, true)).asked, 1);
  });

  await t.test('ZONES leave out what is not below them, whose TTL nobody touches', async () => {
    assert.deepEqual(await askTwice(stage, 'a.in.zones.test', 99), { asked: 1, ttls: [30, 30] });
    assert.deepEqual(await askTwice(stage, 'a.zones.test', 99), { asked: 2, ttls: [99, 99] });
  });

  await t.test('keepttl shows the first TTL until the expiry', async () => {
    const name = 'a.keep.test';
    stage.script(name, (query) => addresses(query, '192.0.2.5', 2));
    const ttls = new Set<number>();
    let answers = 0;
    await until('the expiry', async () => {
      const reply = await stage.ask({ name });
      for (const ttl of ttlsOf(reply)) ttls.add(ttl);
      // What comes from the cache has AA.
      if (!reply.hasFlag('AA')) answers += 1;
      return answers === 2;
    });
    assert.deepEqual([...ttls], [2]);
  });

  await t.test('a block without it passes everything as it is, each time', async () => {
    const name = 'a.plain.test';
    stage.script(name, () => ({
      flags: FLAG.RA | FLAG.AA,
      answers: [
        { type: 'CNAME', name, ttl: 0, data: 'b.plain.test' },
        { type: 'A', name: 'b.plain.test', ttl: 86_400, data: '192.0.2.5' },
      ],
    }));
    for (const count of [1, 2]) {
      const reply = await stage.ask({ name });
      assert.deepEqual(ttlsOf(reply), [0, 86_400]);
      assert.equal(reply.hasFlag('AA'), true);
      await stage.assertAsked(name, count);
    }
  });
});
