/**
 * `serve_stale_policy prefer_positive` (CoreDNS 1.14.7): while an answer may still be served, nothing but an answer takes its place:
 * no denial, no failure, no referral, no alias without its end.
 */
import { test } from 'node:test';
import type { Answer } from 'dns-packet';
import { addresses, bare } from '../support/scripted-replies.ts';
import { empty, fresh, gone, NEW, OLD, old, servfail } from './clocked-scripts.ts';
import { keepTimetable, type Script } from './clocked-stage.ts';

const IMMEDIATE = 'cache {\nserve_stale 1h\nserve_stale_policy prefer_positive\n}';
const VERIFY = 'cache {\nserve_stale 1h verify\nserve_stale_policy prefer_positive\n}';

const ns: Answer = { type: 'NS', name: 'example.org', ttl: 60, data: 'ns.example.org' };
const glue: Answer = { type: 'A', name: 'ns.example.org', ttl: 60, data: '192.0.2.53' };
const alias: Script = ({ question }) => ({
  flags: 0x80,
  answers: [{ type: 'CNAME', name: question.name, ttl: 60, data: 'elsewhere.example' }],
});

const NO_ANSWERS: readonly [what: string, script: Script][] = [
  ['NXDOMAIN', gone(300)],
  ['NODATA', empty(300)],
  ['SERVFAIL', servfail],
  ['NOTIMP', (query) => bare(query, 4)],
  ['nothing at all', (query) => bare(query, 0)],
  ['a referral', () => ({ flags: 0x80, authorities: [ns] })],
  ['a referral with glue', () => ({ flags: 0x80, authorities: [ns], additionals: [glue] })],
  ['additional records alone', () => ({ flags: 0x80, additionals: [glue] })],
  ['an alias without its end', alias],
  ['a truncated answer', (query) => ({ ...addresses(query, NEW, 60), flags: 0x280 })],
];

for (const [what, script] of NO_ANSWERS) {
  test(`${what} leaves the answer where it is`, async () => {
    for (const cache of [IMMEDIATE, VERIFY]) {
      await keepTimetable(cache, [
        { at: 0, upstream: old(60), gets: ['NOERROR', OLD, 60], asked: 1 },
        { at: 120, upstream: script, gets: ['NOERROR', OLD, 0], asked: 2 },
        { at: 130, gets: ['NOERROR', OLD, 0], asked: 3 },
        {
          at: 3600,
          upstream: fresh(60),
          gets: ['NOERROR', cache === VERIFY ? NEW : OLD, cache === VERIFY ? 60 : 0],
          asked: 4,
        },
        { at: 3601, gets: ['NOERROR', NEW, 59], asked: 4 },
      ]);
    }
  });
}

test('beyond its time the denial is told', () =>
  keepTimetable(VERIFY, [
    { at: 0, upstream: old(60), gets: ['NOERROR', OLD, 60], asked: 1 },
    { at: 3659, upstream: gone(300), gets: ['NOERROR', OLD, 0], asked: 2 },
    { at: 3660, gets: ['NXDOMAIN', [], 300], asked: 3 },
  ]));

test('a denial gives way to an answer, and to another denial', () =>
  keepTimetable(VERIFY, [
    { at: 0, upstream: gone(60), gets: ['NXDOMAIN', [], 60], asked: 1 },
    { at: 120, upstream: empty(60), gets: ['NOERROR', [], 60], asked: 2 },
    { at: 240, upstream: fresh(60), gets: ['NOERROR', NEW, 60], asked: 3 },
  ]));

test('an alias without its end is no answer to hold on to', () =>
  keepTimetable(VERIFY, [
    { at: 0, upstream: alias, gets: ['NOERROR', [], 60], asked: 1 },
    { at: 120, upstream: gone(60), gets: ['NXDOMAIN', [], 60], asked: 2 },
  ]));

test('without it a denial takes the place of an expired answer', () =>
  keepTimetable('cache {\nserve_stale 1h verify\n}', [
    { at: 0, upstream: old(60), gets: ['NOERROR', OLD, 60], asked: 1 },
    { at: 120, upstream: gone(300), gets: ['NXDOMAIN', [], 300], asked: 2 },
    { at: 121, gets: ['NXDOMAIN', [], 299], asked: 2 },
  ]));
