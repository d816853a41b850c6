import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { probeForLoop } from '../../src/control/loop-probe.ts';
import { LoopDetector } from '../../src/directives/loop-detector.ts';
import { nameFromText } from '../../src/wire/name.ts';
import { QTYPE } from '../../src/wire/registry.ts';

const PEER = () => ({ host: '192.0.2.1', port: 53 });

test('a listener that never answers is asked again and again, and is no loop', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  let loops = 0;
  const detector = new LoopDetector('.', () => {
    loops += 1;
  });
  // What the resolver does with each question that comes in.
  silent.on('message', () => detector.sees(nameFromText(detector.name)!, QTYPE.HINFO, PEER));
  const { port } = silent.address();
  const listener = { id: 0, host: '127.0.0.1', port, label: '' };
  let asked = once(silent, 'message');
  const stop = probeForLoop(detector, listener);
  for (let attempt = 0; attempt < 4; attempt++) {
    await asked;
    asked = once(silent, 'message');
    t.mock.timers.tick(5000);
  }
  await asked;
  stop();
  assert.equal(loops, 0);
});
