/**
 * Replies made in the octets of their query: what they say, what is cut, what of the query comes back.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QueryFields, readQuery, VERDICT } from '../../src/wire/query.ts';
import { FLAG, RCODE } from '../../src/wire/registry.ts';
import {
  BodySource,
  buildUpstreamQuery,
  udpLimit,
  writeEmptyReply,
  writeHeaderReply,
  writeReply,
} from '../../src/wire/reply.ts';
import { type ResponseBody, readResponse } from '../../src/wire/response.ts';
import {
  type QueryFields as Ask,
  decodeMessage,
  encodeName,
  encodeQuery,
} from '../support/messages.ts';
import {
  buildResponse,
  endOfQuestion,
  type RecordFields,
  type ResponseFields,
  readPlainly,
  withoutPlace,
} from './responses.ts';

const NAME = 'www.example.org';
const AT = 64;

function record(section: number, index: number, ttlS = 300): RecordFields {
  return { section, owner: NAME, type: 1, ttlS, rdata: [[192, 0, 2, index]] };
}

function bodyOf(fields: Omit<ResponseFields, 'name'>): ResponseBody {
  const message = buildResponse({ name: NAME, ...fields });
  return readResponse(message, endOfQuestion(NAME), 0)!.body;
}

/** A buffer with a query in it, as a responder has it. */
function received(ask: Partial<Ask> = {}) {
  const octets = new Uint8Array(70_000).fill(0xa5);
  const message = encodeQuery({ name: NAME, ...ask });
  octets.set(message, AT);
  const query = new QueryFields();
  assert.equal(readQuery(octets, AT, message.length, query), VERDICT.ACCEPT);
  return { octets, query, size: message.length };
}

interface ReplyOptions {
  readonly ask?: Partial<Ask>;
  readonly ttlS?: number;
  readonly limit?: number;
}

function reply(body: ResponseBody, { ask = {}, ttlS = 17, limit = 65_535 }: ReplyOptions = {}) {
  const { octets, query } = received(ask);
  const source = new BodySource();
  source.setBody(body, ttlS);
  const size = writeReply(octets, AT, query, source, limit);
  const message = Buffer.from(octets.subarray(AT, AT + size));
  // Nothing in front of the reply was touched, nor anything behind the limit.
  assert.ok(octets.subarray(0, AT).every((octet) => octet === 0xa5));
  assert.ok(octets.subarray(AT + Math.max(limit, size)).every((octet) => octet === 0xa5));
  return message;
}

const flagsOf = (message: Buffer) => message.readUInt16BE(2);

test('has the id and the question as they were asked, and the records with the TTL given', () => {
  const body = bodyOf({ records: [record(0, 1), record(1, 2, 9), record(2, 3, 0)] });
  const message = reply(body, { ask: { id: 77, name: 'wWw.Example.ORG' } });
  const { id, questions, answers, authorities, additionals } = decodeMessage(message);
  assert.equal(id, 77);
  assert.equal(questions[0]?.name, 'wWw.Example.ORG');
  for (const section of [answers, authorities, additionals]) {
    assert.equal(section.length, 1);
    assert.ok(section[0]?.type === 'A' && section[0].ttl === 17);
  }
});

test('keeps the stored TTLs where none is given', () => {
  const body = bodyOf({ records: [record(0, 1, 5), record(0, 2, 6)] });
  const ttls = (ttlS: number) => readPlainly(reply(body, { ttlS })).map((plain) => plain.ttlS);
  assert.deepEqual(ttls(-1), [5, 6]);
  assert.deepEqual(ttls(0), [0, 0]);
  assert.deepEqual(ttls(0x7fff_ffff), [0x7fff_ffff, 0x7fff_ffff]);
});

test('a body that lies in the middle of other memory gives the same reply', () => {
  const body = bodyOf({ records: [record(0, 1), record(1, 2)] });
  const source = new BodySource();
  source.setBody(body, 17);
  source.octets = new Uint8Array(1000).fill(0xee);
  source.octets.set(body.octets, 300);
  source.octetsAt = 300;
  source.ttlOffsets = new Uint16Array(50).fill(0xeeee);
  source.ttlOffsets.set(body.ttlOffsets, 9);
  source.ttlOffsetsAt = 9;
  for (const limit of [65_535, 50]) {
    const { octets, query } = received({ id: 1 });
    const size = writeReply(octets, AT, query, source, limit);
    assert.deepEqual(
      Buffer.from(octets.subarray(AT, AT + size)),
      reply(body, { ask: { id: 1 }, limit }),
    );
  }
});

