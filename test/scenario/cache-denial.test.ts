/**
 * Negative answers and failures: what is kept and for how long (RFC 2308; CoreDNS plugin/cache: the SOA record's own TTL
 * counts, SERVFAIL is kept for `servfail`, failures of the transport and truncated answers are not kept).
 */
import assert from 'node:assert/strict';
import { FLAG } from '../support/messages.ts';
import { addresses, bare, negative } from '../support/scripted-replies.ts';
import { onEachBackend, type StagePorts, ttlsOf, until } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => `
(common) {
  bind 127.0.0.1
  forward . 127.0.0.1:${upstream} {
    max_connect_attempts 1
    max_fails 0
  }
}
.:${dns} {
  import common
  cache
}
short.test:${dns} {
  import common
  cache {
    servfail 2s
  }
}
none.test:${dns} {
  import common
  cache {
    servfail 0
  }
}`;

const SERVFAIL = 2;
const REFUSED = 5;

onEachBackend('a negative answer', { corefile: COREFILE }, async (t, stage) => {
  for (const [what, rcode] of [
    ['NXDOMAIN', 3],
    ['NODATA', 0],
  ] as const) {
    await t.test(`${what} with SOA is kept as long as the SOA`, async () => {
      const name = `${what}.example.org`;
      stage.script(name, (query) => negative(query, rcode, 'example.org', 77));
      for (const isHit of [false, true]) {
        const reply = await stage.ask({ name });
        assert.equal(reply.rcode, rcode === 3 ? 'NXDOMAIN' : 'NOERROR');
        assert.deepEqual(ttlsOf(reply), [77]);
        assert.deepEqual(
          reply.decoded.authorities.map(({ type, name: owner }) => [type, owner]),
          [['SOA', 'example.org']],
        );
        assert.equal(reply.hasFlag('AA'), isHit);
      }
      await stage.assertAsked(name, 1);
    });
  }

  await t.test('NXDOMAIN for one type says nothing about another', async () => {
    const name = 'types.example.org';
    stage.script(name, (query) => negative(query, 3, 'example.org'));
    await stage.ask({ name });
    await stage.ask({ name, type: 'AAAA' });
    await stage.assertAsked(name, 2);
  });

  for (const [what, rcode] of [
    ['NXDOMAIN without SOA', 3],
    ['REFUSED', REFUSED],
  ] as const) {
    await t.test(`${what} passes and is not kept`, async () => {
      const name = `uncached-${rcode}.example.org`;
      stage.script(name, (query) => bare(query, rcode));
      assert.equal((await stage.ask({ name })).decoded.flags & 0xf, rcode);
      assert.equal((await stage.ask({ name })).decoded.flags & 0xf, rcode);
      await stage.assertAsked(name, 2);
    });
  }
});

onEachBackend('a failure', { corefile: COREFILE }, async (t, stage) => {
  await t.test('SERVFAIL from the upstream is kept', async () => {
    const name = 'servfail.example.org';
    stage.script(name, (query) => bare(query, SERVFAIL));
    assert.equal((await stage.ask({ name })).rcode, 'SERVFAIL');
    assert.equal((await stage.askTcp({ name })).rcode, 'SERVFAIL');
    await stage.assertAsked(name, 1);
  });

  await t.test('SERVFAIL is kept for as long as `servfail` says', async () => {
    const name = 'a.short.test';
    stage.script(name, (query) => bare(query, SERVFAIL));
    await stage.ask({ name });
    await stage.ask({ name });
    await stage.assertAsked(name, 1);
    stage.script(name, (query) => addresses(query, '192.0.2.9'));
    await until('an answer', async () => (await stage.ask({ name })).rcode === 'NOERROR');
    await stage.assertAsked(name, 2);
  });

  await t.test('SERVFAIL is not kept with `servfail 0`', async () => {
    const name = 'a.none.test';
    stage.script(name, (query) => bare(query, SERVFAIL));
    await stage.ask({ name });
    await stage.ask({ name });
    await stage.assertAsked(name, 2);
  });

  await t.test('of the transport gives SERVFAIL, which is not kept', async () => {
    const name = 'reset.example.org';
    stage.script(name, () => 'reset');
    assert.equal((await stage.askTcp({ name })).rcode, 'SERVFAIL');
    stage.script(name, (query) => addresses(query, '192.0.2.9'));
    assert.equal((await stage.askTcp({ name })).rcode, 'NOERROR');
  });

  await t.test('an answer that is truncated even over TCP passes and is not kept', async () => {
    const name = 'tc.example.org';
    stage.script(name, (query) => bare(query, 0, FLAG.TC));
    assert.equal((await stage.ask({ name })).hasFlag('TC'), true);
    // Over UDP, and then over TCP.
    await stage.assertAsked(name, 2);
    assert.equal((await stage.ask({ name })).hasFlag('TC'), true);
    await stage.assertAsked(name, 4);
  });
});
