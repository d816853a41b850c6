/**
 * `serve_stale ... FAILURE_RECHECK` (RFC 8767 §5; CoreDNS 1.14.7, TestServeStaleFailureRecheck...): after a refresh that failed the
 * expired answer leaves without asking, for so long; a refresh that succeeds holds nothing back.
 */
import { test } from 'node:test';
import { addresses } from '../support/scripted-replies.ts';
import { dead, fresh, gone, NEW, OLD, old, servfail } from './clocked-scripts.ts';
import { keepTimetable, type Script } from './clocked-stage.ts';

const truncated: Script = (query) => ({ ...addresses(query, NEW, 60), flags: 0x280 });

const MODES = [
  ['immediate', 'serve_stale 1h immediate 0 30s'],
  ['verify', 'serve_stale 1h verify 0 0 30s'],
] as const;

for (const [mode, settings] of MODES) {
  const cache = `cache {\nsuccess 1024 3600 1\ndenial 1024 3600 1\n${settings}\n}`;

  for (const [what, failure] of [
    ['SERVFAIL', servfail],
    ['silence', dead],
    ['a truncated answer', truncated],
  ] as const) {
    test(`${mode}: ${what} is followed by 30 s without a question`, () =>
      keepTimetable(cache, [
        { at: 0, upstream: old(1), gets: ['NOERROR', OLD, 1], asked: 1 },
        { at: 2, upstream: failure, gets: ['NOERROR', OLD, 0], asked: 2 },
        { at: 4, gets: ['NOERROR', OLD, 0], asked: 2 },
        { at: 31, gets: ['NOERROR', OLD, 0], asked: 2 },
        { at: 33, gets: ['NOERROR', OLD, 0], asked: 3 },
        { at: 50, gets: ['NOERROR', OLD, 0], asked: 3 },
      ]));
  }

  test(`${mode}: a denial is held as an answer is`, () =>
    keepTimetable(cache, [
      { at: 0, upstream: gone(1), gets: ['NXDOMAIN', [], 1], asked: 1 },
      { at: 2, upstream: servfail, gets: ['NXDOMAIN', [], 0], asked: 2 },
      { at: 5, gets: ['NXDOMAIN', [], 0], asked: 2 },
      { at: 33, gets: ['NXDOMAIN', [], 0], asked: 3 },
    ]));
}

test('immediate: a refresh that succeeds holds the next one back by nothing', () =>
  keepTimetable('cache {\nsuccess 1024 3600 1\nserve_stale 1h immediate 0 30s\n}', [
    { at: 0, upstream: old(2), gets: ['NOERROR', OLD, 2], asked: 1 },
    { at: 3, upstream: fresh(2), gets: ['NOERROR', OLD, 0], asked: 2 },
    { at: 4, upstream: old(2), gets: ['NOERROR', NEW, 1], asked: 2 },
    { at: 6, gets: ['NOERROR', NEW, 0], asked: 3 },
    { at: 7, gets: ['NOERROR', OLD, 1], asked: 3 },
  ]));

test('verify: a success after a failure ends the hold', () =>
  keepTimetable('cache {\nsuccess 1024 3600 1\nserve_stale 1h verify 0 0 30s\n}', [
    { at: 0, upstream: old(1), gets: ['NOERROR', OLD, 1], asked: 1 },
    { at: 2, upstream: servfail, gets: ['NOERROR', OLD, 0], asked: 2 },
    { at: 32, upstream: fresh(1), gets: ['NOERROR', NEW, 1], asked: 3 },
    { at: 34, gets: ['NOERROR', NEW, 1], asked: 4 },
  ]));

test('without it each question of verify is asked', () =>
  keepTimetable('cache {\nsuccess 1024 3600 1\nserve_stale 1h verify\n}', [
    { at: 0, upstream: old(1), gets: ['NOERROR', OLD, 1], asked: 1 },
    { at: 2, upstream: servfail, gets: ['NOERROR', OLD, 0], asked: 2 },
    { at: 2, gets: ['NOERROR', OLD, 0], asked: 3 },
  ]));
