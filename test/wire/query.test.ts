/**
 * Reading queries: what is accepted and what each malformation gets, for any octets and for those just beside a good query.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nameToText } from '../../src/wire/name.ts';
import { QueryFields, readQuery, VERDICT, type Verdict } from '../../src/wire/query.ts';
import { encodeName, encodeQuery, FLAG } from '../support/messages.ts';
import { corpus, skipWithoutCorpus } from './corpus.ts';

const QUERY = encodeQuery({ name: 'www.Example.org', type: 'AAAA', id: 0x1234 });
const EDNS_QUERY = encodeQuery({
  name: 'www.example.org',
  edns: {
    size: 4096,
    dnssecOk: true,
    options: [{ code: 10, data: Buffer.from('12345678') }],
  },
});

function read(message: Uint8Array, out = new QueryFields()): Verdict {
  return readQuery(message, 0, message.length, out);
}

/** The octets of `message` with a 16-bit word replaced. */
function withWord(message: Uint8Array, at: number, value: number): Buffer {
  const changed = Buffer.from(message);
  changed.writeUInt16BE(value, at);
  return changed;
}

function withOpcode(opcode: number): Buffer {
  return withWord(QUERY, 2, (opcode << 11) | FLAG.RD);
}

/** QUERY with records behind it, counted in additional. */
function withRecords(...records: readonly Uint8Array[]): Buffer {
  return Buffer.concat([withWord(QUERY, 10, records.length), ...records]);
}

function opt(rdata: readonly number[] = [], version = 0, owner: readonly number[] = [0]): Buffer {
  const fixed = [0, 41, 4, 208, 0, version, 0, 0, 0, rdata.length];
  return Buffer.from([...owner, ...fixed, ...rdata]);
}

const TSIG = Buffer.from([0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 2, 1, 2]);

test('reads the fields', () => {
  const out = new QueryFields();
  assert.equal(read(QUERY, out), VERDICT.ACCEPT);
  const name = encodeName('www.Example.org');
  assert.deepEqual(
    [out.id, out.flags, out.qtype, out.qclass, out.qnameSize, out.questionEnd, out.labelCount],
    [0x1234, FLAG.RD, 28, 1, name.length, 12 + name.length + 4, 3],
  );
  assert.deepEqual([...out.labelAt.subarray(0, 4)], [0, 4, 12, 16]);
  assert.deepEqual([out.hasOpt, out.udpSize, out.dnssecOk], [false, 0, false]);
});

test('reads EDNS, and forgets it with the next query', () => {
  const out = new QueryFields();
  assert.equal(read(EDNS_QUERY, out), VERDICT.ACCEPT);
  assert.deepEqual([out.hasOpt, out.udpSize, out.dnssecOk], [true, 4096, true]);
  assert.equal(read(QUERY, out), VERDICT.ACCEPT);
  assert.deepEqual([out.hasOpt, out.udpSize, out.dnssecOk], [false, 0, false]);
});

test('reads a query anywhere in a buffer', () => {
  const larger = new Uint8Array(500).fill(0xff);
  larger.set(EDNS_QUERY, 64);
  const out = new QueryFields();
  assert.equal(readQuery(larger, 64, EDNS_QUERY.length, out), VERDICT.ACCEPT);
  assert.equal(out.questionEnd, 12 + 17 + 4);
});

