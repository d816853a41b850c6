/**
 * Measures what a hit allocates, for answer.test.ts: prints the bytes a hit, the same for batches that are read as a whole, and with
 * an object made for each, so that the measurement is seen to work. Run with --expose-gc and a young generation that holds all of it.
 */
import { encodeQuery } from '../support/messages.ts';
import { bytesEach } from './allocation-meter.ts';
import { AnswererFixture, AT, LISTENER } from './answerer-fixture.ts';

const BATCH = 64;
const HITS = 100_032;
const ROUNDS = 10;
const PLACE_SIZE = 128;
const NAME = 'www.cluster.local';

const fixture = new AnswererFixture();
const { answerer, octets, words } = fixture;
fixture.admit({ name: NAME, times: { prefetchAtMs: 0, prefetchHits: 10, prefetchPauseMs: 1000 } });
const query = encodeQuery({ name: NAME, edns: {} });
/** For batches that are read as a whole. */
const all = new Uint8Array(BATCH * PLACE_SIZE);
const allWords = new Int32Array(all.buffer);
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

function hitWhole(count: number): void {
  const { length } = query;
  for (let batch = 0; batch < count / BATCH; batch++) {
    answerer.beginBatch(fixture.nowMs);
    for (let place = 0; place < BATCH; place++) {
      all.set(query, place * PLACE_SIZE);
      answerer.read(place, all, allWords, place * PLACE_SIZE, length, LISTENER);
    }
    answerer.lookAhead(BATCH);
    for (let place = 0; place < BATCH; place++) {
      if (answerer.reply(place, all) <= 0) throw new Error('not a hit');
    }
    answerer.endBatch(10);
  }
}

function bytesPerHit(run: (count: number) => void): number {
  return bytesEach({ count: HITS, rounds: ROUNDS, warmUp: 10, run });
}

process.stdout.write(
  JSON.stringify({
    perHit: bytesPerHit((count) => hit(count, false)),
    perHitOfWhole: bytesPerHit(hitWhole),
    perHitWithObject: bytesPerHit((count) => hit(count, true)),
  }),
);
