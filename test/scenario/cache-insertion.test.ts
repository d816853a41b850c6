/**
 * Which responses are kept (CoreDNS plugin/cache: TestCacheInsertion, TestCNAMEWithSOAStoredAsNODATA; pkg/response: Typify), and as
 * what they come back: each is asked for twice. Rcodes that the cache makes no difference of are in `cache-denial.test.ts`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from 'dns-packet';
import { addresses, bare, negative } from '../support/scripted-replies.ts';
import { ClockedStage, type Script, START_S } from './clocked-stage.ts';

const NAME = 'www.example.org';
const A = 1;
const TYPES = { A, MX: 15, CNAME: 5, ANY: 255, IXFR: 251, AXFR: 252 } as const;

const address: Answer = { type: 'A', name: 'end.example.org', ttl: 60, data: '192.0.2.1' };
const alias: Answer = { type: 'CNAME', name: NAME, ttl: 60, data: 'end.example.org' };
const mail: Answer = {
  type: 'MX',
  name: 'end.example.org',
  ttl: 60,
  data: { preference: 1, exchange: 'mx.example.org' },
};
const ns: Answer = { type: 'NS', name: 'example.org', ttl: 60, data: 'ns.example.org' };

/** A signature that is good from and until so many seconds from the start. */
function signature(from: number, until: number): Answer {
  return {
    type: 'RRSIG',
    name: NAME,
    ttl: 60,
    data: {
      typeCovered: 'A',
      algorithm: 8,
      labels: 3,
      originalTTL: 60,
      expiration: START_S + until,
      inception: START_S + from,
      keyTag: 1,
      signersName: 'example.org',
      signature: Buffer.alloc(8),
    },
  };
}

/** An address with a signature; the response has DO where the query has. */
function signed(from: number, until: number): Script {
  return (query) => {
    const own = addresses(query, '192.0.2.1', 60);
    const flags = query.octets.at(-4) === 128 ? 0x8000 : 0;
    const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, flags, options: [] };
    return {
      ...own,
      answers: [...own.answers!, signature(from, until)],
      additionals: [opt as unknown as Answer],
    };
  };
}

const says =
  (...answers: Answer[]): Script =>
  () => ({ flags: 0x80, answers });

interface Case {
  readonly what: string;
  readonly script: Script;
  readonly isKept: boolean;
  readonly rcode?: string;
  readonly type?: keyof typeof TYPES;
  readonly dnssecOk?: boolean;
}

const DAY = 86_400;

const CASES: readonly Case[] = [
  { what: 'an alias with its end', script: says(alias, address), isKept: true },
  { what: 'an alias with its end before it', script: says(address, alias), isKept: true },
  { what: 'an alias to MX, for MX', script: says(alias, mail), isKept: true, type: 'MX' },
  { what: 'an alias, for CNAME', script: says(alias), isKept: true, type: 'CNAME' },
  { what: 'an alias, for ANY', script: says(alias), isKept: true, type: 'ANY' },
  {
    what: 'an alias whose end has nothing (RFC 2308 §2.2)',
    script: (query) => ({ ...negative(query, 0, 'example.org'), answers: [alias] }),
    isKept: true,
  },
  {
    what: 'an alias whose end does not exist',
    script: (query) => ({ ...negative(query, 3, 'example.org'), answers: [alias] }),
    isKept: true,
    rcode: 'NXDOMAIN',
  },
  { what: 'NOTIMP', script: (query) => bare(query, 4), isKept: true, rcode: 'NOTIMP' },
  { what: 'FORMERR', script: (query) => bare(query, 1), isKept: false, rcode: 'FORMERR' },
  { what: 'NOTAUTH', script: (query) => bare(query, 9), isKept: false, rcode: 'NOTAUTH' },
  { what: 'nothing at all', script: (query) => bare(query, 0), isKept: false },
  {
    what: 'a referral',
    script: () => ({ flags: 0x80, authorities: [ns] }),
    isKept: false,
  },
  {
    what: 'a signature of this time, with DO',
    script: signed(-DAY, DAY),
    isKept: true,
    dnssecOk: true,
  },
  {
    what: 'a signature that has expired, with DO',
    script: signed(-2 * DAY, -DAY),
    isKept: false,
    dnssecOk: true,
  },
  {
    what: 'a signature of the future, with DO',
    script: signed(DAY, 2 * DAY),
    isKept: false,
    dnssecOk: true,
  },
  {
    what: 'a signature that has expired, without DO',
    script: signed(-2 * DAY, -DAY),
    isKept: true,
  },
  { what: 'a zone transfer', script: says(address), isKept: false, type: 'AXFR' },
  { what: 'an incremental one', script: says(address), isKept: false, type: 'IXFR' },
];

for (const { what, script, isKept, rcode = 'NOERROR', type = 'A', dnssecOk } of CASES) {
  test(`${what} is ${isKept ? '' : 'not '}kept`, async () => {
    const stage = new ClockedStage('cache');
    stage.script(NAME, script);
    const query = { name: NAME, type: TYPES[type], ...(dnssecOk && { edns: { dnssecOk } }) };
    const miss = await stage.ask(query);
    const again = await stage.ask(query);
    assert.equal(miss.rcode, rcode);
    assert.equal(stage.asked(NAME), isKept ? 1 : 2);
    const { answers, authorities } = again.decoded;
    assert.deepEqual([answers, authorities], [miss.decoded.answers, miss.decoded.authorities]);
    assert.equal(again.rcode, rcode);
    assert.equal(again.hasFlag('AA'), isKept, 'AA is the mark of the cache');
  });
}

test('a signature that expires before the TTL does is served to the end of the TTL', async () => {
  const stage = new ClockedStage('cache');
  stage.script(NAME, signed(-DAY, 30));
  const query = { name: NAME, edns: { dnssecOk: true } };
  await stage.ask(query);
  stage.passes(59);
  await stage.ask(query);
  assert.equal(stage.asked(NAME), 1);
  stage.passes(1);
  await stage.ask(query);
  await stage.ask(query);
  assert.equal(stage.asked(NAME), 3);
});

test('what is kept as a denial and what as an answer shows in the series', async () => {
  const stage = new ClockedStage('cache');
  stage.script('gone.example.org', (query) => negative(query, 3, 'example.org'));
  for (const name of [NAME, NAME, 'gone.example.org', 'gone.example.org', NAME]) {
    await stage.ask({ name });
  }
  assert.equal(stage.counted('coredns_cache_hits_total'), 3);
  assert.equal(stage.counted('coredns_cache_misses_total'), 2);
  assert.equal(stage.counted('coredns_cache_requests_total'), 5);
});
