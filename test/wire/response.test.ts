/**
 * Responses in their normal form: the same records as came in, whatever their types, labels and compression; OPT gone;
 * hostile messages refused or bounded. dns-packet is one judge, the plain reader of responses.ts the other.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as dnsPacket from 'dns-packet';
import fc from 'fast-check';
import { questionEnd } from '../../src/wire/record.ts';
import { FLAG, MESSAGE_SIZE_MAX, QTYPE, RCODE } from '../../src/wire/registry.ts';
import { type Response, type ResponseBody, readResponse } from '../../src/wire/response.ts';
import { decodeMessage } from '../support/messages.ts';
import { corpus, skipWithoutCorpus } from './corpus.ts';
import {
  buildResponse,
  endOfQuestion,
  optRecord,
  type RecordFields,
  type ResponseFields,
  readPlainly,
  withoutPlace,
} from './responses.ts';

const NOW_S = 1_700_000_000;

function read(message: Uint8Array): Response | undefined {
  return readResponse(message, questionEnd(message), NOW_S);
}

function readBuilt(fields: ResponseFields): Response {
  const response = readResponse(buildResponse(fields), endOfQuestion(fields.name), NOW_S);
  assert.ok(response !== undefined);
  return response;
}

/** The message that a body makes behind the question of the message it came from. */
function messageOf(message: Uint8Array, body: ResponseBody): Buffer {
  const out = Buffer.concat([message.subarray(0, questionEnd(message)), body.octets]);
  out.writeUInt16BE(body.answerCount, 6);
  out.writeUInt16BE(body.authorityCount, 8);
  out.writeUInt16BE(body.additionalCount, 10);
  return out;
}

const NAME = 'www.example.org';
const COMMON: dnsPacket.Answer[] = [
  { type: 'A', name: NAME, ttl: 1, data: '192.0.2.1' },
  { type: 'AAAA', name: NAME, ttl: 2, data: '2001:db8::1' },
  { type: 'CNAME', name: NAME, ttl: 3, data: 'Other.Example.org' },
  { type: 'DNAME', name: NAME, ttl: 4, data: 'example.net' },
  { type: 'MX', name: 'example.org', ttl: 5, data: { preference: 10, exchange: 'mx.example.org' } },
  { type: 'NS', name: 'example.org', ttl: 6, data: 'ns1.example.org' },
  { type: 'PTR', name: '1.2.0.192.in-addr.arpa', ttl: 7, data: NAME },
  { type: 'TXT', name: NAME, ttl: 8, data: [Buffer.from('one'), Buffer.from('two \xff')] },
  { type: 'HINFO', name: NAME, ttl: 9, data: { cpu: 'arm64', os: 'Linux' } },
  { type: 'CAA', name: NAME, ttl: 10, data: { flags: 128, tag: 'issue', value: 'ca.example' } },
  {
    type: 'SRV',
    name: '_dns._udp.example.org',
    ttl: 11,
    data: { priority: 1, weight: 2, port: 53, target: NAME },
  },
  {
    type: 'SOA',
    name: 'example.org',
    ttl: 12,
    data: {
      mname: 'ns1.example.org',
      rname: 'host\\.master.example.org',
      serial: 4_000_000_000,
      refresh: 1,
      retry: 2,
      expire: 3,
      minimum: 4,
    },
  },
  {
    type: 'NAPTR',
    name: 'example.org',
    ttl: 13,
    data: {
      order: 1,
      preference: 2,
      flags: 's',
      services: 'SIP+D2U',
      regexp: '',
      replacement: '_sip._udp.example.org',
    },
  },
  {
    type: 'DS',
    name: 'example.org',
    ttl: 14,
    data: { keyTag: 1, algorithm: 13, digestType: 2, digest: Buffer.alloc(32, 7) },
  },
  {
    type: 'DNSKEY',
    name: 'example.org',
    ttl: 15,
    data: { flags: 257, algorithm: 13, key: Buffer.alloc(64, 8) },
  },
  {
    type: 'RRSIG',
    name: NAME,
    ttl: 16,
    data: {
      typeCovered: 'A',
      algorithm: 13,
      labels: 3,
      originalTTL: 300,
      expiration: NOW_S + 1000,
      inception: NOW_S - 1000,
      keyTag: 5,
      signersName: 'example.org',
      signature: Buffer.alloc(64, 9),
    },
  },
  {
    type: 'NSEC',
    name: NAME,
    ttl: 17,
    data: { nextDomain: 'zzz.example.org', rrtypes: ['A', 'RRSIG', 'NSEC'] },
  },
  {
    type: 'NSEC3',
    name: 'abc.example.org',
    ttl: 18,
    data: {
      algorithm: 1,
      flags: 0,
      iterations: 0,
      salt: Buffer.from('aa', 'hex'),
      nextDomain: Buffer.alloc(20, 3),
      rrtypes: ['A'],
    },
  },
  { type: 'RP', name: NAME, ttl: 19, data: { mbox: 'a.example.org', txt: 'b.example.org' } },
  {
    type: 'SSHFP',
    name: NAME,
    ttl: 20,
    data: { algorithm: 1, hash: 1, fingerprint: 'ab'.repeat(20) },
  },
  {
    type: 'TLSA',
    name: NAME,
    ttl: 21,
    data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32, 4) },
  },
  { type: 'NULL', name: NAME, ttl: 22, data: Buffer.from('anything') },
];

