import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Epoll } from '../../src/os/epoll.ts';
import { type Libc, OS, requireLibc } from '../../src/os/libc.ts';
import { Ticker } from '../../src/os/ticker.ts';
import { skipWithoutLibc } from './sockets.ts';

const SKIP = { skip: skipWithoutLibc };

test('it ticks again and again, and is silent between', SKIP, (t) => {
  const libc = requireLibc();
  const epoll = new Epoll(libc);
  // Before it exists: what stops this process between the two must not make the first tick look early.
  const startedAtMs = performance.now();
  const ticker = new Ticker(libc, 20);
  t.after(() => {
    ticker.close();
    epoll.close();
  });
  epoll.add(ticker.fd, OS.EPOLLIN, 7);
  for (let tick = 1; tick <= 3; tick++) {
    waitForTick(epoll);
    assert.equal(epoll.tokenAt(0), 7);
    assert(performance.now() - startedAtMs >= tick * 20 - 1);
    ticker.take();
  }
  // Not taken, it is told again.
  waitForTick(epoll);
  assert.equal(epoll.wait(0), 1);
});

/** A wait that a signal ends has nothing to tell, and is waited again (signal(7): also where a process is stopped and goes on). */
function waitForTick(epoll: Epoll): void {
  while (epoll.wait(-1) === 0);
}

test('its period may be longer than a second', SKIP, (t) => {
  const real = requireLibc();
  const times: bigint[][] = [];
  const libc: Libc = {
    ...real,
    timerfd_settime: (fd, flags, time, oldTime) => {
      times.push([...new BigInt64Array(real.view(time, 32))]);
      return real.timerfd_settime(fd, flags, time, oldTime);
    },
  };
  for (const periodMs of [2000, 1250]) {
    const ticker = new Ticker(libc, periodMs);
    t.after(() => ticker.close());
  }
  assert.deepEqual(times, [
    [2n, 0n, 2n, 0n],
    [1n, 250_000_000n, 1n, 250_000_000n],
  ]);
});

test('what the kernel refuses is an error with its name', SKIP, () => {
  const real = requireLibc();
  const closed: number[] = [];
  const close = (fd: number) => {
    closed.push(fd);
    return real.close(fd);
  };
  const none: Libc = { ...real, close, timerfd_create: () => -1 };
  assert.throws(() => new Ticker(none, 20), { call: 'timerfd_create' });
  assert.deepEqual(closed, []);
  const unset: Libc = { ...real, close, timerfd_settime: () => -1 };
  assert.throws(() => new Ticker(unset, 20), { call: 'timerfd_settime' });
  assert.equal(closed.length, 1);
});
