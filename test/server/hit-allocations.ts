/**
 * Measures what a hit allocates, for answer.test.ts: prints the bytes a hit, and the same with an object made for each, so that
 * the measurement is seen to work. Run with --expose-gc and a young generation that holds all of it.
 */
import { encodeQuery } from '../support/messages.ts';
import { bytesEach } from './allocation-meter.ts';
import { AnswererFixture, AT, LISTENER } from './answerer-fixture.ts';

const BATCH = 64;
const HITS = 100_032;
const ROUNDS = 10;
const NAME = 'www.cluster.local';

const fixture = new AnswererFixture();
const { answerer, octets, words } = fixture;
fixture.admit({ name: NAME, times: { prefetchAtMs: 0, prefetchHits: 10, prefetchPauseMs: 1000 } });
const query = encodeQuery({ name: NAME, edns: {} });
const kept: object[] = new Array(BATCH).fill({});

function hit(count: number, keep: boolean): void {
  for (let batch = 0; batch < count / BATCH; batch++) {
    answerer.beginBatch(fixture.nowMs);
    for (let index = 0; index < BATCH; index++) {
      octets.set(query, AT);
      const size = answerer.answer(octets, words, AT, query.length, LISTENER);
      if (size <= 0) throw new Error('not a hit');
      if (keep) kept[index] = { size };
    }
    answerer.endBatch(10);
  }
}

function bytesPerHit(keep: boolean): number {
  return bytesEach({ count: HITS, rounds: ROUNDS, warmUp: 10, run: (count) => hit(count, keep) });
}

process.stdout.write(
  JSON.stringify({ perHit: bytesPerHit(false), perHitWithObject: bytesPerHit(true) }),
);