const decoded = (message: Uint8Array) => {
  const { questions, answers, authorities, additionals } = decodeMessage(message);
  return {
    questions,
    answers,
    authorities,
    additionals: additionals.filter(({ type }) => type !== 'OPT'),
  };
};

test('keeps the records of every common type, as dns-packet reads them', () => {
  const section = fc.array(fc.constantFrom(...COMMON), { maxLength: 12 });
  fc.assert(
    fc.property(section, section, section, fc.boolean(), (answers, authorities, rest, hasOpt) => {
      const opt: dnsPacket.Answer = {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 1232,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      };
      const message = dnsPacket.encode({
        type: 'response',
        questions: [{ type: 'A', name: NAME }],
        answers,
        authorities,
        additionals: hasOpt ? [opt, ...rest] : rest,
      });
      const { body } = read(message)!;
      assert.deepEqual(decoded(messageOf(message, body)), decoded(message));
    }),
    { numRuns: 200 },
  );
});

/** Few different labels, so that names share suffixes, and some of any octets. */
const label = fc.constantFrom('a', 'A', 'www', '\xff\0.');
const anyLabel = fc.uint8Array({ minLength: 1, maxLength: 20 });
const anyName = fc.array(fc.oneof({ weight: 9, arbitrary: label }, anyLabel), { maxLength: 5 });
const octetsOf = (size: number) =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((octets) => [...octets]);
const named = (prefix: number, count: number) =>
  fc
    .tuple(octetsOf(prefix), fc.array(anyName, { minLength: count, maxLength: count }))
    .map(([octets, names]) => [octets, ...names.map((name) => ({ name }))]);

/** Type and RDATA of the types whose names a server may compress (RFC 1035, RFC 3597 §4), and of some others. */
const dataOf = fc.oneof(
  ...[2, 5, 12, 39].map((type) => fc.tuple(fc.constant(type), named(0, 1))),
  ...[15, 18, 36].map((type) => fc.tuple(fc.constant(type), named(2, 1))),
  fc.tuple(fc.constant(17), named(0, 2)),
  fc.tuple(fc.constant(33), named(6, 1)),
  fc
    .tuple(named(0, 2), octetsOf(20))
    .map(([names, rest]) => [6, [...names, rest]] as [number, RecordFields['rdata']]),
  fc
    .tuple(named(18, 1), octetsOf(64))
    .map(([names, rest]) => [46, [...names, rest]] as [number, RecordFields['rdata']]),
  fc
    .tuple(fc.constantFrom(30, 47), named(0, 1), octetsOf(3))
    .map(([type, names, rest]) => [type, [...names, rest]] as [number, RecordFields['rdata']]),
  fc
    .tuple(octetsOf(4), anyName)
    .map(([order, name]) => [35, [[...order, 1, 115, 0, 2, 46, 0xc0], { name }]]) as fc.Arbitrary<
    [number, RecordFields['rdata']]
  >,
  octetsOf(4).map((address) => [1, [address]] as [number, RecordFields['rdata']]),
  octetsOf(16).map((address) => [28, [address]] as [number, RecordFields['rdata']]),
  fc
    .uint8Array({ maxLength: 40 })
    .map((octets) => [65280, [[...octets]]] as [number, RecordFields['rdata']]),
);

const anyRecord = fc
  .record({
    section: fc.nat(2),
    owner: anyName,
    rclass: fc.constantFrom(1, 3),
    ttlS: fc.nat(0x7fff_ffff),
    data: dataOf,
  })
  .map(({ data: [type, rdata], ...rest }): RecordFields => ({ ...rest, type, rdata }));

