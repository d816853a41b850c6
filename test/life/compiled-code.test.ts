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
/** Who handles the objects of a miss; some are compiled as parts of others, and of a few no trace is ever seen. */
const OF_A_MISS =
  /^(serve|#take|#miss|#ask|#conclude|exchange|start|#askNext|#choose|carry|#flush|frameQueries|buildUpstreamQuery|#read|messageRead|answered|#finish|readResponse|read|#copyRecord|settle|#deliver|send|end|ArrivalAsker|DatagramClient|Exchange|Attempt|UpstreamQuery)$/;
/** Collects on a signal, when objects of a class have just gone, so that V8 is seen to tell of such. */
const COLLECT = `
  globalThis.codeOfTheGone = function codeOfTheGone({ value }) { return value + 1; };
  process.on('SIGUSR2', () => {
    class Gone { constructor(value) { this.value = value; } }
    for (let sum = 0, count = 0; count < 1e6; count++) sum = codeOfTheGone(new Gone(sum & 1));
    gc({ type: 'major', flavor: 'last-resort' });
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
  assert(forgotten.includes('codeOfTheGone'), 'V8 tells what it forgets');
  assert.deepEqual(
    forgotten.filter((name) => OF_A_MISS.test(name)),
    [],
  );
});
