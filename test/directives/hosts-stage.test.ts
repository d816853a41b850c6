/** `hosts`: names and addresses out of a file and the Corefile. */
import assert from 'node:assert/strict';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { createLog } from '../../src/base/log.ts';
import { HostsStage } from '../../src/directives/hosts-stage.ts';
import { FILE_SIZE_MAX } from '../../src/directives/polled-file.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { configOf, failureOf } from './server-block.ts';
import { StagePlay } from './stage-play.ts';

const FILE = `
# comment
192.0.2.1   www.example.org Alias.example.org   # behind
192.0.2.2   www.example.org
2001:db8::1 www.example.org
fe80::1%eth0 link.example.org
192.0.2.7   *.wild.example.org
192.0.2.8   own.wild.example.org
2001:db8::8 six.wild.example.org
nonsense    www.example.org
192.0.2.9
192.0.2.10  bad..name elsewhere.example.net
`;

interface Setting {
  readonly play: StagePlay;
  readonly path: string;
  readonly lines: string[];
  readonly loads: number[];
}

function set(t: TestContext, options = '', zones = 'example.org'): Setting {
  const path = join(temporaryDirectory(t), 'hosts');
  writeFileSync(path, FILE);
  const lines: string[] = [];
  const loads: number[] = [];
  const stage = new HostsStage(configOf(`hosts ${path} ${zones} {\n${options}\n}`).hosts!, {
    log: createLog((line) => lines.push(line)),
    onLoad: (entryCount) => loads.push(entryCount),
  });
  t.after(() => stage.close());
  const behind = { 'other.example.org. A': { records: ['other.example.org 5 A 192.0.2.99'] } };
  return { play: new StagePlay(stage, behind), path, lines, loads };
}