test('keeps every record, label and letter of compressed messages', () => {
  fc.assert(
    fc.property(
      anyName,
      fc.array(anyRecord, { maxLength: 30 }),
      fc.boolean(),
      (name, records, compress) => {
        const message = buildResponse({ name, records, compress });
        const { body } = read(message)!;
        const out = messageOf(message, body);
        const readBack = readPlainly(out);
        assert.deepEqual(readBack.map(withoutPlace), readPlainly(message).map(withoutPlace));
        // The places of the TTLs are counted from the end of the question.
        const ttlPlaces = readBack.map(({ ttlAt }) => ttlAt - endOfQuestion(name));
        assert.deepEqual([...body.ttlOffsets], ttlPlaces);
      },
    ),
    { numRuns: 300 },
  );
});

test('compresses: 30 addresses fit into 512 octets', () => {
  const records = Array.from({ length: 30 }, (_, index): RecordFields => {
    return { section: 0, owner: 'example.org', type: 1, ttlS: 30, rdata: [[192, 0, 2, index]] };
  });
  const { body } = readBuilt({ name: 'example.org', records, compress: false });
  assert.equal(body.octets.length, 30 * 16);
  assert.ok(endOfQuestion('example.org') + body.octets.length <= 512);
});

test('letter case: each name keeps its own, and only equal spellings share', () => {
  const records: RecordFields[] = ['WWW.example.org', 'www.EXAMPLE.org', 'www.example.org'].map(
    (owner) => ({ section: 0, owner, type: 1, ttlS: 1, rdata: [[192, 0, 2, 1]] }),
  );
  const message = buildResponse({ name: 'www.example.org', records });
  const out = messageOf(message, read(message)!.body);
  assert.deepEqual(
    decodeMessage(out).answers.map(({ name }) => name),
    ['WWW.example.org', 'www.EXAMPLE.org', 'www.example.org'],
  );
});

test('names in the RDATA of later types are written out (RFC 3597 §4)', () => {
  const records: RecordFields[] = [
    { section: 0, owner: NAME, type: 33, ttlS: 1, rdata: [[0, 1, 0, 2, 0, 53], { name: NAME }] },
  ];
  const { body } = readBuilt({ name: NAME, records });
  assert.equal(body.octets.length, 2 + 10 + 6 + 17);
});

test('takes OPT out and its upper rcode bits and DO into account', () => {
  const flags = FLAG.QR | FLAG.AA | FLAG.RA | FLAG.AD | FLAG.CD | FLAG.RD;
  const { body } = readBuilt({ name: NAME, flags, records: [optRecord(1, 0x8000)] });
  assert.equal(body.rcode, RCODE.BADVERS);
  assert.equal(body.flags, FLAG.AA | FLAG.RA | FLAG.AD);
  assert.deepEqual([body.octets.length, body.ttlOffsets.length], [0, 0]);
  assert.deepEqual([body.answerCount, body.authorityCount, body.additionalCount], [0, 0, 0]);
});

test('refuses two OPTs, one outside of additional, one that the root does not own', () => {
  const refused: RecordFields[][] = [
    [optRecord(), optRecord()],
    [{ ...optRecord(), section: 0 }],
    [{ ...optRecord(), owner: 'a' }],
  ];
  for (const records of refused) {
    assert.equal(read(buildResponse({ name: NAME, records })), undefined);
  }
});

function addressRecord(ttlS: number, section = 0): RecordFields {
  return { section, owner: NAME, type: 1, ttlS, rdata: [[192, 0, 2, 1]] };
}

function soaRecord(ttlS: number): RecordFields {
  const rdata = [{ name: 'ns' }, { name: 'mbox' }, new Array(20).fill(0)];
  return { section: 1, owner: 'org', type: 6, ttlS, rdata };
}

test('tells the smallest TTL of all sections, and the SOA record’s', () => {
  const { facts } = readBuilt({
    name: NAME,
    records: [addressRecord(9), soaRecord(7), addressRecord(5, 2), optRecord(0, 1)],
  });
  assert.deepEqual([facts.ttlMinS, facts.soaTtlS], [5, 7]);
  const empty = readBuilt({ name: NAME, records: [optRecord()] }).facts;
  assert.deepEqual([empty.ttlMinS, empty.soaTtlS], [undefined, undefined]);
});

test('a TTL with its top bit set is 0 (RFC 2181 §8), in the body too', () => {
  const { body, facts } = readBuilt({ name: NAME, records: [addressRecord(0x8000_0000)] });
  assert.equal(facts.ttlMinS, 0);
  assert.equal(Buffer.from(body.octets).readUInt32BE(body.ttlOffsets[0]), 0);
});