test('OPT comes last and mirrors the size and DO of the query’s', () => {
  const body = bodyOf({ records: [record(0, 1), record(2, 2)] });
  const message = reply(body, { ask: { edns: { size: 1400, dnssecOk: true } } });
  const { additionals } = decodeMessage(message);
  const opt = additionals.at(-1);
  assert.ok(additionals.length === 2 && opt?.type === 'OPT');
  assert.deepEqual([opt.udpPayloadSize, opt.flag_do, opt.ednsVersion], [1400, true, 0]);
  assert.deepEqual(opt.options, []);
  assert.equal(decodeMessage(reply(body)).additionals.length, 1);
});

test('the upper bits of the rcode go into OPT, and nowhere without one', () => {
  const body = { ...bodyOf({ records: [] }), rcode: RCODE.BADCOOKIE };
  const message = reply(body, { ask: { edns: {} } });
  const opt = readPlainly(message)[0]!;
  assert.equal((opt.ttlS >>> 24) * 16 + (flagsOf(message) & 15), RCODE.BADCOOKIE);
  assert.equal(reply(body).length, endOfQuestion(NAME));
});

test('RD, CD and the opcode come from the query, AA and RA from the body', () => {
  const body = { ...bodyOf({ records: [] }), flags: FLAG.AA | FLAG.RA, rcode: RCODE.NXDOMAIN };
  const flags = (asked: number) => flagsOf(reply(body, { ask: { flags: asked } }));
  const own = FLAG.QR | FLAG.AA | FLAG.RA | RCODE.NXDOMAIN;
  assert.equal(flags(0), own);
  assert.equal(flags(FLAG.RD), own | FLAG.RD);
  assert.equal(flags(FLAG.CD), own | FLAG.CD);
  assert.equal(flags(4 << 11), own | (4 << 11), 'NOTIFY');
  // What has no meaning in a query does not come back: AA, TC, RA, Z, an rcode.
  assert.equal(flags(FLAG.AA | FLAG.TC | FLAG.RA | 0x40 | 7), own);
});

test('AD only for those who set DO or AD (RFC 6840 §5.7)', () => {
  const body = { ...bodyOf({ records: [] }), flags: FLAG.AD };
  const hasAd = (ask: Partial<Ask>) => (flagsOf(reply(body, { ask })) & FLAG.AD) !== 0;
  assert.equal(hasAd({}), false);
  assert.equal(hasAd({ edns: {} }), false);
  assert.equal(hasAd({ flags: FLAG.AD }), true);
  assert.equal(hasAd({ edns: { dnssecOk: true } }), true);
  const without = { ...body, flags: 0 };
  assert.equal(flagsOf(reply(without, { ask: { flags: FLAG.AD } })) & FLAG.AD, 0);
});

const sections = fc.tuple(fc.nat(12), fc.nat(12), fc.nat(12));
const rdata = fc.uint8Array({ maxLength: 60 }).map((octets) => [[...octets]]);

test('truncation keeps the records that fit, in order, and counts them right', () => {
  fc.assert(
    fc.property(
      sections,
      fc.array(rdata, { minLength: 36, maxLength: 36 }),
      fc.nat(1500),
      fc.boolean(),
      (counts, data, more, hasOpt) => {
        const records = counts.flatMap((count, section) =>
          Array.from({ length: count }, (_, index): RecordFields => {
            return {
              section,
              owner: NAME,
              type: 65280,
              ttlS: 17,
              rdata: data[12 * section + index]!,
            };
          }),
        );
        const body = bodyOf({ records });
        const floor = endOfQuestion(NAME) + (hasOpt ? 11 : 0);
        const limit = floor + more;
        const message = reply(body, { limit, ask: hasOpt ? { edns: {} } : {} });
        assert.ok(message.length <= limit);
        const all = readPlainly(reply(body)).map(withoutPlace);
        const kept = readPlainly(message).map(withoutPlace);
        if (hasOpt) assert.equal(kept.pop()?.type, 41);
        assert.deepEqual(kept, all.slice(0, kept.length));
        const isCut = (flagsOf(message) & FLAG.TC) !== 0;
        assert.equal(isCut, kept.length < all.length);
        // One more would not have fitted.
        const next = records[kept.length];
        if (next) assert.ok(message.length + 12 + next.rdata.flat().length > limit);
        assert.ok(message.length >= floor);
      },
    ),
    { numRuns: 300 },
  );
});