suite('hosts', () => {
  test('A, AAAA and PTR', async (t) => {
    const { play, loads } = set(t);
    assert.deepEqual(await play.ask('WWW.example.org A'), [
      'www.example.org 3600 A 192.0.2.1',
      'www.example.org 3600 A 192.0.2.2',
    ]);
    assert.deepEqual(await play.ask('www.example.org AAAA'), [
      'www.example.org 3600 AAAA 2001:db8::1',
    ]);
    assert.deepEqual(await play.ask('1.2.0.192.in-addr.arpa PTR'), [
      '1.2.0.192.in-addr.arpa 3600 PTR www.example.org',
      '1.2.0.192.in-addr.arpa 3600 PTR alias.example.org',
    ]);
    const nibbles = `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`;
    assert.deepEqual(await play.ask(`${nibbles} PTR`), [`${nibbles} 3600 PTR www.example.org`]);
    // Four names with IPv4 addresses and three with IPv6, two wildcards' worth without PTR.
    assert.deepEqual(loads, [15]);
  });

  test('the zone of an address is left out', async (t) => {
    const { play } = set(t);
    assert.deepEqual(await play.ask('link.example.org AAAA'), [
      'link.example.org 3600 AAAA fe80::1',
    ]);
  });

  test('a wildcard stands for one label, what is written out wins', async (t) => {
    const { play } = set(t);
    const answer = async (name: string) => (await play.ask(`${name} A`))[0];
    assert.equal(await answer('x.wild.example.org'), 'x.wild.example.org 3600 A 192.0.2.7');
    assert.equal(await answer('own.wild.example.org'), 'own.wild.example.org 3600 A 192.0.2.8');
    assert.equal(await answer('six.wild.example.org'), 'six.wild.example.org 3600 A 192.0.2.7');
    assert.match((await answer('wild.example.org'))!, /^SERVFAIL/);
    assert.match((await answer('y.x.wild.example.org'))!, /^SERVFAIL/);
  });

  test('lines of the Corefile come after those of the file', async (t) => {
    const { play } = set(t, '192.0.2.50 www.example.org new.example.org\nttl 7');
    assert.deepEqual((await play.ask('www.example.org A'))[2], 'www.example.org 7 A 192.0.2.50');
    assert.deepEqual(await play.ask('new.example.org A'), ['new.example.org 7 A 192.0.2.50']);
  });

  test('no_reverse answers no PTR', async (t) => {
    const { play } = set(t, 'no_reverse');
    const lines = await play.ask('1.2.0.192.in-addr.arpa PTR');
    assert.deepEqual(play.asked, ['1.2.0.192.in-addr.arpa. PTR']);
    assert.match(lines[0]!, /^SERVFAIL: nothing behind/);
  });

  test('other names: SERVFAIL without a word, or on to the next with fallthrough', async (t) => {
    assert.deepEqual(await set(t).play.ask('other.example.org A'), ['SERVFAIL: undefined']);
    const { play } = set(t, 'fallthrough');
    assert.deepEqual(await play.ask('other.example.org A'), ['other.example.org 5 A 192.0.2.99']);
    const { play: some } = set(t, 'fallthrough sub.example.org');
    assert.deepEqual(await some.ask('other.example.org A'), ['SERVFAIL: undefined']);
    assert.match((await some.ask('x.sub.example.org A'))[0]!, /nothing behind/);
  });

  test('names outside the zones always go on', async (t) => {
    const { play } = set(t);
    await play.ask('elsewhere.example.net A');
    assert.deepEqual(play.asked, ['elsewhere.example.net. A']);
  });

  test('other types of a name that is here: empty, or on with fallthrough_unsupported', async (t) => {
    assert.deepEqual(await set(t, 'fallthrough').play.ask('www.example.org TXT'), []);
    const { play } = set(t, 'fallthrough\nfallthrough_unsupported');
    await play.ask('www.example.org TXT');
    assert.deepEqual(play.asked, ['www.example.org. TXT']);
    // An address of the other family is no other type.
    assert.deepEqual(await play.ask('alias.example.org AAAA'), []);
  });

  test('the file is looked at again, and what it said stays while it cannot be read', async (t) => {
    const { play, path, lines, loads } = set(t, 'reload 10ms');
    writeFileSync(path, '192.0.2.60 www.example.org\n');
    await until('the new file', () => loads.length === 2);
    assert.deepEqual(await play.ask('www.example.org A'), ['www.example.org 3600 A 192.0.2.60']);
    rmSync(path);
    await until('a line', () => lines.length === 1);
    assert.deepEqual(await play.ask('www.example.org A'), ['www.example.org 3600 A 192.0.2.60']);
    writeFileSync(path, '');
    truncateSync(path, FILE_SIZE_MAX + 1);
    await until('another line', () => lines.length === 2);
    assert.deepEqual(lines, [
      `[WARNING] hosts file ${path}: no such file\n`,
      `[WARNING] hosts file ${path}: ${FILE_SIZE_MAX + 1} octets, where ${FILE_SIZE_MAX} are the most\n`,
    ]);
    assert.deepEqual(await play.ask('www.example.org A'), ['www.example.org 3600 A 192.0.2.60']);
  });

  test('more addresses than a message holds are an error', async (t) => {
    const { play, path, loads } = set(t, 'reload 10ms', '.');
    const many = Array.from({ length: 2500 }, (_, at) => `2001:db8::${at.toString(16)} m.example`);
    writeFileSync(path, many.join('\n'));
    await until('the new file', () => loads.length === 2);
    assert.deepEqual(await play.ask('m.example AAAA'), [
      'SERVFAIL: 2500 records do not fit into a message',
    ]);
  });
});

test('what the Corefile may not say', () => {
  assert.match(failureOf('hosts {\nfallthrough\n192.0.2.1 a.example\n}'), /unknown option/);
  assert.match(failureOf('hosts {\nfallthrough_unsupported\n}'), /expected fallthrough beside it/);
  assert.match(failureOf('hosts\nhosts'), /expected once/);
});