test('tells whether the answer holds the type asked for', () => {
  const cname: RecordFields = {
    section: 0,
    owner: NAME,
    type: 5,
    ttlS: 1,
    rdata: [{ name: 'other' }],
  };
  const facts = (type: number, records: readonly RecordFields[]) =>
    readBuilt({ name: NAME, type, records }).facts;
  assert.equal(facts(QTYPE.A, [cname]).answersType, false);
  assert.equal(facts(QTYPE.A, [cname, addressRecord(1)]).answersType, true);
  assert.equal(facts(QTYPE.CNAME, [cname]).answersType, true);
  assert.equal(facts(QTYPE.ANY, [cname]).answersType, true);
  assert.equal(facts(QTYPE.A, [addressRecord(1, 2)]).answersType, false);
});

test('tells truncation and opcode', () => {
  const flags = FLAG.QR | FLAG.TC | (5 << 11);
  const { facts, body } = readBuilt({ name: NAME, flags, records: [] });
  assert.deepEqual([facts.isTruncated, facts.opcode], [true, 5]);
  assert.equal(body.flags, FLAG.TC, 'a client that asked over UDP must hear of it');
});

const u32Octets = (value: number) => {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value >>> 0);
  return [...octets];
};

function signature(inception: number, expiration: number): RecordFields {
  const fixed = [
    0,
    1,
    13,
    3,
    ...u32Octets(300),
    ...u32Octets(expiration),
    ...u32Octets(inception),
    0,
    5,
  ];
  const rdata = [fixed, { name: 'org' }, new Array(8).fill(1)];
  return { section: 0, owner: NAME, type: 46, ttlS: 1, rdata };
}

test('finds signatures outside their validity, by serial arithmetic, where DO is set', () => {
  const isExpired = (inception: number, expiration: number, flags = 0x8000, nowS = NOW_S) => {
    const records = [signature(inception, expiration), optRecord(0, flags)];
    const message = buildResponse({ name: NAME, records });
    return readResponse(message, endOfQuestion(NAME), nowS)!.facts.hasExpiredSignature;
  };
  assert.equal(isExpired(NOW_S - 10, NOW_S + 10), false);
  assert.equal(isExpired(NOW_S, NOW_S), false, 'both bounds belong to the validity');
  assert.equal(isExpired(NOW_S - 10, NOW_S - 1), true, 'expired');
  assert.equal(isExpired(NOW_S + 1, NOW_S + 10), true, 'not yet valid');
  assert.equal(isExpired(NOW_S - 10, NOW_S - 1, 0), false, 'without DO nobody looks');
  // RFC 4034 §3.1.5: the numbers wrap in 2106.
  assert.equal(isExpired(0xffff_ff00, 0x100, 0x8000, 0xffff_fff0), false);
  assert.equal(isExpired(0xffff_ff00, 0x100, 0x8000, 2 ** 32 + 0x10), false);
  assert.equal(isExpired(0xffff_ff00, 0x100, 0x8000, 2 ** 32 + 0x200), true);
});

test('an empty signature is no valid one, whatever stands behind it', () => {
  // Where expiration and inception would be, the next record has the low half of its TTL, its size, and its data.
  const behind: RecordFields = {
    ...addressRecord(0x7000),
    type: 65280,
    rdata: [u32Octets(NOW_S - 5)],
  };
  const records = [{ ...addressRecord(1), type: 46, rdata: [[]] }, behind, optRecord(0, 0x8000)];
  assert.equal(readBuilt({ name: NAME, records }).facts.hasExpiredSignature, true);
});

test('refuses addresses of a wrong size', () => {
  for (const [type, size] of [
    [1, 3],
    [1, 5],
    [28, 4],
    [28, 17],
  ] as const) {
    const record = { ...addressRecord(1), type, rdata: [new Array(size).fill(1)] };
    assert.equal(read(buildResponse({ name: NAME, records: [record] })), undefined);
  }
});

test('refuses names that leave their RDATA', () => {
  const cut: RecordFields = { ...addressRecord(1), type: 5, rdata: [[5, 97, 98]] };
  const behind = addressRecord(1);
  assert.equal(read(buildResponse({ name: NAME, records: [cut, behind] })), undefined);
  const pointer: RecordFields = { ...addressRecord(1), type: 5, rdata: [[0xc0]] };
  assert.equal(read(buildResponse({ name: NAME, records: [pointer, behind] })), undefined);
});

