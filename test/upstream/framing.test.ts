import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader, frameQueries, framesSize } from '../../src/upstream/framing.ts';
import { UpstreamQuery } from '../../src/upstream/upstream-query.ts';
import { framed } from './support-server.ts';

const sender = { answered() {}, lost() {} };

test('messages come out as they went in, however the stream is split', () => {
  const message = fc.uint8Array({ minLength: 12, maxLength: 600 });
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 700 })),
      (messages, sizes) => {
        const stream = Buffer.concat(messages.map((each) => framed(Buffer.from(each))));
        const reader = new FrameReader();
        const read: Uint8Array[] = [];
        const sink = { messageRead: (each: Uint8Array) => void read.push(each) };
        for (let at = 0; at < stream.length; ) {
          const size = sizes.next().value as number;
          // The memory of a chunk is used again for the next one.
          const chunk = Buffer.from(stream.subarray(at, at + size));
          assert.equal(reader.read(chunk, sink, 0), true);
          chunk.fill(0xff);
          at += size;
        }
        assert.deepEqual(read.map(Buffer.from), messages.map(Buffer.from));
      },
    ),
  );
});

test('a length too short for a header is refused', () => {
  for (const length of [0, 1, 11]) {
    const reader = new FrameReader();
    assert.equal(reader.read(Buffer.from([0, length, 0]), { messageRead() {} }, 0), false);
  }
});

test('queries are framed with ids of their own; their messages are not written to', () => {
  const message = Buffer.from('abcdefghijklmnopq');
  const queries = [1, 0xfffe].map((id) => {
    const query = new UpstreamQuery(sender, message, 17);
    query.id = id;
    return query;
  });
  const octets = Buffer.alloc(framesSize(queries));
  frameQueries(queries, octets);
  assert.equal(
    octets.toString('latin1'),
    '\x00\x11\x00\x01cdefghijklmnopq\x00\x11\xff\xfecdefghijklmnopq',
  );
  assert.equal(message.toString(), 'abcdefghijklmnopq');
});
