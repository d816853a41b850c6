/** The addresses in an answer, aliases followed, and for how long they hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answeredAddresses } from '../../src/wire/addresses.ts';
import { SECTION } from '../../src/wire/record.ts';
import { readResponse } from '../../src/wire/response.ts';
import { buildResponse, endOfQuestion, type RecordFields } from './responses.ts';

function addressesOf(records: readonly RecordFields[]) {
  const message = buildResponse({ name: 'ns.example.org', records });
  return answeredAddresses(readResponse(message, endOfQuestion('ns.example.org'), 0)!.body);
}

const A: RecordFields = {
  section: SECTION.ANSWER,
  owner: 'a.example.org',
  type: 1,
  ttlS: 60,
  rdata: [[192, 0, 2, 1]],
};

test('addresses behind an alias; the smallest TTL of the answer counts', () => {
  const alias = {
    ...A,
    owner: 'ns.example.org',
    type: 5,
    ttlS: 9,
    rdata: [{ name: 'a.example.org' }],
  };
  const second = { ...A, ttlS: 30, rdata: [[192, 0, 2, 2]] };
  const elsewhere = { ...A, section: SECTION.ADDITIONAL, ttlS: 1, rdata: [[192, 0, 2, 3]] };
  assert.deepEqual(addressesOf([alias, A, second, elsewhere]), {
    addresses: ['192.0.2.1', '192.0.2.2'],
    ttlS: 9,
  });
});

test('IPv6 addresses', () => {
  const rdata = [[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]];
  assert.deepEqual(addressesOf([{ ...A, type: 28, rdata }]).addresses, ['fd00::1']);
});

test('an answer without addresses has none', () => {
  assert.deepEqual(addressesOf([]), { addresses: [], ttlS: undefined });
});
