/**
 * Walking records: places, sections, and every cut of a message.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { questionEnd, type RecordCursor, SECTION, walkRecords } from '../../src/wire/record.ts';
import { buildResponse, type RecordFields } from './responses.ts';

const RECORDS: readonly RecordFields[] = [
  { section: SECTION.ANSWER, owner: 'example.org', type: 1, ttlS: 7, rdata: [[192, 0, 2, 1]] },
  { section: SECTION.AUTHORITY, owner: 'org', type: 2, ttlS: 8, rdata: [{ name: 'ns.org' }] },
  { section: SECTION.ADDITIONAL, owner: 'ns.org', type: 65280, ttlS: 0xffff_ffff, rdata: [[]] },
];

test('visits each record with its places', () => {
  const message = buildResponse({ name: 'example.org', records: RECORDS });
  const visited: (Partial<RecordCursor> & { size: number })[] = [];
  const isWhole = walkRecords(message, ({ section, type, rclass, ttlS, ...places }) => {
    assert.equal(places.dataAt, places.fixedAt + 10);
    visited.push({ section, type, rclass, ttlS, size: places.dataEnd - places.dataAt });
    return undefined;
  });
  assert.ok(isWhole);
  assert.deepEqual(visited, [
    { section: 0, type: 1, rclass: 1, ttlS: 7, size: 4 },
    { section: 1, type: 2, rclass: 1, ttlS: 8, size: 5 },
    { section: 2, type: 65280, rclass: 1, ttlS: 0xffff_ffff, size: 0 },
  ]);
});

test('stops where the visitor says so', () => {
  const message = buildResponse({ name: 'example.org', records: RECORDS });
  let count = 0;
  assert.ok(walkRecords(message, () => ++count < 2));
  assert.equal(count, 2);
});

test('every cut of a message is malformed', () => {
  const message = buildResponse({ name: 'example.org', records: RECORDS });
  for (let size = 0; size < message.length; size++) {
    assert.equal(
      walkRecords(message.subarray(0, size), () => true),
      false,
      `${size} octets`,
    );
  }
});

test('finds the end of the question section', () => {
  const message = buildResponse({ name: 'example.org', records: [] });
  assert.equal(questionEnd(message), message.length);
  const none = Buffer.from(message);
  none.writeUInt16BE(0, 4);
  assert.equal(questionEnd(none), 12);
  none.writeUInt16BE(2, 4);
  assert.equal(questionEnd(none), -1);
  assert.equal(questionEnd(message.subarray(0, 11)), -1);
});

test('ends on any octets without throwing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
      let count = 0;
      walkRecords(message, ({ dataEnd }) => {
        count += 1;
        return dataEnd <= message.length;
      });
      assert.ok(count * 11 <= message.length);
    }),
    { numRuns: 1000 },
  );
});
