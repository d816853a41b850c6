/** Frames as they are cut: whole ones, and every beginning of one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame } from '../../src/cli/stand-in/frames.ts';
import { frameOf, messageSizeAt } from '../../src/wire/frame.ts';

test('a frame is whole when its last octet is there', () => {
  for (const size of [0, 1, 255, 256, 65_535]) {
    const message = new Uint8Array(size).fill(7);
    const octets = frame(new Uint8Array(3), message, new Uint8Array(2));
    const at = 5;
    const end = at + 2 + size;
    for (const cut of [at, at + 1, at + 2, end - 1]) {
      assert.equal(messageSizeAt(octets, at, cut), cut >= end ? size : -1, `${size} at ${cut}`);
    }
    assert.equal(messageSizeAt(octets, at, end), size);
    assert.equal(messageSizeAt(octets, at, octets.length), size);
    assert.deepEqual(Buffer.from(frameOf(message)), frame(message));
  }
});
