/** A change is told once, soon by inotify and without it by looking; nothing is told where nothing changed. */
import assert from 'node:assert/strict';
import {
  type FSWatcher,
  type watch as fsWatch,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createLog } from '../../src/base/log.ts';
import { DirectoryWatch } from '../../src/control/directory-watch.ts';
import { mountConfigMap } from '../support/config-map.ts';
import { within } from '../support/deadline.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Longer than any test: only inotify can have told. */
const NEVER_MS = 600_000;

interface Watched {
  readonly directory: string;
  readonly lines: string[];
  /** Changes so far. */
  readonly count: () => number;
  /** Resolves at the next change, or at one that nobody has waited for yet. */
  readonly next: () => Promise<void>;
}

function watchOf(
  t: TestContext,
  directory: string,
  options: { pollMs?: number; watch?: typeof fsWatch } = {},
): Watched {
  const lines: string[] = [];
  let told = 0;
  let taken = 0;
  let wake = () => {};
  const watch = new DirectoryWatch({
    path: directory,
    log: createLog((line) => lines.push(line)),
    pollMs: NEVER_MS,
    ...options,
    changed: () => {
      told += 1;
      wake();
    },
  });
  t.after(() => watch.close());
  const next = async () => {
    while (told <= taken) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await within(promise, 'a change');
    }
    taken += 1;
  };
  return { directory, lines, count: () => told, next };
}

/** A `fs.watch` whose events come from the test. */
function handWatch() {
  let listener = (): void => {};
  let opened = 0;
  const watch = ((_path: string, _options: object, onEvent: () => void) => {
    listener = onEvent;
    opened += 1;
    return { on() {}, close() {} } as unknown as FSWatcher;
  }) as unknown as typeof fsWatch;
  return { watch, event: () => listener(), opened: () => opened };
}

test("inotify tells of the kubelet's swap", async (t) => {
  const directory = temporaryDirectory(t);
  mountConfigMap(directory, { key: 'one' });
  const { next, count } = watchOf(t, directory);
  mountConfigMap(directory, { key: 'two' });
  await next();
  mountConfigMap(directory, { key: 'three' });
  await next();
  assert.equal(count(), 2);
});

test('inotify tells of a plain write, and a burst is one change', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'key'), 'one');
  const { next, count } = watchOf(t, directory);
  for (let index = 0; index < 50; index++) writeFileSync(join(directory, 'key'), `two ${index}`);
  await next();
  assert.equal(count(), 1);
});

test('events without another content are no change', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'key'), 'one');
  const { watch, event } = handWatch();
  const { next, count } = watchOf(t, directory, { watch });
  event();
  await pause(300);
  assert.equal(count(), 0);
  writeFileSync(join(directory, 'key'), 'two');
  event();
  await next();
});

test('events that never pause are looked at all the same', async (t) => {
  const directory = temporaryDirectory(t);
  const { watch, event } = handWatch();
  const { next } = watchOf(t, directory, { watch });
  writeFileSync(join(directory, 'key'), 'one');
  const timer = setInterval(event, 20);
  t.after(() => clearInterval(timer));
  await next();
});

test('without inotify it looks by itself, and says so once', async (t) => {
  const directory = temporaryDirectory(t);
  const watch = (() => {
    throw new Error('ENOSPC: System limit for number of file watchers reached');
  }) as unknown as typeof fsWatch;
  const { next, lines } = watchOf(t, directory, { watch, pollMs: 20 });
  for (const text of ['one', 'two']) {
    mountConfigMap(directory, { key: text });
    await next();
  }
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /cannot be watched \(ENOSPC: .*\): looked at every 10 s instead/);
});

test('a directory that comes later, goes, and comes again', async (t) => {
  const directory = join(temporaryDirectory(t), 'mount');
  const { next } = watchOf(t, directory, { pollMs: 20 });
  mountConfigMap(directory, { key: 'one' });
  await next();
  rmSync(directory, { recursive: true });
  await next();
  mountConfigMap(directory, { key: 'two' });
  await next();
});

test('another directory at the same path is watched anew', async (t) => {
  const parent = temporaryDirectory(t);
  const directory = join(parent, 'mount');
  mkdirSync(directory);
  const { watch, opened } = handWatch();
  const { next } = watchOf(t, directory, { watch, pollMs: 20 });
  mkdirSync(join(parent, 'fresh'));
  writeFileSync(join(parent, 'fresh/key'), 'one');
  renameSync(directory, join(parent, 'old'));
  renameSync(join(parent, 'fresh'), directory);
  await next();
  assert.equal(opened(), 2);
});
