/**
 * `serve_stale` through the hours (RFC 8767; CoreDNS plugin/cache: TestServeFromStaleCache and its kin): how long an expired answer
 * is served, with which TTL, and what takes its place.
 */
import { test } from 'node:test';
import { addresses } from '../support/scripted-replies.ts';
import { dead, fresh, gone, NEW, NOTHING, OLD, old, servfail } from './clocked-scripts.ts';
import { keepTimetable, type Script } from './clocked-stage.ts';

test('immediate: for the hour behind the expiry, and not beyond', () =>
  keepTimetable('cache {\nserve_stale 1h\n}', [
    { at: 0, upstream: old(60), gets: ['NOERROR', OLD, 60], asked: 1 },
    { at: 59, upstream: dead, gets: ['NOERROR', OLD, 1], asked: 1 },
    { at: 60, gets: ['NOERROR', OLD, 0], asked: 2 },
    { at: 1800, gets: ['NOERROR', OLD, 0], asked: 3 },
    { at: 3600, gets: ['NOERROR', OLD, 0], asked: 4 },
    { at: 3659, gets: ['NOERROR', OLD, 0], asked: 5 },
    { at: 3660, gets: NOTHING, asked: 6 },
    { at: 4200, upstream: old(60), gets: ['NOERROR', OLD, 60], asked: 7 },
  ]));

test('without it: to the second of the expiry', () =>
  keepTimetable('cache', [
    { at: 0, upstream: old(60), gets: ['NOERROR', OLD, 60], asked: 1 },
    { at: 59, upstream: dead, gets: ['NOERROR', OLD, 1], asked: 1 },
    { at: 60, gets: NOTHING, asked: 2 },
  ]));

test('verify: fresh, renewed, stood in for, denied', () =>
  keepTimetable('cache {\nserve_stale 1h verify\n}', [
    { at: 0, upstream: old(120), gets: ['NOERROR', OLD, 120], asked: 1 },
    { at: 60, upstream: fresh(200), gets: ['NOERROR', OLD, 60], asked: 1 },
    { at: 180, gets: ['NOERROR', NEW, 200], asked: 2 },
    { at: 420, upstream: servfail, gets: ['NOERROR', NEW, 0], asked: 3 },
    { at: 430, upstream: dead, gets: ['NOERROR', NEW, 0], asked: 4 },
    { at: 480, upstream: gone(150), gets: ['NXDOMAIN', [], 150], asked: 5 },
    { at: 600, upstream: dead, gets: ['NXDOMAIN', [], 30], asked: 5 },
    { at: 700, gets: ['NXDOMAIN', [], 0], asked: 6 },
  ]));

test('verify: what is truncated, or signed for another time, takes nobody’s place', async () => {
  const truncated: Script = (query) => ({ ...addresses(query, NEW, 60), flags: 0x280 });
  await keepTimetable('cache {\nserve_stale 1h verify\n}', [
    { at: 0, upstream: old(60), gets: ['NOERROR', OLD, 60], asked: 1 },
    { at: 90, upstream: truncated, gets: ['NOERROR', OLD, 0], asked: 2 },
    { at: 95, upstream: fresh(60), gets: ['NOERROR', NEW, 60], asked: 3 },
  ]);
});

for (const [settings, at, ttl] of [
  ['serve_stale 1h immediate', 120, 0],
  ['serve_stale 1h immediate 30s', 120, 30],
  ['serve_stale 1h immediate 30s', 60, 30],
  ['serve_stale 1h verify 0 45s', 120, 45],
  ['serve_stale 1h immediate 17s\nkeepttl', 120, 17],
  ['serve_stale 1h immediate 30s', 10, 50],
] as const) {
  test(`the TTL with "${settings.replace('\n', '; ')}" at ${at} s of 60 is ${ttl}`, () =>
    keepTimetable(`cache {\n${settings}\n}`, [
      { at: 0, upstream: old(60), gets: ['NOERROR', OLD, 60], asked: 1 },
      { at, upstream: servfail, gets: ['NOERROR', OLD, ttl], asked: at < 60 ? 1 : 2 },
    ]));
}

test('a denial is served stale as an answer is, and gives way to an answer', () =>
  keepTimetable('cache {\nserve_stale 10m immediate 25s\n}', [
    { at: 0, upstream: gone(60), gets: ['NXDOMAIN', [], 60], asked: 1 },
    { at: 30, upstream: dead, gets: ['NXDOMAIN', [], 30], asked: 1 },
    { at: 300, upstream: fresh(303), gets: ['NXDOMAIN', [], 25], asked: 2 },
    { at: 301, upstream: dead, gets: ['NOERROR', NEW, 302], asked: 2 },
  ]));

test('a failure is no data: it is never served stale', () =>
  keepTimetable('cache {\nserve_stale 1h\nservfail 5s\n}', [
    { at: 0, upstream: servfail, gets: NOTHING, asked: 1 },
    { at: 4, upstream: fresh(60), gets: NOTHING, asked: 1 },
    { at: 5, gets: ['NOERROR', NEW, 60], asked: 2 },
  ]));

test('a SERVFAIL hides no answer that may still be served, fresh or stale', () =>
  keepTimetable('cache {\nserve_stale 1h\nprefetch 1 1m 50%\n}', [
    { at: 0, upstream: old(120), gets: ['NOERROR', OLD, 120], asked: 1 },
    // The refresh of the prefetch fails.
    { at: 90, upstream: servfail, gets: ['NOERROR', OLD, 30], asked: 2 },
    { at: 91, gets: ['NOERROR', OLD, 29], asked: 3 },
    { at: 130, gets: ['NOERROR', OLD, 0], asked: 4 },
  ]));
