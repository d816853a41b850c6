/**
 * Upstreams that say what makes no sense: the client, whose question was well formed, gets SERVFAIL (or the good answer that
 * follows), never FORMERR, and nothing of it is kept.
 */
import assert from 'node:assert/strict';
import { encodeName, FLAG } from '../support/messages.ts';
import { addresses } from '../support/scripted-replies.ts';
import type { UpstreamQuery } from '../support/scripted-upstream.ts';
import { onEachBackend, type StagePorts } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => `
.:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream} {
    max_connect_attempts 1
    max_fails 0
    read_timeout 1s
  }
}`;

/** Header and question of a response with these counts, then the octets. */
function response({ octets }: UpstreamQuery, counts: readonly number[], rest: readonly number[]) {
  const message = Buffer.concat([octets.subarray(0, -11), Uint8Array.from(rest)]);
  message.writeUInt16BE(FLAG.QR | FLAG.RD | FLAG.RA, 2);
  for (const [index, count] of counts.entries()) message.writeUInt16BE(count, 6 + 2 * index);
  return message;
}

const NOT_MESSAGES: Readonly<Record<string, (query: UpstreamQuery) => Uint8Array>> = {
  'a record that is not there': (query) => response(query, [1, 0, 0], []),
  'half a record': (query) => response(query, [1, 0, 0], [0xc0, 12, 0, 1, 0]),
  'RDATA beyond the end': (query) =>
    response(query, [1, 0, 0], [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1]),
  'a name that points to itself': (query) => {
    const at = query.octets.length - 11;
    return response(query, [1, 0, 0], [0xc0, at, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
  },
  'an address of three octets': (query) =>
    response(query, [1, 0, 0], [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 3, 192, 0, 2]),
  'an MX without a name': (query) =>
    response(query, [1, 0, 0], [0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 9, 0, 2, 0, 1]),
};

/** Each well formed, but not an answer to this question. */
const NOT_ANSWERS: Readonly<Record<string, (query: UpstreamQuery) => Uint8Array>> = {
  'another name': (query) => {
    const message = response(query, [0, 0, 0], []);
    message.write('x', 13, 'latin1');
    return message;
  },
  'another type': (query) => {
    const message = response(query, [0, 0, 0], []);
    message.writeUInt16BE(28, 12 + encodeName(query.question.name).length);
    return message;
  },
  'no question': ({ octets }) =>
    Uint8Array.from([...octets.subarray(0, 2), 0x81, 0x80, 0, 0, 0, 0, 0, 0, 0, 0]),
  'a query': ({ octets }) => octets,
  'eleven octets': ({ octets }) => octets.subarray(0, 11),
};

onEachBackend('an upstream that makes no sense', { corefile: COREFILE }, async (t, stage) => {
  for (const transport of ['udp', 'tcp'] as const) {
    const ask = (name: string) =>
      transport === 'udp' ? stage.ask({ name }) : stage.askTcp({ name });
    for (const [what, reply] of Object.entries({ ...NOT_MESSAGES, ...NOT_ANSWERS })) {
      await t.test(`${what}, over ${transport}: SERVFAIL, which is not kept`, async () => {
        const name = `${what.replaceAll(' ', '-')}.${transport}.test`;
        stage.script(name, reply);
        assert.equal((await ask(name)).rcode, 'SERVFAIL');
        stage.script(name, (query) => addresses(query, '192.0.2.1'));
        assert.deepEqual((await ask(name)).data('A'), ['192.0.2.1']);
      });
    }
  }

  for (const [what, reply] of Object.entries(NOT_ANSWERS)) {
    await t.test(`${what}, and the right answer behind it, over UDP`, async () => {
      const name = `${what.replaceAll(' ', '-')}.spoofed.test`;
      stage.script(name, (query) => [reply(query), addresses(query, '192.0.2.1')]);
      assert.deepEqual((await stage.ask({ name })).data('A'), ['192.0.2.1']);
    });
  }

  await t.test('a wrong id, and the right answer behind it', async () => {
    const name = 'id.spoofed.test';
    stage.script(name, (query) => {
      const wrong = response(query, [0, 0, 0], []);
      wrong.writeUInt16BE(query.decoded.id ^ 1, 0);
      return [wrong, addresses(query, '192.0.2.1')];
    });
    assert.deepEqual((await stage.ask({ name })).data('A'), ['192.0.2.1']);
    assert.deepEqual((await stage.askTcp({ name: 'id.spoofed.test' })).data('A'), ['192.0.2.1']);
  });
});