test('every cut of a message is refused', () => {
  const message = buildResponse({
    name: NAME,
    records: [addressRecord(1), soaRecord(2), signature(1, 2), optRecord()],
  });
  for (let size = endOfQuestion(NAME); size < message.length; size++) {
    assert.equal(readResponse(message.subarray(0, size), endOfQuestion(NAME), NOW_S), undefined);
  }
});

test('never throws on octets behind a question, and sees nothing beyond the end', () => {
  const header = buildResponse({ name: NAME, records: [] });
  const good = buildResponse({
    name: NAME,
    records: [addressRecord(1), soaRecord(2), signature(1, 2), optRecord()],
  }).subarray(header.length);
  const mutated = fc
    .tuple(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 3 }),
      fc.nat(good.length),
    )
    .map(([changes, size]) => {
      const octets = Uint8Array.from(good);
      for (const [at, octet] of changes) octets[at] = octet;
      return octets.subarray(0, good.length - (size >> 3));
    });
  const counts = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3));
  const rest = fc.oneof(mutated, fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(rest, counts, (octets, sectionCounts) => {
      const message = Buffer.concat([header, octets]);
      for (const [section, count] of sectionCounts.entries()) {
        message.writeUInt16BE(count, 6 + 2 * section);
      }
      const readings = [0x00, 0xc0].map((outside) => {
        const larger = new Uint8Array(message.length + 300).fill(outside);
        larger.set(message, 100);
        const inside = larger.subarray(100, 100 + message.length);
        return readResponse(inside, header.length, NOW_S);
      });
      assert.deepEqual(readings[0], readings[1]);
    }),
    { numRuns: 2000 },
  );
});

test('what does not fit into a message once names are written out is refused', () => {
  const records = Array.from({ length: 3000 }, (): RecordFields => {
    const target = { name: new Array(60).fill('a') };
    return { section: 0, owner: 'b', type: 33, ttlS: 1, rdata: [[0, 0, 0, 0, 0, 0], target] };
  });
  assert.equal(read(buildResponse({ name: 'b', records })), undefined);
});

test('the largest honest answers are not refused', () => {
  // An alias of a headless Service: every address record's owner is a pointer to the long name.
  const target = 'endpoints.of-a-large-service.production.svc.cluster.local';
  const cname: RecordFields = { ...addressRecord(1), type: 5, rdata: [{ name: target }] };
  const records = new Array(4000).fill({ ...addressRecord(1), owner: target });
  const { body } = readBuilt({ name: NAME, records: [cname, ...records] });
  assert.equal(body.answerCount, 4001);
  // Its SRV records, with targets written out as CoreDNS does, and an address record for each.
  const pods = Array.from({ length: 700 }, (_, pod): RecordFields[] => {
    const name = `web-${pod}.backend.production.svc.cluster.local`;
    const data = [[0, 0, 0, 1, 0, 80], { name, plain: true as const }];
    return [
      { ...addressRecord(1), type: 33, rdata: data },
      { ...addressRecord(1, 2), owner: name },
    ];
  });
  const srv = readBuilt({ name: 'production.svc.cluster.local', type: 33, records: pods.flat() });
  assert.deepEqual([srv.body.answerCount, srv.body.additionalCount], [700, 700]);
  // Reverse records of one address, as many as fit, all in one zone.
  const names = Array.from({ length: 2000 }, (_, pod): RecordFields => {
    const name = `a-${pod}.${target}`;
    return { ...addressRecord(1), owner: NAME, type: 12, rdata: [{ name }] };
  });
  assert.equal(readBuilt({ name: NAME, type: 12, records: names }).body.answerCount, 2000);
});

test('a full message of records of one name is read whole', () => {
  const records = new Array(4000).fill(addressRecord(1));
  const { body } = readBuilt({ name: NAME, records });
  assert.deepEqual([body.answerCount, body.octets.length], [4000, 64_000]);
});

test('reads the messages of a corpus without throwing', { skip: skipWithoutCorpus }, () => {
  let readCount = 0;
  for (const { file, message } of corpus()) {
    const end = questionEnd(message);
    if (end < 17 || message.length > MESSAGE_SIZE_MAX) continue;
    const response = readResponse(message, end, NOW_S);
    if (response === undefined || ((message[4]! << 8) | message[5]!) !== 1) continue;
    const back = readPlainly(messageOf(message, response.body));
    assert.equal(back.length, response.body.ttlOffsets.length, file);
    readCount += 1;
  }
  assert.ok(readCount > 0);
});
