/**
 * How long an answer lives and which TTL it shows through that time (CoreDNS plugin/cache: TestComputeTTL, TestCacheKeepTTL,
 * TestCacheZeroTTL, TestCacheServfailTTL0; dnsutil.MinimalTTL): the last second in which it is there, and the first in which it is not.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from 'dns-packet';
import { addresses } from '../support/scripted-replies.ts';
import { dead, empty, gone, NOTHING, OLD, old, servfail } from './clocked-scripts.ts';
import { ClockedStage, keepTimetable, type Moment, type Script } from './clocked-stage.ts';

type Result = Moment['gets'];

interface Case {
  readonly what: string;
  /** Lines of the block of `cache`. */
  readonly settings?: string;
  readonly upstream: Script;
  /** Seconds; 0: not kept. */
  readonly lives: number;
  readonly shows: (ttl: number) => Result;
}

const answer = (ttl: number): Result => ['NOERROR', OLD, ttl];
const denial = (ttl: number): Result => ['NXDOMAIN', [], ttl];
const nodata = (ttl: number): Result => ['NOERROR', [], ttl];

/** An address of 300 s beside a record of 20 s in another section. */
function mixed(section: 'authorities' | 'additionals'): Script {
  const short: Answer = { type: 'NS', name: 'example.org', ttl: 20, data: 'ns.example.org' };
  return (query) => ({ ...addresses(query, OLD, 300), [section]: [short] });
}

const CASES: readonly Case[] = [
  { what: 'an answer', upstream: old(1800), lives: 1800, shows: answer },
  { what: 'the longest', upstream: old(3601), lives: 3600, shows: answer },
  { what: 'the shortest', upstream: old(1), lives: 5, shows: answer },
  { what: 'a TTL of 0', upstream: old(0), lives: 5, shows: answer },
  {
    what: 'a least TTL above it',
    settings: 'success 1024 3600 300',
    upstream: old(299),
    lives: 300,
    shows: answer,
  },
  {
    what: 'a least TTL of 0',
    settings: 'success 1024 3600 0',
    upstream: old(299),
    lives: 299,
    shows: answer,
  },
  {
    what: 'a TTL of two hours where the Corefile allows it',
    settings: 'success 1024 7200',
    upstream: old(86_400),
    lives: 7200,
    shows: answer,
  },
  { what: 'the least of authority', upstream: mixed('authorities'), lives: 20, shows: answer },
  { what: 'the least of additional', upstream: mixed('additionals'), lives: 20, shows: answer },
  { what: 'NXDOMAIN: its SOA', upstream: gone(60), lives: 60, shows: denial },
  { what: 'NODATA: its SOA', upstream: empty(60), lives: 60, shows: nodata },
  { what: 'the longest denial', upstream: gone(86_400), lives: 1800, shows: denial },
  {
    what: 'the stock manifest’s denial',
    settings: 'success 9984 30\ndenial 9984 5',
    upstream: gone(30),
    lives: 5,
    shows: denial,
  },
  {
    what: 'the stock manifest’s answer',
    settings: 'success 9984 30\ndenial 9984 5',
    upstream: old(300),
    lives: 30,
    shows: answer,
  },
  { what: 'SERVFAIL', upstream: servfail, lives: 5, shows: () => NOTHING },
  {
    what: 'SERVFAIL for a minute',
    settings: 'servfail 1m',
    upstream: servfail,
    lives: 60,
    shows: () => NOTHING,
  },
  { what: 'keepttl', settings: 'keepttl', upstream: old(60), lives: 60, shows: () => answer(60) },
];

for (const { what, settings = '', upstream, lives, shows } of CASES) {
  test(`${what}: ${lives} s`, () =>
    keepTimetable(`cache {\n${settings}\n}`, [
      { at: 0, upstream, gets: shows(lives), asked: 1 },
      { at: 1, upstream: dead, gets: shows(lives - 1), asked: 1 },
      { at: lives - 1, gets: shows(1), asked: 1 },
      { at: lives, gets: NOTHING, asked: 2 },
    ]));
}

test('a TTL counts down by whole seconds that have passed, not by seconds begun', async () => {
  const stage = new ClockedStage('cache');
  const ttl = async () => {
    const [record] = (await stage.ask({ name: 'a.test' })).decoded.answers;
    return record && 'ttl' in record ? record.ttl : undefined;
  };
  stage.script('a.test', old(30));
  assert.equal(await ttl(), 30);
  stage.passes(0.999);
  assert.equal(await ttl(), 30);
  stage.passes(0.001);
  assert.equal(await ttl(), 29);
  stage.passes(28.999);
  assert.equal(await ttl(), 1);
  assert.equal(stage.asked('a.test'), 1);
  stage.passes(0.001);
  assert.equal(await ttl(), 30);
  assert.equal(stage.asked('a.test'), 2);
});