const VERDICTS: readonly [what: string, message: Uint8Array, verdict: Verdict][] = [
  ['no header', QUERY.subarray(0, 11), VERDICT.IGNORE],
  ['nothing', new Uint8Array(0), VERDICT.IGNORE],
  ['a response', withWord(QUERY, 2, FLAG.QR), VERDICT.IGNORE],
  ['a response of an unknown opcode', withWord(QUERY, 2, FLAG.QR | 0x7800), VERDICT.IGNORE],
  ['IQUERY', withOpcode(1), VERDICT.NOTIMP],
  ['STATUS', withOpcode(2), VERDICT.NOTIMP],
  ['NOTIFY', withOpcode(4), VERDICT.ACCEPT],
  ['UPDATE', withOpcode(5), VERDICT.NOTIMP],
  ['opcode 15', withOpcode(15), VERDICT.NOTIMP],
  ['no question', withWord(QUERY, 4, 0), VERDICT.FORMERR],
  ['two questions', withWord(QUERY, 4, 2), VERDICT.FORMERR],
  ['two answers', withWord(QUERY, 6, 2), VERDICT.FORMERR],
  ['two authorities', withWord(QUERY, 8, 2), VERDICT.FORMERR],
  ['three additionals', withWord(QUERY, 10, 3), VERDICT.FORMERR],
  ['a count without its record', withWord(QUERY, 10, 1), VERDICT.FORMERR],
  ['an answer, as IXFR and NOTIFY have', withAnswer(), VERDICT.ACCEPT],
  ['OPT and TSIG', withRecords(opt(), TSIG), VERDICT.ACCEPT],
  ['two OPTs', withRecords(opt(), opt()), VERDICT.FORMERR],
  ['an OPT that the root does not own', withRecords(opt([], 0, [1, 97, 0])), VERDICT.FORMERR],
  ['an OPT owned through a pointer', withRecords(opt([], 0, [0xc0, 12])), VERDICT.FORMERR],
  ['EDNS version 1', withRecords(opt([], 1)), VERDICT.BADVERS],
  ['EDNS version 255, TSIG', withRecords(opt([], 255), TSIG), VERDICT.BADVERS],
  ['EDNS version 1, then malformed', withRecords(opt([], 1), opt()), VERDICT.FORMERR],
  ['an option cut in its code', withRecords(opt([0, 10, 0])), VERDICT.FORMERR],
  ['an option longer than OPT', withRecords(opt([0, 10, 0, 2, 1])), VERDICT.FORMERR],
  ['an empty option', withRecords(opt([0, 10, 0, 0])), VERDICT.ACCEPT],
  ['octets behind the last record', Buffer.concat([EDNS_QUERY, QUERY]), VERDICT.ACCEPT],
  ['octets behind the question', Buffer.concat([QUERY, QUERY]), VERDICT.ACCEPT],
  ['a pointer in the question', pointerQuestion(), VERDICT.FORMERR],
];

function withAnswer(): Buffer {
  return Buffer.concat([withWord(QUERY, 6, 1), TSIG]);
}

function pointerQuestion(): Buffer {
  return Buffer.concat([QUERY.subarray(0, 12), Uint8Array.of(1, 97, 0xc0, 12, 0, 1, 0, 1)]);
}

for (const [what, message, verdict] of VERDICTS) {
  test(`verdict on ${what}`, () => assert.equal(read(message), verdict));
}

test('takes names of 255 octets and labels of 63, not one more', () => {
  const label = 'a'.repeat(63);
  const ask = (last: number) =>
    encodeQuery({ name: [label, label, label, 'a'.repeat(last)].join('.') });
  assert.equal(read(ask(61)), VERDICT.ACCEPT);
  assert.equal(read(ask(62)), VERDICT.FORMERR);
  assert.equal(read(encodeQuery({ name: `${label}a` })), VERDICT.FORMERR);
  assert.equal(read(encodeQuery({ name: new Array(127).fill('a') })), VERDICT.ACCEPT);
  assert.equal(read(encodeQuery({ name: new Array(128).fill('a') })), VERDICT.FORMERR);
});

test('every cut of a query is malformed, up to its last octet', () => {
  for (const message of [QUERY, EDNS_QUERY]) {
    for (let size = 12; size < message.length; size++) {
      assert.equal(read(message.subarray(0, size)), VERDICT.FORMERR, `${size} octets`);
    }
  }
});

/** A good query with a few octets changed, cut or added. */
const mutated = fc
  .record({
    from: fc.constantFrom(QUERY, EDNS_QUERY, withRecords(opt(), TSIG)),
    changes: fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }),
    cut: fc.nat(80),
    more: fc.uint8Array({ maxLength: 20 }),
  })
  .map(({ from, changes, cut, more }) => {
    const message = Buffer.concat([from.subarray(0, Math.max(0, from.length - (cut >> 2))), more]);
    for (const [at, octet] of changes) if (at < message.length) message[at] = octet;
    return message;
  });

test('never throws, and sees nothing beyond the end', () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 600 })), (message) => {
      const readings = [0x00, 0x01, 0xc0, 0xff].map((outside) => {
        const larger = new Uint8Array(message.length + 400).fill(outside);
        larger.set(message, 64);
        const out = new QueryFields();
        const verdict = readQuery(larger, 64, message.length, out);
        if (verdict !== VERDICT.ACCEPT) return { verdict };
        assert.ok(out.questionEnd <= message.length);
        assert.equal(out.questionEnd, 12 + out.qnameSize + 4);
        assert.equal(out.labelAt[out.labelCount], out.qnameSize - 1);
        nameToText(larger, 64 + 12);
        return { verdict, ...out, labelAt: out.labelAt.slice(0, out.labelCount + 1) };
      });
      for (const reading of readings) assert.deepEqual(reading, readings[0]);
    }),
    { numRuns: 2000 },
  );
});

test('reads the messages of a corpus without throwing', { skip: skipWithoutCorpus }, () => {
  const verdicts = new Map<Verdict, number>();
  for (const { message } of corpus()) {
    const verdict = read(message);
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  }
  assert.ok(verdicts.size > 1, 'a corpus has more than one kind of message');
});
