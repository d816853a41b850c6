import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QueryLimit } from '../../src/upstream/query-limit.ts';

/** A connection dialled at `dialledAtMs` and closed right after its last reply. */
function closed(answered: number, dialledAtMs: number, unanswered = 0) {
  return { answered, unanswered, dialledAtMs, lastReadAtMs: dialledAtMs + 1 };
}

test('two closes in a row at the same count teach it, an answer beyond unteaches it', () => {
  const limit = new QueryLimit();
  assert.equal(limit.allowance(), Number.POSITIVE_INFINITY);
  assert.equal(limit.closed(closed(128, 0), 2), false);
  assert.equal(limit.closed(closed(128, 3), 5), true);
  assert.equal(limit.allowance(), 128);
  assert.equal(limit.answered(128), false);
  assert.equal(limit.answered(129), true);
  assert.equal(limit.allowance(), Number.POSITIVE_INFINITY);
});

test('no evidence: closes at differing counts, without an answer, of idle or of older connections', () => {
  const limit = new QueryLimit();
  assert.equal(limit.closed(closed(10, 0), 2), false);
  assert.equal(limit.closed(closed(11, 3), 5), false);
  assert.equal(limit.closed(closed(0, 6, 4), 8), false);
  assert.equal(limit.closed(closed(11, 9), 5000), false);
  assert.equal(limit.closed(closed(11, 4), 5001), false);
  assert.equal(limit.limit, undefined);
  assert.equal(limit.closed(closed(11, 5002, 1), 9000), true);
});

test('now and then a connection may carry one query more', () => {
  const limit = new QueryLimit();
  limit.closed(closed(1, 0), 2);
  limit.closed(closed(1, 3), 5);
  const allowances = Array.from({ length: 320 }, () => limit.allowance());
  assert.equal(allowances.filter((allowance) => allowance === 2).length, 10);
  assert.equal(allowances.filter((allowance) => allowance === 1).length, 310);
});

test('any limit of a server is found, also after it changed', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 5 }), (servers) => {
      const limit = new QueryLimit();
      let nowMs = 0;
      for (const server of servers) {
        for (let connection = 0; connection < 100; connection++) {
          const allowance = limit.allowance();
          const answered = Math.min(server, allowance);
          nowMs += 10;
          limit.answered(answered);
          if (answered === server) limit.closed(closed(answered, nowMs), nowMs + 2);
          nowMs += 10;
        }
        assert.equal(limit.limit, server);
      }
    }),
  );
});
