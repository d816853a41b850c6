/**
 * Replies over UDP never exceed what the client takes: 512 octets without EDNS (RFC 1035 §4.2.1), else its size. What is left
 * holds as many records as fit, beside TC: musl's resolver uses them and never asks over TCP.
 */
import assert from 'node:assert/strict';
import { encodeName, type QueryFields } from '../support/messages.ts';
import { addresses } from '../support/scripted-replies.ts';
import { onEachBackend, type StagePorts } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => `
.:${dns} {
  bind 127.0.0.1
  bufsize 4096
  cache
  forward . 127.0.0.1:${upstream} {
    force_tcp
  }
}
plain.test:${dns} {
  bind 127.0.0.1
  bufsize 4096
  forward . 127.0.0.1:${upstream} {
    force_tcp
  }
}
small.test:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream} {
    force_tcp
  }
}`;

const HEADER_SIZE = 12;
const OPT_SIZE = 11;
/** An A record whose owner is a pointer. */
const RECORD_SIZE = 16;

function list(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `192.0.2.${index % 256}`);
}

onEachBackend('a reply over UDP', { corefile: COREFILE }, async (t, stage) => {
  for (const zone of ['example.org', 'plain.test']) {
    for (const [what, size, edns] of [
      ['no EDNS', 512, undefined],
      ['EDNS 100, which means 512', 512, { size: 100 }],
      ['EDNS 512', 512, { size: 512 }],
      ['EDNS 1232', 1232, { size: 1232 }],
      ['EDNS 4096', 4096, { size: 4096 }],
    ] as const) {
      await t.test(`${zone}, ${what}: as many records as fit`, async () => {
        const name = `many-${size}.${zone}`;
        const wanted = list(300);
        stage.script(name, (query) => addresses(query, wanted));
        const query: QueryFields = edns ? { name, edns } : { name };
        const fixed = HEADER_SIZE + encodeName(name).length + 4 + (edns ? OPT_SIZE : 0);
        const count = Math.floor((size - fixed) / RECORD_SIZE);
        for (const round of ['miss', 'hit']) {
          const reply = await stage.ask(query);
          assert.equal(reply.octets.length, fixed + count * RECORD_SIZE, round);
          assert.deepEqual(reply.data('A'), wanted.slice(0, count), round);
          assert.equal(reply.hasFlag('TC'), true, round);
        }
        const whole = await stage.askTcp(query);
        assert.deepEqual(whole.data('A'), wanted);
        assert.equal(whole.hasFlag('TC'), false);
      });
    }
  }

  await t.test('that fits to the octet is whole, one octet less is not', async () => {
    const name = 'exact.example.org';
    stage.script(name, (query) => addresses(query, list(40)));
    const size = HEADER_SIZE + encodeName(name).length + 4 + OPT_SIZE + 40 * RECORD_SIZE;
    for (const _ of ['miss', 'hit']) {
      const whole = await stage.ask({ name, edns: { size } });
      assert.deepEqual([whole.octets.length, whole.hasFlag('TC')], [size, false]);
      const cut = await stage.ask({ name, edns: { size: size - 1 } });
      assert.deepEqual([cut.data('A').length, cut.hasFlag('TC')], [39, true]);
    }
  });

  await t.test('is never larger than `bufsize`, whatever the client takes', async () => {
    const name = 'huge.example.org';
    stage.script(name, (query) => addresses(query, list(1800)));
    for (const _ of ['miss', 'hit']) {
      const reply = await stage.ask({ name, edns: { size: 65_000 } });
      assert.ok(reply.octets.length <= 4096);
      assert.ok(reply.octets.length > 4096 - RECORD_SIZE);
      assert.ok(reply.hasFlag('TC'));
    }
    assert.equal((await stage.askTcp({ name })).data('A').length, 1800);
  });

  await t.test('is never larger than 1232 octets where nothing else is configured', async () => {
    const name = 'many.small.test';
    stage.script(name, (query) => addresses(query, list(200)));
    for (const _ of ['miss', 'hit']) {
      const reply = await stage.ask({ name, edns: { size: 4096 } });
      assert.ok(reply.octets.length <= 1232);
      assert.ok(reply.octets.length > 1232 - RECORD_SIZE);
      assert.ok(reply.hasFlag('TC'));
    }
  });

  await t.test('to ANY is no larger than the question, and whole over TCP', async () => {
    const name = 'any.small.test';
    stage.script(name, (query) => ({
      flags: query.decoded.flags,
      answers: list(3).map((data) => ({ type: 'A' as const, name, ttl: 30, data })),
    }));
    for (const _ of ['miss', 'hit']) {
      const reply = await stage.ask({ name, type: 'ANY' });
      assert.equal(reply.octets.length, HEADER_SIZE + encodeName(name).length + 4);
      assert.ok(reply.hasFlag('TC'));
    }
    assert.equal((await stage.askTcp({ name, type: 'ANY' })).data('A').length, 3);
  });
});
