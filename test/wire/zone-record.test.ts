/** Records from their text: the octets that CoreDNS's library makes of it, and what is refused with its place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nameFromText } from '../../src/wire/name.ts';
import { u16, u32 } from '../../src/wire/octets.ts';
import { recordText } from '../../src/wire/record-text.ts';
import type { ResourceRecord } from '../../src/wire/records.ts';
import { QCLASS, QTYPE } from '../../src/wire/registry.ts';
import { recordFromText } from '../../src/wire/zone-record.ts';
import { NO_RECORDS, RECORDS } from './record-texts.ts';
import { NO_RARE_RECORDS, WRITTEN_RECORDS } from './written-records.ts';

function recordOf(text: string): ResourceRecord {
  const read = recordFromText(text);
  assert(read.code === 'read', `${text}: ${JSON.stringify(read)}`);
  return read.record;
}

function octetsOf({ owner, type, rclass, ttlS, data }: ResourceRecord): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(rclass, 2);
  fixed.writeUInt32BE(ttlS, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

test('the octets of a record’s text', () => {
  for (const [text, hex] of RECORDS) {
    assert.equal(octetsOf(recordOf(text)).toString('hex'), hex, text);
  }
});

test('the octets of every type’s text, and the text of the octets', () => {
  for (const [text, hex, written] of WRITTEN_RECORDS) {
    const record = recordOf(text);
    assert.equal(octetsOf(record).toString('hex'), hex, text);
    assert.equal(recordText(record), written, text);
  }
});

test('a record’s text is read as the same record', () => {
  for (const [text] of [...RECORDS, ...WRITTEN_RECORDS]) {
    const record = recordOf(text);
    assert.deepEqual(octetsOf(recordOf(recordText(record))), octetsOf(record), text);
  }
});

test('where texts differ from those of CoreDNS’s library', () => {
  const cases: [text: string, written: string][] = [
    // It wants seconds behind minutes.
    ['x LOC 42 21 N 71 6 W 0m', 'LOC\t42 21 0.000 N 71 06 0.000 W 0m 1m 10000m 10m'],
    // It loses the relay where discovery is optional.
    ['x AMTRELAY 10 1 2 2001:db8::15', 'AMTRELAY\t10 1 2 2001:db8::15'],
    // It writes no backslash in the value, which reads as another one.
    [String.raw`x CAA 0 issue "a\\b"`, String.raw`CAA	0 issue "a\\b"`],
    // It wants the types in order.
    ['x NSEC b. MX A', 'NSEC\tb. A MX'],
    ['x NSEC b. TYPE65535', 'NSEC\tb. TYPE65535'],
    ['x CERT pkix 1 rsasha256 AQPS', 'CERT\tPKIX 1 RSASHA256 AQPS'],
  ];
  for (const [text, written] of cases) {
    assert.equal(recordText(recordOf(text)), `x.\t3600\tIN\t${written}`);
  }
});

test('a missing subaddress of ISDN is written as an empty one', () => {
  const owner = nameFromText('x')!;
  const data = Uint8Array.from([2, 0, 0]);
  const record = { owner, type: QTYPE.ISDN, rclass: QCLASS.IN, ttlS: 60, data };
  assert.equal(recordText(record), 'x.\t60\tIN\tISDN\t"\\000\\000" ""');
});

test('any octets have a text that reads as the same octets', () => {
  const types = Object.values(QTYPE).filter(
    (type) => type !== QTYPE.OPT && (type < 128 || type > 255),
  );
  const owner = nameFromText('x')!;
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 40 }), (type, data) => {
      const record = { owner, type, rclass: QCLASS.IN, ttlS: 60, data };
      const text = recordText(record);
      // Some forms have several spellings in octets: bits of types, zeros of prefixes, precisions, padding.
      const read = recordOf(text);
      assert.equal(recordText(read), text);
    }),
    { numRuns: 5_000 },
  );
});

test('what is no record', () => {
  for (const text of [...NO_RECORDS, ...NO_RARE_RECORDS])
    assert.equal(recordFromText(text).code, 'invalid', text);
});

test('what CoreDNS’s library lets through and nobody can mean', () => {
  for (const text of [
    'example.org A',
    'example.org TXT',
    'example.org HINFO PC',
    'example.org SOA ns admin 1 60 60 60',
  ]) {
    assert.equal(recordFromText(text).code, 'invalid', text);
  }
});

test('an error names the word, its line and its column', () => {
  const cases: [string, string][] = [
    ['test.example.', 'dns: no type behind: "test.example." at line: 1:1'],
    ['a.example 60 IN A 192.0.2', 'dns: expected an IPv4 address: "192.0.2" at line: 1:19'],
    ['a.example 60 IN A', 'dns: expected an IPv4 address behind: "A" at line: 1:17'],
    ['a.example soon A 192.0.2.1', 'dns: not a TTL: "soon" at line: 1:11'],
    ['a.example A 192.0.2.1 more', 'dns: unexpected: "more" at line: 1:23'],
    ['a.example SOA ns admin (\n 1 2 3\n 4 x )', 'dns: expected seconds: "x" at line: 3:4'],
    ['a.example NULL 1', 'dns: only \\# SIZE HEX is known for: "NULL" at line: 1:11'],
    ['a.example LOC 91 N 0 E 0', 'dns: expected an angle up to 90 with N or S: "91" at line: 1:15'],
    [
      'a.example APL 1:10.0.0.1/8',
      'dns: expected FAMILY:ADDRESS/PREFIX: "1:10.0.0.1/8" at line: 1:15',
    ],
    ['a.example TYPE9 \\# 2 00', 'dns: expected the size of the data: "2" at line: 1:20'],
    ['', 'dns: no record: "" at line: 1:1'],
  ];
  for (const [text, reason] of cases) {
    assert.deepEqual(recordFromText(text), { code: 'invalid', reason }, text);
  }
});

test('any text is a record or none', () => {
  const part = fc.constantFrom(
    ...['a.example', '60', 'IN', 'CH', 'A', 'TXT', 'HTTPS', 'NSEC3', 'SOA', 'TYPE9', '\\#', '4'],
    ...['192.0.2.1', '"', '\\', '(', ')', ';', '\n', ' ', '\t', 'alpn=h2', '\\300', 'é', '.'],
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(part).map((parts) => parts.join(' ')),
    fc.array(part).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (input) => {
      const read = recordFromText(input);
      if (read.code === 'invalid') assert.match(read.reason, /^dns: .* at line: \d+:\d+$/s);
      else assert.ok(read.record.data.length <= 65_535);
    }),
    { numRuns: 2_000 },
  );
});

test('numbers come back as they were written', () => {
  fc.assert(
    fc.property(fc.nat(65_535), fc.nat(2 ** 31), (preference, ttlS) => {
      const record = recordOf(`a.example ${ttlS} MX ${preference} mail`);
      assert.deepEqual([record.ttlS, u16(record.data, 0)], [ttlS, preference]);
      assert.equal(u32(recordOf(`a.example SOA a b ${ttlS} 1 2 3 4`).data, 6), ttlS);
    }),
  );
});
