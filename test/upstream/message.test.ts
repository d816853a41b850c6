import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from 'dns-packet';
import fc from 'fast-check';
import {
  answers,
  healthQuery,
  isResponse,
  isTruncated,
  questionEndOf,
  rcodeOf,
} from '../../src/upstream/message.ts';
import { queryFor, replyTo } from './support-server.ts';

const query = queryFor('www.Example.org.', 28);
const end = questionEndOf(query);

test('a response to the question answers it, whatever the case of its letters', () => {
  assert.equal(answers(query, end, replyTo(query)), true);
  assert.equal(answers(query, end, replyTo(queryFor('WWW.eXAMPLE.org.', 28))), true);
});

test('another name, type, class, opcode, count, or a query does not', () => {
  const wrong = (change: (reply: Buffer) => void) => {
    const reply = replyTo(query);
    change(reply);
    return answers(query, end, reply);
  };
  assert.equal(answers(query, end, replyTo(queryFor('wwx.example.org.', 28))), false);
  assert.equal(answers(query, end, replyTo(queryFor('www.example.org.', 1))), false);
  assert.equal(
    wrong((reply) => reply.writeUInt16BE(3, end - 2)),
    false,
  );
  assert.equal(
    wrong((reply) => reply.writeUInt8(0xa0, 2)),
    false,
  );
  assert.equal(
    wrong((reply) => reply.writeUInt8(0x00, 2)),
    false,
  );
  assert.equal(
    wrong((reply) => reply.writeUInt16BE(0, 4)),
    false,
  );
  assert.equal(
    wrong((reply) => reply.writeUInt16BE(2, 4)),
    false,
  );
});

test('a reply cut anywhere, or of any octets, does not', () => {
  const reply = replyTo(query);
  for (let size = 0; size < end; size++) {
    assert.equal(answers(query, end, reply.subarray(0, size)), false);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (octets) => !answers(query, end, octets)),
  );
});

test('TC, RCODE, QR', () => {
  assert.equal(isTruncated(replyTo(query, { tc: true })), true);
  assert.equal(isTruncated(replyTo(query)), false);
  assert.equal(rcodeOf(replyTo(query, { rcode: 3 })), 3);
  assert.equal(isResponse(query), false);
  assert.equal(isResponse(replyTo(query)), true);
  assert.equal(isResponse(Buffer.alloc(4, 0xff)), false);
});

test('a health query asks for NS', () => {
  const decoded = decode(Buffer.from(healthQuery('health.example.org.', true)));
  assert.deepEqual(decoded.questions, [{ name: 'health.example.org', type: 'NS', class: 'IN' }]);
  assert.equal(decoded.flag_rd, true);
  assert.equal(decode(Buffer.from(healthQuery('.', false))).flag_rd, false);
});