test('a reply of exactly the limit is not truncated', () => {
  const body = bodyOf({ records: [record(0, 1), record(0, 2)] });
  const whole = reply(body).length;
  assert.equal(flagsOf(reply(body, { limit: whole })) & FLAG.TC, 0);
  const cut = reply(body, { limit: whole - 1 });
  assert.equal(flagsOf(cut) & FLAG.TC, FLAG.TC);
  assert.equal(decodeMessage(cut).answers.length, 1);
});

test('a UDP client takes 512 octets at least, and no more than the server sends', () => {
  const limit = (size?: number) => {
    const { query, size: querySize } = received(size === undefined ? {} : { edns: { size } });
    return udpLimit(query, querySize, 1232);
  };
  assert.deepEqual([limit(), limit(0), limit(511), limit(513)], [512, 512, 512, 513]);
  assert.deepEqual([limit(1232), limit(4096), limit(65_535)], [1232, 1232, 1232]);
});

test('ANY over UDP is never answered with more than was sent', () => {
  for (const edns of [undefined, { size: 4096 }]) {
    const { query, size } = received({ type: 'ANY', ...(edns && { edns }) });
    assert.equal(udpLimit(query, size, 1232), size);
  }
});

test('a reply without records has none, whatever the query had', () => {
  const { octets, query, size } = received({ id: 5, edns: { dnssecOk: true } });
  const replySize = writeEmptyReply(octets, AT, query, RCODE.REFUSED, 0);
  assert.ok(replySize <= size);
  const { id, rcode, questions, answers, authorities, additionals } = decodeMessage(
    octets.subarray(AT, AT + replySize),
  );
  assert.deepEqual([id, rcode, questions.length], [5, 'REFUSED', 1]);
  assert.deepEqual([answers.length, authorities.length, additionals.length], [0, 0, 1]);
});

test('a header alone: FORMERR with opcode QUERY, NOTIMP with the one asked', () => {
  const header = (flags: number, rcode: number) => {
    const octets = new Uint8Array(encodeQuery({ name: NAME, id: 9, flags }));
    assert.equal(writeHeaderReply(octets, 0, rcode), 12);
    assert.deepEqual([...octets.subarray(4, 12)], new Array(8).fill(0));
    assert.equal(octets[1], 9);
    return Buffer.from(octets).readUInt16BE(2);
  };
  const update = (5 << 11) | FLAG.RD | FLAG.CD | FLAG.TC | 0x7;
  assert.equal(
    header(update, RCODE.NOTIMP),
    FLAG.QR | (5 << 11) | FLAG.RD | FLAG.CD | RCODE.NOTIMP,
  );
  assert.equal(header(update, RCODE.FORMERR), FLAG.QR | FLAG.RD | FLAG.CD | RCODE.FORMERR);
});

test('an upstream query has one shape', () => {
  const shape = { qname: encodeName(NAME), qtype: 28, qclass: 1, opcode: 0 };
  const octets = buildUpstreamQuery({ ...shape, rd: true, cd: false, dnssecOk: true }, 1232);
  const { id, type, flag_rd, flag_cd, questions, additionals } = decodeMessage(octets);
  assert.deepEqual([id, type, flag_rd, flag_cd], [0, 'query', true, false]);
  assert.deepEqual(questions, [{ name: NAME, type: 'AAAA', class: 'IN' }]);
  const [opt] = additionals;
  assert.ok(additionals.length === 1 && opt?.type === 'OPT');
  assert.deepEqual([opt.udpPayloadSize, opt.flag_do, opt.options], [1232, true, []]);
  const flags = { rd: false, cd: true, dnssecOk: false };
  const other = buildUpstreamQuery({ ...shape, opcode: 4, ...flags }, 1232);
  assert.equal(Buffer.from(other).readUInt16BE(2), (4 << 11) | FLAG.CD | FLAG.AD);
  const query = new QueryFields();
  assert.equal(readQuery(other, 0, other.length, query), VERDICT.ACCEPT);
  assert.deepEqual([query.hasOpt, query.dnssecOk, query.udpSize], [true, false, 1232]);
});
