/**
 * Classes and lifetimes of responses, row by row: CoreDNS's rules (plugin/pkg/response, plugin/cache, dnsutil.MinimalTTL).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  classify,
  isDenial,
  lifetimeMs,
  missTtlS,
  type ResponseClass,
  remainingTtlS,
} from '../../src/cache/lifetime.ts';
import { QTYPE, RCODE } from '../../src/wire/registry.ts';
import { type Response, readResponse } from '../../src/wire/response.ts';
import { FLAG } from '../support/messages.ts';
import { buildResponse, endOfQuestion, optRecord, type RecordFields } from '../wire/responses.ts';
import { policyOf } from './fixtures.ts';

const NAME = 'www.example.org';
const NOW_S = 1_700_000_000;

interface Case {
  readonly rcode?: number;
  readonly flags?: number;
  readonly records?: readonly RecordFields[];
}

function response({ rcode = 0, flags = 0, records = [] }: Case, type: number = QTYPE.A): Response {
  const word = FLAG.QR | FLAG.RA | flags | rcode;
  const message = buildResponse({ name: NAME, type, flags: word, records });
  return readResponse(message, endOfQuestion(NAME), NOW_S)!;
}

const a = (ttlS: number): RecordFields => {
  return { section: 0, owner: NAME, type: QTYPE.A, ttlS, rdata: [[192, 0, 2, 1]] };
};
const cname = (ttlS: number): RecordFields => {
  return { section: 0, owner: NAME, type: QTYPE.CNAME, ttlS, rdata: [{ name: 'example.net' }] };
};
const soa = (ttlS: number, minimumS = 3600): RecordFields => {
  const numbers = [...new Array(16).fill(0), 0, 0, minimumS >> 8, minimumS & 255];
  const rdata = [{ name: 'ns.example.org' }, { name: 'mbox.example.org' }, numbers];
  return { section: 1, owner: 'example.org', type: QTYPE.SOA, ttlS, rdata };
};
const ns = (ttlS: number): RecordFields => {
  return { section: 1, owner: 'example.org', type: QTYPE.NS, ttlS, rdata: [{ name: 'ns' }] };
};
/** Valid long ago. */
const expiredSignature: RecordFields = {
  section: 0,
  owner: NAME,
  type: QTYPE.RRSIG,
  ttlS: 300,
  rdata: [new Array(18).fill(1), { name: 'example.org' }, [1]],
};
const dnssecOk = optRecord(0, 0x8000);

const CLASSES: readonly [what: string, fields: Case, expected: ResponseClass, type?: number][] = [
  ['an answer', { records: [a(1)] }, 'success'],
  ['an answer with SOA', { records: [a(1), soa(1)] }, 'success'],
  ['an alias with its end', { records: [cname(1), a(1)] }, 'success'],
  ['an alias alone', { records: [cname(1)] }, 'success'],
  ['an alias asked for', { records: [cname(1)] }, 'success', QTYPE.CNAME],
  ['an alias whose end has nothing (RFC 2308 §2.2)', { records: [cname(1), soa(1)] }, 'nodata'],
  ['anything, for ANY', { records: [cname(1), soa(1)] }, 'success', QTYPE.ANY],
  ['NODATA', { records: [soa(1)] }, 'nodata'],
  ['NODATA with NS', { records: [ns(1), soa(1)] }, 'nodata'],
  ['a referral', { records: [ns(1)] }, 'other'],
  ['nothing at all', {}, 'other'],
  ['NXDOMAIN', { rcode: RCODE.NXDOMAIN, records: [soa(1)] }, 'nxdomain'],
  ['an alias to NXDOMAIN', { rcode: RCODE.NXDOMAIN, records: [cname(1), soa(1)] }, 'nxdomain'],
  ['NXDOMAIN without SOA', { rcode: RCODE.NXDOMAIN }, 'other'],
  ['SERVFAIL', { rcode: RCODE.SERVFAIL }, 'server_error'],
  ['NOTIMP', { rcode: RCODE.NOTIMP }, 'server_error'],
  ['REFUSED', { rcode: RCODE.REFUSED, records: [soa(1)] }, 'other'],
  ['FORMERR', { rcode: RCODE.FORMERR }, 'other'],
  ['BADVERS', { records: [optRecord(1)] }, 'other'],
  ['a truncated answer', { flags: FLAG.TC, records: [a(1)] }, 'other'],
  ['an UPDATE', { flags: 5 << 11, records: [a(1)] }, 'other'],
  ['a NOTIFY', { flags: 4 << 11 }, 'other'],
  ['a zone transfer', { records: [soa(1)] }, 'other', QTYPE.AXFR],
  ['an incremental one', { records: [soa(1)] }, 'other', QTYPE.IXFR],
  ['an expired signature with DO', { records: [a(1), expiredSignature, dnssecOk] }, 'other'],
  ['an expired signature without DO', { records: [a(1), expiredSignature] }, 'success'],
];

