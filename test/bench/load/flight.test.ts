/**
 * The table of queries in flight, examples and a naive model.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Flight, SLOT } from '../../../bench/load/flight.ts';
import { seededRandom } from '../../../bench/load/random.ts';

const TIMEOUT = 1000;

function flightOf(channels: number): Flight {
  return new Flight(channels, seededRandom(1));
}

test('a query is answered once; then its replies are duplicates', () => {
  const flight = flightOf(2);
  const id = flight.open(1, 42, 7);
  assert.deepEqual([flight.outstanding, flight.outstandingOn(1)], [1, 1]);
  assert.deepEqual([flight.questionOf(1, id), flight.dueAtOf(1, id)], [42, 7]);
  assert.equal(flight.settle(1, id), SLOT.OUTSTANDING);
  assert.equal(flight.settle(1, id), SLOT.ANSWERED);
  assert.deepEqual([flight.outstanding, flight.outstandingOn(1)], [0, 0]);
});

test('an id of another channel, or one that was never sent, is unused', () => {
  const flight = flightOf(2);
  const id = flight.open(0, 1, 0);
  assert.equal(flight.settle(1, id), SLOT.UNUSED);
  assert.equal(flight.settle(0, (id + 1) & 0xffff), SLOT.UNUSED);
  assert.equal(flight.outstanding, 1);
});

test('what is due for the time-out is lost, and a later reply is late', () => {
  const flight = flightOf(1);
  const first = flight.open(0, 1, 0);
  flight.open(0, 2, 1);
  assert.equal(flight.expire(0, TIMEOUT - 1, TIMEOUT), 0);
  assert.equal(flight.expire(0, TIMEOUT, TIMEOUT), 1);
  assert.equal(flight.outstanding, 1);
  assert.equal(flight.settle(0, first), SLOT.LOST);
  assert.equal(flight.outstanding, 1);
});

test('times may wrap', () => {
  const flight = flightOf(1);
  flight.open(0, 1, 0x7fff_ffff);
  assert.equal(flight.expire(0, (0x7fff_ffff + TIMEOUT - 1) | 0, TIMEOUT), 0);
  assert.equal(flight.expire(0, (0x7fff_ffff + TIMEOUT) | 0, TIMEOUT), 1);
});

test('ids run out at 65,536 in flight and come back with the oldest', () => {
  const flight = flightOf(1);
  const ids = new Set<number>();
  for (let query = 0; query < 0x1_0000; query++) ids.add(flight.open(0, query, query));
  assert.equal(ids.size, 0x1_0000);
  assert.equal(flight.open(0, 0, 0), -1);
  flight.expire(0, TIMEOUT, TIMEOUT);
  assert.notEqual(flight.open(0, 0, TIMEOUT), -1);
});

test('it counts as a map of queries does, whatever the order of replies and time-outs', () => {
  const step = fc.oneof(
    fc.record({ open: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ answer: fc.nat({ max: 20 }) }),
    fc.record({ passMs: fc.nat({ max: 600 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const flight = flightOf(3);
      const model: { channel: number; id: number; dueAt: number }[] = [];
      let now = 0;
      for (const action of steps) {
        if ('open' in action) {
          const id = flight.open(action.open, 0, now);
          model.push({ channel: action.open, id, dueAt: now });
        } else if ('answer' in action) {
          const [query] = model.splice(action.answer, 1);
          if (query) assert.equal(flight.settle(query.channel, query.id), SLOT.OUTSTANDING);
        } else {
          now += action.passMs;
          const kept = model.filter(({ dueAt }) => now - dueAt < TIMEOUT);
          const lost = [0, 1, 2].map((channel) => flight.expire(channel, now, TIMEOUT));
          assert.equal(lost[0]! + lost[1]! + lost[2]!, model.length - kept.length);
          model.splice(0, model.length, ...kept);
        }
        assert.equal(flight.outstanding, model.length);
      }
    }),
  );
});
