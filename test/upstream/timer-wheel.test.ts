import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Timer, TimerWheel } from '../../src/upstream/timer-wheel.ts';

const TICK_MS = 16;

function handTurned() {
  const clock = { ms: 1000, nowMs: () => clock.ms };
  return clock;
}

test('timers run at most a tick late, never early, cancelled ones never', () => {
  const action = fc.record({
    kind: fc.constantFrom('set', 'cancel', 'turn'),
    timer: fc.nat(9),
    ms: fc.oneof(fc.nat(100), fc.nat(30_000)),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 100 }), (actions) => {
      const clock = handTurned();
      const wheel = new TimerWheel(clock);
      const due = new Map<Timer, number>();
      const timers = Array.from({ length: 10 }, () => {
        const timer: Timer = new Timer({
          timerExpired(nowMs) {
            assert.equal(nowMs, clock.ms);
            const dueAtMs = due.get(timer);
            assert(dueAtMs !== undefined && dueAtMs <= nowMs);
            due.delete(timer);
          },
        });
        return timer;
      });
      for (const { kind, timer: index, ms } of actions) {
        const timer = timers[index]!;
        if (kind === 'set') {
          due.set(timer, clock.ms + ms);
          wheel.schedule(timer, clock.ms + ms);
        } else if (kind === 'cancel') {
          due.delete(timer);
          wheel.cancel(timer);
        } else {
          clock.ms += ms;
          wheel.turn();
          // After a pause of more than a turn of the wheel, one slot waits for the next tick.
          clock.ms += TICK_MS;
          wheel.turn();
          for (const dueAtMs of due.values()) assert(dueAtMs > clock.ms - TICK_MS);
        }
        for (const each of timers) assert.equal(each.isSet, due.has(each));
      }
      wheel.close();
      for (const timer of timers) assert.equal(timer.isSet, false);
    }),
  );
});

test('a timer that sets itself for now runs once a turn', () => {
  const clock = handTurned();
  const wheel = new TimerWheel(clock);
  let runs = 0;
  const timer: Timer = new Timer({
    timerExpired(nowMs) {
      runs++;
      wheel.schedule(timer, nowMs);
    },
  });
  wheel.schedule(timer, clock.ms);
  clock.ms += 60_000;
  wheel.turn();
  assert.equal(runs, 1);
  clock.ms += TICK_MS;
  wheel.turn();
  assert.equal(runs, 2);
  wheel.close();
});

test('a timer may cancel its neighbours', () => {
  const clock = handTurned();
  const wheel = new TimerWheel(clock);
  const ran: Timer[] = [];
  const timers: Timer[] = Array.from({ length: 3 }, () => {
    const timer: Timer = new Timer({
      timerExpired() {
        ran.push(timer);
        for (const other of timers) wheel.cancel(other);
      },
    });
    return timer;
  });
  for (const timer of timers) wheel.schedule(timer, clock.ms + 10);
  clock.ms += 100;
  wheel.turn();
  assert.equal(ran.length, 1);
  wheel.close();
});

test('scheduleBy keeps what is due earlier', () => {
  const clock = handTurned();
  const wheel = new TimerWheel(clock);
  const timer = new Timer({ timerExpired() {} });
  wheel.scheduleBy(timer, clock.ms + 100);
  wheel.scheduleBy(timer, clock.ms + 200);
  assert.equal(timer.dueAtMs, clock.ms + 100);
  wheel.scheduleBy(timer, clock.ms + 50);
  assert.equal(timer.dueAtMs, clock.ms + 50);
  wheel.close();
});

test('it turns by itself', async () => {
  const wheel = new TimerWheel({ nowMs: () => performance.now() });
  const dueAtMs = performance.now() + 30;
  const ranAtMs = await new Promise<number>((resolve) => {
    wheel.schedule(new Timer({ timerExpired() {} }), dueAtMs + 60_000);
    wheel.schedule(new Timer({ timerExpired: resolve }), dueAtMs);
  });
  assert(ranAtMs >= dueAtMs);
  wheel.close();
});
