/** The sinks of the benchmark take what the daemon's observers send: dnstap frames, and traces. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSinks } from '../../bench/sinks.ts';
import { FrameWriter } from '../../src/directives/frame-stream.ts';

test('frames and traces are counted', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'zerohop-test-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'dnstap.sock');
  const sinks = await startSinks(path);
  context.after(() => sinks.close());

  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<string | undefined>();
  const socket = connect({ path });
  const writer = new FrameWriter(socket, {
    onReady: ready.resolve,
    onDrain: () => {},
    onEnd: ended.resolve,
  });
  await ready.promise;
  const frame = new Uint8Array(1000);
  writer.write(frame);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  writer.close();
  assert.equal(await ended.promise, undefined);
  await closed;
  assert(sinks.received.dnstapOctets > frame.length);

  const url = `http://127.0.0.1:${sinks.tracePort}/api/v2/spans`;
  const { status } = await fetch(url, { method: 'POST', body: '[{}]' });
  assert.deepEqual([status, sinks.received.traceOctets], [202, 4]);
});