for (const [what, fields, expected, type = QTYPE.A] of CLASSES) {
  test(`the class of ${what} is ${expected}`, () => {
    assert.equal(classify(response(fields, type), type), expected);
  });
}

test('denial are NODATA, NXDOMAIN and server errors', () => {
  const all: ResponseClass[] = ['success', 'nodata', 'nxdomain', 'server_error', 'other'];
  assert.deepEqual(all.filter(isDenial), ['nodata', 'nxdomain', 'server_error']);
});

const POLICY = policyOf({
  success: { ttlMaxS: 100, ttlMinS: 10 },
  denial: { ttlMaxS: 50, ttlMinS: 20 },
  servfailMs: 1500,
});

const LIFETIMES: readonly [what: string, fields: Case, ms: number, missTtl: number][] = [
  ['the TTL', { records: [a(60)] }, 60_000, 60],
  ['the smallest of all sections', { records: [a(60), ns(40), dnssecOk] }, 40_000, 40],
  ['at most the cap', { records: [a(7200)] }, 100_000, 100],
  ['at least the minimum', { records: [a(0)] }, 10_000, 10],
  ['the SOA’s own TTL for NXDOMAIN, not MINIMUM', { rcode: 3, records: [soa(30, 25)] }, 30_000, 30],
  ['the SOA’s own TTL for NODATA', { records: [cname(5), soa(30, 25)] }, 30_000, 30],
  ['the cap of denial', { records: [soa(3600)] }, 50_000, 50],
  ['the minimum of denial', { records: [soa(1)] }, 20_000, 20],
  ['none for a referral', { records: [ns(60)] }, 0, 10],
  ['its own for SERVFAIL', { rcode: RCODE.SERVFAIL, records: [a(60)] }, 1500, 1],
  ['none for what is not cached', { rcode: RCODE.REFUSED, records: [a(60)] }, 0, 10],
];

for (const [what, fields, ms, missTtl] of LIFETIMES) {
  test(`a lifetime is ${what}`, () => {
    const whole = response(fields);
    const responseClass = classify(whole, QTYPE.A);
    assert.equal(lifetimeMs(whole, responseClass, POLICY), ms);
    assert.equal(missTtlS(whole, responseClass, POLICY), missTtl);
  });
}

test('a TTL of 0 is kept for CoreDNS’s five seconds, and not at all where the minimum is 0', () => {
  const zero = response({ records: [a(0)] });
  assert.equal(lifetimeMs(zero, 'success', policyOf()), 5000);
  assert.equal(lifetimeMs(zero, 'success', policyOf({ success: { ttlMinS: 0 } })), 0);
  assert.equal(lifetimeMs(response({ rcode: 2 }), 'server_error', policyOf({ servfailMs: 0 })), 0);
});

test('the remaining TTL is the original less the whole seconds that have passed', () => {
  const expiresAtMs = 100_000;
  const remaining = (passedMs: number) => remainingTtlS(expiresAtMs, 70_000 + passedMs);
  assert.deepEqual([0, 1, 999, 1000, 1001].map(remaining), [30, 30, 30, 29, 29]);
  assert.deepEqual([29_000, 29_999, 30_000, 90_000].map(remaining), [1, 1, 0, 0]);
});
