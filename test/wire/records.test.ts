/** Records taken out of a body and put into one again. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { nameFromText } from '../../src/wire/name.ts';
import {
  NO_RECORDS,
  type ResourceRecord,
  responseOf,
  responseWithTtl,
  type Sections,
  sectionsOf,
} from '../../src/wire/records.ts';
import { FLAG, QTYPE, RCODE } from '../../src/wire/registry.ts';
import { readResponse } from '../../src/wire/response.ts';
import { buildResponse, endOfQuestion, type RecordFields } from './responses.ts';

const NAME = 'www.example.org';
const QUESTION = { qname: nameFromText(NAME)!, qtype: QTYPE.A, qclass: 1 };

const SOA: RecordFields = {
  section: 1,
  owner: 'example.org',
  type: QTYPE.SOA,
  ttlS: 60,
  rdata: [{ name: 'ns.example.org' }, { name: 'admin.example.org' }, new Array(20).fill(7)],
};
const RECORDS: readonly RecordFields[] = [
  { section: 0, owner: NAME, type: QTYPE.CNAME, ttlS: 30, rdata: [{ name: 'web.example.org' }] },
  { section: 0, owner: 'web.example.org', type: QTYPE.A, ttlS: 20, rdata: [[192, 0, 2, 1]] },
  { section: 0, owner: NAME, type: QTYPE.MX, ttlS: 20, rdata: [[0, 10], { name: NAME }] },
  {
    section: 0,
    owner: NAME,
    type: QTYPE.SRV,
    ttlS: 20,
    rdata: [[0, 1, 0, 2, 0, 53], { name: NAME }],
  },
  SOA,
  { section: 2, owner: NAME, type: 4711, ttlS: 1, rdata: [[1, 2, 3]] },
];

function bodyOf(records: readonly RecordFields[]) {
  return readResponse(buildResponse({ name: NAME, records }), endOfQuestion(NAME), 0)!.body;
}

function encoded(record: RecordFields): ResourceRecord {
  const data = record.rdata.flatMap((part) =>
    'name' in part ? [...nameFromText(String(part.name))!] : [...part],
  );
  const { type, ttlS } = record;
  const owner = nameFromText(String(record.owner))!;
  return { owner, type, rclass: 1, ttlS, data: Uint8Array.from(data) };
}

suite('records of a body', () => {
  test('each with its names written out', () => {
    const expected = (section: number) =>
      RECORDS.filter((record) => record.section === section).map(encoded);
    assert.deepEqual(
      plain(sectionsOf(bodyOf(RECORDS), QUESTION)),
      plain({ answer: expected(0), authority: expected(1), additional: expected(2) }),
    );
  });

  test('give the same body again', () => {
    const body = bodyOf(RECORDS);
    const { flags, rcode } = body;
    const again = responseOf(QUESTION, { flags, rcode, sections: sectionsOf(body, QUESTION) });
    assert.deepEqual(again?.body, body);
  });

  test('of any octets come back as they went in', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,20}$/);
    const owner = fc
      .array(label, { maxLength: 4 })
      .map((labels) => nameFromText(labels.join('.'))!);
    const data = fc.uint8Array({ maxLength: 300 });
    const rclass = fc.constant(1);
    const record = fc.record({
      owner,
      type: fc.integer({ min: 260, max: 65_000 }),
      rclass,
      ttlS: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      data,
    });
    const section = fc.array(record, { maxLength: 5 });
    const sections = fc.record({ answer: section, authority: section, additional: section });
    fc.assert(
      fc.property(sections, (given) => {
        const response = responseOf(QUESTION, { flags: FLAG.AA, rcode: 0, sections: given })!;
        assert.deepEqual(plain(sectionsOf(response.body, QUESTION)), plain(given));
      }),
    );
  });

  test('too many for a message make none', () => {
    const record = encoded({
      section: 0,
      owner: NAME,
      type: 4711,
      ttlS: 1,
      rdata: [new Array(60_000).fill(1)],
    });
    const sections = { ...NO_RECORDS, answer: [record, record] };
    assert.equal(responseOf(QUESTION, { flags: 0, rcode: 0, sections }), undefined);
  });

  test('a malformed one makes none', () => {
    const record = { ...encoded(RECORDS[1]!), data: Uint8Array.of(1, 2, 3) };
    const sections = { ...NO_RECORDS, answer: [record] };
    assert.equal(responseOf(QUESTION, { flags: 0, rcode: 0, sections }), undefined);
  });
});

/** In octets as plain lists, so that subarrays and copies are alike. */
function plain({ answer, authority, additional }: Sections) {
  return [answer, authority, additional].map((records) =>
    records.map(({ owner, type, rclass, ttlS, data }) => [
      [...owner],
      type,
      rclass,
      ttlS,
      [...data],
    ]),
  );
}

test('a body as a response with other TTLs', () => {
  const body = { ...bodyOf(RECORDS), rcode: RCODE.BADVERS };
  const response = responseWithTtl(body, QUESTION, 5);
  const { answer, authority } = sectionsOf(response.body, QUESTION);
  assert.deepEqual(
    [...answer, ...authority].map(({ ttlS }) => ttlS),
    [5, 5, 5, 5, 5],
  );
  assert.equal(response.body.rcode, RCODE.BADVERS);
  assert.equal(response.facts.ttlMinS, 5);
  assert.equal(response.facts.soaTtlS, 5);
});
