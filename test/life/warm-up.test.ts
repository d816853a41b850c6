/** What a responder's first queries have left is collected as soon as few come (`server/warm-up.ts`). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startUpstream } from '../../bench/load/upstream.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { runLoad } from '../support/load.ts';
import { corefile } from './corefiles.ts';
import { preload } from './preload.ts';

/** Says what each collection by hand has made of the heap. */
const TELLING = `
  const collect = globalThis.gc;
  const heapBytes = () => process.memoryUsage().heapTotal;
  let number = 0;
  globalThis.gc = (options) => {
    const before = heapBytes();
    collect(options);
    number += 1;
    builtin('node:fs').writeSync(2, ['collection', number, before, heapBytes()].join(' ') + '\\n');
  };`;

async function collection(daemon: Daemon, number: number) {
  const line = await daemon.waitForLog(new RegExp(`^collection ${number} `));
  const [before, after] = line.split(' ').slice(2).map(Number);
  return { before: before!, after: after! };
}

test('the first queries leave no garbage', async (t) => {
  const upstream = await startUpstream();
  t.after(() => upstream.close());
  const daemon = await startDaemon(t, {
    nodeFlags: ['--expose-gc', preload('responder', TELLING)],
    corefile: corefile({ upstream: upstream.port }),
  });
  const start = await collection(daemon, 1);
  const report = await runLoad(t, daemon.ports.dns, { prime: true, window: 64, seconds: 1 });
  assert.deepEqual([report.lost, report.wrong], [0, 0]);
  const warm = await collection(daemon, 2);
  const text = `${start.after} octets at the start, then ${warm.before}, then ${warm.after}`;
  assert(warm.before >= start.after + 1e6, `it waits for garbage: ${text}`);
  assert(warm.after <= warm.before - 0.5e6, `which is gone then: ${text}`);
});
