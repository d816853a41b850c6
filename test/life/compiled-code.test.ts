/**
 * What V8 has compiled for misses outlives a quiet time: a large collection with no miss under way, and no connection open, must not take
 * with it how their objects are laid out (`base/newest.ts`).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startUpstream } from '../../bench/load/upstream.ts';
import { startDaemon } from '../support/daemon.ts';
import { runLoad } from '../support/load.ts';
import { until } from '../support/until.ts';
import { preload } from './preload.ts';

/** Three times what V8 compiles after. */
const MISSES = 10_000;
/** Some of those who make and handle the objects of a miss, whose names nothing else has. */
const OF_A_MISS =
  /^(#take|#miss|#conclude|ArrivalAsker|DatagramClient|Exchange|Attempt|UpstreamQuery|#askNext|#finish|answered|buildUpstreamQuery|frameQueries|messageRead|readResponse|#copyRecord)$/;
/** Collects on a signal, twice, since what a compiler has just at hand outlives one. */
const COLLECT = `
  process.on('SIGUSR2', () => {
    for (let count = 0; count < 2; count++) gc({ type: 'major', flavor: 'last-resort' });
    console.log('collected');
  });`;

test('a collection in a quiet time', async (t) => {
  const upstream = await startUpstream();
  t.after(() => upstream.close());
  const daemon = await startDaemon(t, {
    nodeFlags: ['--expose-gc', '--trace-deopt', preload('main', COLLECT)],
    corefile: ({ dns }) => `
      .:${dns} {
        bind 127.0.0.1
        cache 30
        forward . 127.0.0.1:${upstream.port} {
          force_tcp
          expire 100ms
        }
      }`,
  });
  const flags = { window: 128, seconds: 60, names: MISSES, order: 'once' };
  const report = await runLoad(t, daemon.ports.dns, flags);
  assert.deepEqual([report.sent, report.lost, report.wrong], [MISSES, 0, 0]);
  await until('no connection', () => upstream.counts().open === 0);
  daemon.signal('SIGUSR2');
  await daemon.waitForLog(/^collected$/);
  const forgotten = daemon.log.flatMap(
    (line) => /SharedFunctionInfo (.*?)>.*embedded weak objects cleared/.exec(line)?.[1] ?? [],
  );
  assert(
    forgotten.length > 0,
    'V8 tells what it forgets: the start has resolved hundreds of modules',
  );
  assert.deepEqual(
    forgotten.filter((name) => OF_A_MISS.test(name)),
    [],
  );
});
