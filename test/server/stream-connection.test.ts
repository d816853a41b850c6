/** A connection's state by itself: how long it may last, when it has come to its end, and what waits to leave. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Backlog, NEVER_MS, StreamConnection } from '../../src/server/stream-connection.ts';

const LIMITS = { readMs: 1000, writeMs: 2000, idleMs: 3000, maxTcpQueries: undefined };
const FRAME = Uint8Array.of(0, 1, 9);

function open(nowMs = 0): StreamConnection {
  return new StreamConnection(5, 0, 0, 1, LIMITS, '', nowMs);
}

test('until the first query, between queries, until a reply is taken, and while an answer is waited for', () => {
  const connection = open();
  assert.equal(connection.remainingMs(400), 600);
  connection.queryCount = 1;
  connection.activeAtMs = 500;
  assert.equal(connection.remainingMs(600), 2900);
  connection.inFlight = 1;
  assert.equal(connection.remainingMs(1_000_000), NEVER_MS);
  connection.backlog.push(FRAME);
  assert.equal(connection.remainingMs(1500), 1000);
});

test('a frame has a time as a whole, whatever comes of it', () => {
  const connection = open();
  connection.keep(FRAME, 0, 1, false, 100);
  connection.activeAtMs = 900;
  connection.keep(FRAME, 0, 2, false, 900);
  assert.equal(connection.remainingMs(1000), 100);
  connection.queryCount = 1;
  connection.keep(FRAME, 0, 2, true, 1000);
  assert.equal(connection.remainingMs(1000), 3000);
});

test('the clock’s word may wrap', () => {
  const connection = open(2 ** 31 - 100);
  assert.equal(connection.remainingMs((2 ** 31 + 100) | 0), 800);
});

test('an end waits for the first query, half a second', () => {
  const fresh = open();
  fresh.end(0);
  assert.ok(!fresh.isClosing);
  assert.equal(fresh.remainingMs(100), 400);
  fresh.goOnEnding(499);
  assert.ok(!fresh.isClosing);
  fresh.goOnEnding(500);
  assert.ok(fresh.isClosing && fresh.isDone);
  const asked = open();
  asked.end(0);
  asked.queryCount = 1;
  asked.goOnEnding(1);
  assert.ok(asked.isClosing);
  const used = open();
  used.queryCount = 1;
  used.inFlight = 1;
  used.end(0);
  assert.ok(used.isClosing && !used.isDone && used.wantsOctets);
  used.inFlight = 0;
  assert.ok(used.isDone);
  used.finish(1000);
  assert.equal(used.remainingMs(1000), 250);
});

test('a FIN is the end once whole frames are taken', () => {
  const connection = open();
  connection.isEof = true;
  connection.keep(FRAME, 0, 3, false, 0);
  assert.ok(!connection.isDone && connection.hasFrame);
  connection.keep(FRAME, 0, 2, true, 0);
  assert.ok(connection.isDone);
});

test('no more is read of who has too much under way', () => {
  const connection = open();
  connection.inFlight = 127;
  assert.ok(connection.takesQueries);
  connection.inFlight = 128;
  assert.ok(!connection.takesQueries && !connection.wantsOctets);
  connection.inFlight = 0;
  connection.backlog.push(new Uint8Array(256 * 1024 + 1));
  assert.ok(!connection.takesQueries);
  connection.backlog.take(1);
  assert.ok(connection.takesQueries);
});

test('a backlog gives back what was put in, whatever is taken at a time', () => {
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 20 });
  fc.assert(
    fc.property(
      chunks,
      fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1 }),
      (all, steps) => {
        const backlog = new Backlog();
        for (const chunk of all) backlog.push(chunk);
        const out: number[] = [];
        const target = new Uint8Array(100);
        for (let step = 0; backlog.size > 0; step++) {
          const size = backlog.peek(target, 3, 90);
          assert.equal(size, Math.min(90, backlog.size));
          const taken = Math.min(size, steps[step % steps.length]!);
          out.push(...target.subarray(3, 3 + taken));
          backlog.take(taken);
        }
        assert.deepEqual(
          out,
          all.flatMap((chunk) => [...chunk]),
        );
      },
    ),
  );
});
