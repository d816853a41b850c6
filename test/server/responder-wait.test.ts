/** Two ways to wait for the same sockets: which one it is when, and that neither misses or invents anything. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Epoll } from '../../src/os/epoll.ts';
import { OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { ResponderWait } from '../../src/server/responder-wait.ts';
import { TOKEN } from '../../src/server/stream-listeners.ts';
import { open, Peer, skipWithoutLibc, waitReadable } from '../os/sockets.ts';

const SKIP = { skip: skipWithoutLibc };
const MANY = 8;
const FEW_ROUNDS = 64;
const WAITS_MAX = 10;

/** Two sockets, an eventfd, and how many descriptors epoll may be told of. */
function stage(t: TestContext, { watchesMax = 10 } = {}) {
  const real = requireLibc();
  let watches = 0;
  const libc: typeof real = {
    ...real,
    epoll_ctl: (epoll, operation, fd, event) => {
      if (operation === OS.EPOLL_CTL_ADD && watches === watchesMax) return -1;
      if (operation === OS.EPOLL_CTL_ADD) watches += 1;
      if (operation === OS.EPOLL_CTL_DEL) watches -= 1;
      return real.epoll_ctl(epoll, operation, fd, event);
    },
  };
  const epoll = new Epoll(libc);
  const eventFd = libc.eventfd(0, OS.EFD_CLOEXEC | OS.EFD_NONBLOCK);
  const sockets = [open(t), open(t)];
  const waits = new ResponderWait(libc, epoll, eventFd);
  t.after(() => {
    libc.close(eventFd);
    waits.close();
    epoll.close();
  });
  waits.setSockets(sockets.map(({ fd }) => fd));
  const one = new Pinned(libc, 8);
  one.words[0] = 1;
  return {
    waits,
    sockets,
    call: () => libc.write(eventFd, one.address, 8),
    /** The descriptors that epoll knows, as the kernel has them. */
    watched: () => {
      const info = readFileSync(`/proc/self/fdinfo/${epoll.fd}`, 'latin1');
      return [...info.matchAll(/^tfd: +(\d+)/gm)].map(([, fd]) => Number(fd));
    },
    /** What a wait tells: indexes of sockets, and tokens. A tick may come beside whatever the test is about. */
    told: (count: number, { withTick = false } = {}) => {
      const all = Array.from({ length: count }, (_, index) => epoll.tokenAt(index));
      const tokens = all.filter((token) => withTick || token !== TOKEN.TICK);
      const polled = sockets.map((_, index) => index).filter((index) => waits.hasPolled(index));
      return [...polled, ...tokens].sort((one, other) => one - other);
    },
    quieten: () => {
      for (let round = 0; round < FEW_ROUNDS; round++) waits.received(MANY - 1);
    },
  };
}

test('epoll after many rounds with few datagrams, poll after one with many', SKIP, (t) => {
  const { waits, sockets, watched, quieten } = stage(t);
  const fds = sockets.map(({ fd }) => fd);
  const isWatched = () => fds.every((fd) => watched().includes(fd));
  for (let round = 0; round < FEW_ROUNDS - 1; round++) waits.received(1);
  assert(!isWatched());
  waits.received(1);
  assert(isWatched());
  waits.received(MANY);
  assert(fds.every((fd) => !watched().includes(fd)));
  quieten();
  assert(isWatched());
});

test('rounds with many in between begin the count anew', SKIP, (t) => {
  const { waits, sockets, watched } = stage(t);
  for (let round = 0; round < 3 * FEW_ROUNDS; round++) waits.received(round % 16 === 0 ? MANY : 1);
  assert.deepEqual(
    watched().filter((fd) => sockets.some((socket) => socket.fd === fd)),
    [],
  );
});

for (const way of ['poll', 'epoll'] as const) {
  test(`${way}: all that is ready is told, and nothing else`, SKIP, async (t) => {
    const { waits, sockets, call, told, quieten } = stage(t);
    if (way === 'epoll') quieten();
    assert.deepEqual(told(waits.wait(0)), []);
    assert(waits.isOver);
    const peer = await Peer.open(t);
    await peer.send('x', sockets[1]!.port);
    waitReadable(sockets[1]!.fd);
    assert.deepEqual(told(waits.wait(1000)), [1]);
    assert(!waits.isOver);
    call();
    assert.deepEqual(told(waits.wait(1000)), [1, TOKEN.EVENT_FD]);
    // Not read, so told again; those that others read are left out.
    assert.deepEqual(told(waits.waitAside(1000)).at(-1), TOKEN.EVENT_FD);
    assert.deepEqual(told(waits.wait(1000)), [1, TOKEN.EVENT_FD]);
  });
}

for (const way of ['poll', 'epoll'] as const) {
  test(`${way}: a wait without an end of its own ends with the next tick`, SKIP, (t) => {
    const { waits, told, call, quieten } = stage(t);
    if (way === 'epoll') quieten();
    // Where the whole process is stopped and goes on (a debugger, a freezer), the kernel ends a wait with nothing.
    const waitOn = (options?: { withTick: boolean }) => {
      for (let wait = 0; wait < WAITS_MAX; wait++) {
        const count = waits.wait();
        if (count > 0) return told(count, options);
      }
      return [];
    };
    for (let tick = 0; tick < 2; tick++) {
      assert.deepEqual(waitOn({ withTick: true }), [TOKEN.TICK]);
      assert(waits.isOver);
      waits.takeTick();
    }
    call();
    assert.deepEqual(waitOn(), [TOKEN.EVENT_FD]);
    assert(!waits.isOver);
  });
}

test('beside the sockets a wait goes on to its end', SKIP, async (t) => {
  const { waits, sockets, told, quieten } = stage(t);
  quieten();
  const peer = await Peer.open(t);
  await peer.send('x', sockets[0]!.port);
  waitReadable(sockets[0]!.fd);
  assert.deepEqual(told(waits.waitAside(1)), []);
  assert(waits.isOver);
});

test('sockets that are waited for no more are told of no more', SKIP, async (t) => {
  const { waits, sockets, watched, told, quieten } = stage(t);
  quieten();
  waits.setSockets([sockets[1]!.fd]);
  quieten();
  assert(!watched().includes(sockets[0]!.fd));
  const peer = await Peer.open(t);
  await peer.send('x', sockets[0]!.port);
  waitReadable(sockets[0]!.fd);
  assert.deepEqual(told(waits.wait(0)), []);
});

test('where the user has no watches left, it stays with poll', SKIP, async (t) => {
  const { waits, sockets, watched, told, quieten } = stage(t, { watchesMax: 3 });
  const before = watched();
  quieten();
  assert.deepEqual(watched(), before);
  const peer = await Peer.open(t);
  await peer.send('x', sockets[1]!.port);
  waitReadable(sockets[1]!.fd);
  assert.deepEqual(told(waits.wait(1000)), [1]);
});
