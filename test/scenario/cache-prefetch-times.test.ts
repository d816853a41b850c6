/**
 * `prefetch` through the seconds (CoreDNS plugin/cache: TestPrefetch): at which remaining TTL an entry that is asked for is asked anew,
 * when hits count, and that the query is the one of the entry.
 */
import { test } from 'node:test';
import { addresses } from '../support/scripted-replies.ts';
import { keepTimetable, type Moment, type Script } from './clocked-stage.ts';

/** Each answer of the upstream has another last octet, so that one sees which it is. */
function counting(ttl: number): Script {
  let count = 0;
  return (query) => {
    count += 1;
    return addresses(query, `192.0.2.${count}`, ttl);
  };
}

const nth = (count: number): readonly string[] => [`192.0.2.${count}`];

const CASES: readonly [what: string, settings: string, moments: readonly Moment[]][] = [
  [
    'a TTL of 80: from 8 s before its end on',
    'prefetch 1',
    [
      { at: 0, upstream: counting(80), gets: ['NOERROR', nth(1), 80], asked: 1 },
      { at: 71, gets: ['NOERROR', nth(1), 9], asked: 1 },
      { at: 73, gets: ['NOERROR', nth(1), 7], asked: 2 },
      { at: 80, gets: ['NOERROR', nth(2), 73], asked: 2 },
    ],
  ],
  [
    'a TTL of 5: in its last second',
    'prefetch 1',
    [
      { at: 0, upstream: counting(5), gets: ['NOERROR', nth(1), 5], asked: 1 },
      { at: 1, gets: ['NOERROR', nth(1), 4], asked: 1 },
      { at: 4, gets: ['NOERROR', nth(1), 1], asked: 2 },
      { at: 5, gets: ['NOERROR', nth(2), 4], asked: 2 },
    ],
  ],
  [
    'off: at its end and not before',
    'prefetch 0',
    [
      { at: 0, upstream: counting(30), gets: ['NOERROR', nth(1), 30], asked: 1 },
      { at: 15, gets: ['NOERROR', nth(1), 15], asked: 1 },
      { at: 29, gets: ['NOERROR', nth(1), 1], asked: 1 },
      { at: 30, gets: ['NOERROR', nth(2), 30], asked: 2 },
    ],
  ],
  ...(['D', 'C'] as const).map((as): [string, string, readonly Moment[]] => [
    `asked with ${as === 'D' ? 'DO' : 'CD'}: for that entry alone`,
    'prefetch 1',
    [
      { at: 0, as, upstream: counting(80), gets: ['NOERROR', nth(1), 80], asked: 1 },
      { at: 73, as, gets: ['NOERROR', nth(1), 7], asked: 2 },
      { at: 80, as, gets: ['NOERROR', nth(2), 73], asked: 2 },
      { at: 80, gets: ['NOERROR', nth(3), 80], asked: 3 },
    ],
  ]),
  [
    'a percentage of 50',
    'prefetch 1 1m 50%',
    [
      { at: 0, upstream: counting(60), gets: ['NOERROR', nth(1), 60], asked: 1 },
      { at: 29, gets: ['NOERROR', nth(1), 31], asked: 1 },
      { at: 30, gets: ['NOERROR', nth(1), 30], asked: 2 },
      { at: 31, gets: ['NOERROR', nth(2), 59], asked: 2 },
    ],
  ],
  [
    'three hits needed, and a pause longer than 10 s starts the count again',
    'prefetch 3 10s 90%',
    [
      { at: 0, upstream: counting(100), gets: ['NOERROR', nth(1), 100], asked: 1 },
      { at: 20, gets: ['NOERROR', nth(1), 80], asked: 1 },
      { at: 25, gets: ['NOERROR', nth(1), 75], asked: 1 },
      { at: 36, gets: ['NOERROR', nth(1), 64], asked: 1 },
      { at: 46, gets: ['NOERROR', nth(1), 54], asked: 1 },
      { at: 56, gets: ['NOERROR', nth(1), 44], asked: 2 },
      { at: 57, gets: ['NOERROR', nth(2), 99], asked: 2 },
    ],
  ],
  [
    'the hits before a refresh count after it',
    'prefetch 2 1m 10%',
    [
      { at: 0, upstream: counting(10), gets: ['NOERROR', nth(1), 10], asked: 1 },
      { at: 8, gets: ['NOERROR', nth(1), 2], asked: 1 },
      { at: 9, gets: ['NOERROR', nth(1), 1], asked: 2 },
      { at: 18, gets: ['NOERROR', nth(2), 1], asked: 3 },
      { at: 19, gets: ['NOERROR', nth(3), 9], asked: 3 },
    ],
  ],
];

for (const [what, settings, moments] of CASES) {
  test(what, () => keepTimetable(`cache {\n${settings}\n}`, moments));
}
