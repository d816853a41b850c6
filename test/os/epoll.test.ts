/** What a thread waits for: told once, told again while it is not read, and no longer told once it is removed. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Epoll, EVENTS_MAX } from '../../src/os/epoll.ts';
import { OS, Pinned, requireLibc } from '../../src/os/libc.ts';
import { skipWithoutLibc } from './sockets.ts';

const SKIP = { skip: skipWithoutLibc };
const WAIT_MS = 5000;

function open(t: TestContext) {
  const libc = requireLibc();
  const epoll = new Epoll(libc);
  const fds: number[] = [];
  t.after(() => {
    epoll.close();
    for (const fd of fds) libc.close(fd);
  });
  const one = new Pinned(libc, 8);
  one.words[0] = 1;
  return {
    epoll,
    eventfd: () => {
      const fd = libc.eventfd(0, OS.EFD_NONBLOCK | OS.EFD_CLOEXEC);
      fds.push(fd);
      return fd;
    },
    write: (fd: number) => libc.write(fd, one.address, 8),
    read: (fd: number) => libc.read(fd, one.address, 8),
  };
}

test('what is ready is told with its token, until it is read', SKIP, (t) => {
  const { epoll, eventfd, write, read } = open(t);
  const [first, second] = [eventfd(), eventfd()];
  epoll.add(first, OS.EPOLLIN, 1 << 29);
  epoll.add(second, OS.EPOLLIN, -1);
  assert.equal(epoll.wait(0), 0);
  write(second);
  for (let again = 0; again < 2; again++) {
    assert.equal(epoll.wait(WAIT_MS), 1);
    assert.equal(epoll.tokenAt(0), -1);
    assert.equal(epoll.eventsAt(0), OS.EPOLLIN);
  }
  write(first);
  assert.equal(epoll.wait(WAIT_MS), 2);
  assert.deepEqual([epoll.tokenAt(0), epoll.tokenAt(1)].sort(), [-1, 1 << 29].sort());
  read(first);
  read(second);
  assert.equal(epoll.wait(0), 0);
});

test('events can be changed, and a descriptor removed', SKIP, (t) => {
  const { epoll, eventfd, write } = open(t);
  const fd = eventfd();
  epoll.add(fd, OS.EPOLLIN, 1);
  write(fd);
  epoll.change(fd, OS.EPOLLOUT, 2);
  assert.equal(epoll.wait(WAIT_MS), 1);
  assert.deepEqual([epoll.tokenAt(0), epoll.eventsAt(0)], [2, OS.EPOLLOUT]);
  epoll.change(fd, 0, 2);
  assert.equal(epoll.wait(0), 0);
  epoll.remove(fd);
  assert.throws(() => epoll.remove(fd), /epoll_ctl: ENOENT/);
  assert.throws(() => epoll.add(-1, OS.EPOLLIN, 3), /epoll_ctl: EBADF/);
});

test('more than one wait holds comes with the next', SKIP, (t) => {
  const { epoll, eventfd, write, read } = open(t);
  const fds = Array.from({ length: EVENTS_MAX + 10 }, eventfd);
  for (const [token, fd] of fds.entries()) {
    epoll.add(fd, OS.EPOLLIN, token);
    write(fd);
  }
  const seen = new Set<number>();
  while (seen.size < fds.length) {
    const count = epoll.wait(WAIT_MS);
    assert.ok(count > 0 && count <= EVENTS_MAX);
    for (let index = 0; index < count; index++) {
      seen.add(epoll.tokenAt(index));
      read(fds[epoll.tokenAt(index)]!);
    }
  }
  assert.equal(epoll.wait(0), 0);
});
