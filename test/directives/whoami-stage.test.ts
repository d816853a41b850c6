/** `whoami`: the client's own address, port and transport. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WhoamiStage } from '../../src/directives/whoami-stage.ts';
import { nameToText } from '../../src/wire/name.ts';
import { questionFrom, StagePlay } from './stage-play.ts';

test('an IPv4 client over UDP', async () => {
  assert.deepEqual(await new StagePlay(new WhoamiStage()).ask('www.example.org TXT'), [
    'additional www.example.org 0 A 192.0.2.99',
    'additional _udp.www.example.org 0 SRV 0 0 4711 .',
  ]);
});

test('an IPv6 client over TCP, for the root', async () => {
  const play = new StagePlay(new WhoamiStage());
  assert.deepEqual(await play.ask('. A', { client: '2001:db8::1', transport: 'tcp' }), [
    'additional . 0 AAAA 2001:db8::1',
    'additional _tcp 0 SRV 0 0 4711 .',
  ]);
});

test('a name with no room for a label has its address only', async () => {
  const long = `${`${'a'.repeat(49)}.`.repeat(5)}aa`;
  assert.equal(nameToText(questionFrom(long).qname).length, 253);
  const lines = await new StagePlay(new WhoamiStage()).ask(`${long} A`);
  assert.deepEqual(lines, [`additional ${long} 0 A 192.0.2.99`]);
});

test('a refresh is nobody', async () => {
  const lines = await new StagePlay(new WhoamiStage()).ask('a.example A', { client: undefined });
  assert.deepEqual(lines, ['SERVFAIL: nothing behind for a.example. A']);
});
