/**
 * The hot path, query by query: which are answered, with what, and what is left to the resolver.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { ENTRY_FLAG } from '../../src/cache/entry.ts';
import { REFRESH_RING_SIZE } from '../../src/cache/memory.ts';
import { typeIndex } from '../../src/metrics/counter-words.ts';
import { OUTCOME } from '../../src/server/answer.ts';
import { RCODE } from '../../src/wire/registry.ts';
import { decodeMessage, encodeQuery, FLAG, type QueryFields } from '../support/messages.ts';
import { type RecordFields, readPlainly } from '../wire/responses.ts';
import { AnswererFixture, address, BUFFER_SIZE, DROPPED_ROW } from './answerer-fixture.ts';

const NAME = 'www.cluster.local';
const flagsOf = (reply: Buffer) => reply.readUInt16BE(2);
const ttlOf = (reply: Buffer) => readPlainly(reply)[0]!.ttlS;

test('a hit has the id, the letter case and the flags of its query', () => {
  const fixture = new AnswererFixture();
  fixture.admit({ name: NAME, body: { flags: FLAG.RA } });
  const reply = fixture.reply({ name: 'wWw.CLUSTER.local', id: 513, flags: FLAG.RD });
  const { id, questions, answers } = decodeMessage(reply);
  assert.deepEqual([id, questions[0]?.name], [513, 'wWw.CLUSTER.local']);
  // The owner points to the question, so it shows the client's spelling.
  assert.deepEqual(answers, [
    { name: 'wWw.CLUSTER.local', type: 'A', class: 'IN', ttl: 30, flush: false, data: '192.0.2.1' },
  ]);
  assert.equal(flagsOf(reply), FLAG.QR | FLAG.AA | FLAG.RD | FLAG.RA);
});

test('what is not cached is a miss, and its query stays as it is', () => {
  const fixture = new AnswererFixture();
  fixture.admit({ name: NAME });
  assert.equal(fixture.ask({ name: 'other.cluster.local' }), OUTCOME.MISS);
  assert.equal(fixture.ask({ name: NAME, type: 'AAAA' }), OUTCOME.MISS);
});

test('DO, CD and RD have answers of their own', () => {
  const variants: Omit<QueryFields, 'name'>[] = [
    {},
    { flags: FLAG.RD | FLAG.CD },
    { flags: 0 },
    { edns: { dnssecOk: true } },
    { flags: FLAG.RD | FLAG.CD, edns: { dnssecOk: true } },
  ];
  for (const cached of variants) {
    const fixture = new AnswererFixture();
    fixture.admit({ name: NAME, ...cached });
    for (const asked of variants) {
      const isHit = fixture.ask({ name: NAME, ...asked }) !== OUTCOME.MISS;
      assert.equal(isHit, asked === cached, JSON.stringify([cached, asked]));
    }
  }
});

test('AD is for those who set DO or AD', () => {
  const fixture = new AnswererFixture();
  fixture.admit({ name: NAME, body: { flags: FLAG.AD } });
  fixture.admit({ name: NAME, edns: { dnssecOk: true }, body: { flags: FLAG.AD } });
  const hasAd = (query: Omit<QueryFields, 'name'>) =>
    (flagsOf(fixture.reply({ name: NAME, ...query })) & FLAG.AD) !== 0;
  assert.equal(hasAd({}), false);
  assert.equal(hasAd({ edns: {} }), false);
  assert.equal(hasAd({ flags: FLAG.RD | FLAG.AD }), true);
  assert.equal(hasAd({ edns: { dnssecOk: true } }), true);
});

test('the TTL is what is left, in whole seconds, of every record', () => {
  const fixture = new AnswererFixture();
  fixture.admit({ name: NAME, records: [address(NAME, 1, 300), address(NAME, 2, 30)] });
  const ttls = () => readPlainly(fixture.reply({ name: NAME })).map(({ ttlS }) => ttlS);
  assert.deepEqual(ttls(), [30, 30]);
  fixture.nowMs += 999;
  assert.deepEqual(ttls(), [30, 30]);
  fixture.nowMs += 28_001;
  assert.deepEqual(ttls(), [1, 1]);
  fixture.nowMs += 999.5;
  assert.deepEqual(ttls(), [1, 1]);
  fixture.nowMs += 0.5;
  assert.equal(fixture.ask({ name: NAME }), OUTCOME.MISS);
});

test('keepttl shows the original TTL until expiry', () => {
  const fixture = new AnswererFixture();
  fixture.admit({ name: NAME, entryFlags: ENTRY_FLAG.KEEP_TTL, times: { ttlS: 25 } });
  assert.equal(ttlOf(fixture.reply({ name: NAME })), 25);
  fixture.nowMs += 29_999;
  assert.equal(ttlOf(fixture.reply({ name: NAME })), 25);
  fixture.nowMs += 1;
  assert.equal(fixture.ask({ name: NAME }), OUTCOME.MISS);
});

/** An entry that has 10 s to live and is stale for 20 s more. */
function stale(fixture: AnswererFixture, entryFlags = 0, times = {}): number {
  const expiresAtMs = fixture.nowMs + 10_000;
  return fixture.admit({
    name: NAME,
    entryFlags,
    times: { expiresAtMs, staleUntilMs: expiresAtMs + 20_000, ...times },
  });
}

test('a stale answer leaves at once, with TTL 0 or what is set, and a refresh is asked for', () => {
  for (const staleTtlS of [0, 30]) {
    const fixture = new AnswererFixture();
    const slot = stale(fixture, ENTRY_FLAG.KEEP_TTL, { staleTtlS });
    fixture.nowMs += 9_999;
    fixture.reply({ name: NAME });
    assert.deepEqual(fixture.refreshed(), [], 'fresh');
    fixture.nowMs += 1;
    assert.equal(ttlOf(fixture.reply({ name: NAME })), staleTtlS);
    assert.equal(fixture.answerer.refreshRequests, 1);
    assert.deepEqual(fixture.refreshed(), [slot]);
    fixture.nowMs += 19_999;
    assert.equal(ttlOf(fixture.reply({ name: NAME })), staleTtlS);
    fixture.nowMs += 1;
    assert.equal(fixture.ask({ name: NAME }), OUTCOME.MISS);
  }
});

test('a stale answer that must be verified is a miss', () => {
  const fixture = new AnswererFixture();
  stale(fixture, ENTRY_FLAG.VERIFY);
  fixture.nowMs += 9_999;
  fixture.reply({ name: NAME });
  fixture.nowMs += 1;
  assert.equal(fixture.ask({ name: NAME }), OUTCOME.MISS);
  assert.deepEqual(fixture.refreshed(), []);
});

test('stale answers ask once a second', () => {
  const fixture = new AnswererFixture();
  const slot = stale(fixture);
  fixture.nowMs += 10_000;
  const ask = (count: number) => {
    for (let hit = 0; hit < count; hit++) fixture.reply({ name: NAME });
    return fixture.refreshed();
  };
  assert.deepEqual(ask(5), [slot]);
  fixture.nowMs += 999;
  assert.deepEqual(ask(5), []);
  fixture.nowMs += 1;
  assert.deepEqual(ask(5), [slot]);
});

test('prefetch asks from its time on, after enough hits without a pause, once a second', () => {
  const fixture = new AnswererFixture();
  const times = {
    prefetchAtMs: fixture.nowMs + 20_000,
    prefetchHits: 3,
    prefetchPauseMs: 15_000,
  };
  const slot = fixture.admit({ name: NAME, times });
  const hit = (afterMs: number) => {
    fixture.nowMs += afterMs;
    fixture.reply({ name: NAME });
    return fixture.refreshed();
  };
  assert.deepEqual(hit(0), []);
  assert.deepEqual(hit(0), []);
  assert.deepEqual(hit(0), [], 'hits enough, but it is not yet time');
  assert.deepEqual(hit(20_000), [], 'time, but the pause was too long: one hit');
  assert.deepEqual(hit(10), [], 'two');
  assert.deepEqual(hit(10), [slot], 'three');
  assert.deepEqual(hit(10), []);
  assert.deepEqual(hit(990), [slot], 'a second later');
});

test('a prefetch that wants no hits asks with the first', () => {
  const fixture = new AnswererFixture();
  const slot = fixture.admit({ name: NAME, times: { prefetchAtMs: fixture.nowMs } });
  fixture.reply({ name: NAME });
  assert.deepEqual(fixture.refreshed(), [slot]);
});

test('a refresh that finds its ring full is counted, and asked for again later', () => {
  const fixture = new AnswererFixture();
  const times = { prefetchAtMs: 0 };
  for (let index = 0; index < 200; index++)
    fixture.admit({ name: `${index}.cluster.local`, times });
  const askAll = () => {
    for (let index = 0; index < 200; index++) fixture.reply({ name: `${index}.cluster.local` });
  };
  for (let second = 0; second < 6; second++) {
    askAll();
    fixture.nowMs += 1000;
  }
  assert.equal(fixture.countedByWriter('refreshRingFull'), 6 * 200 - REFRESH_RING_SIZE);
  assert.equal(fixture.refreshed().length, REFRESH_RING_SIZE);
  askAll();
  assert.equal(fixture.refreshed().length, 200);
});

test('what no zone serves is refused', () => {
  const fixture = new AnswererFixture();
  const reply = fixture.reply({ name: 'www.example.com', id: 3 });
  const { id, rcode, questions, answers } = decodeMessage(reply);
  assert.deepEqual([id, rcode, questions[0]?.name], [3, 'REFUSED', 'www.example.com']);
  assert.deepEqual([answers.length, flagsOf(reply)], [0, FLAG.QR | FLAG.RD | RCODE.REFUSED]);
});

test('classes other than IN are refused, but where the zone forwards', () => {
  const fixture = new AnswererFixture();
  const rcode = (query: QueryFields) => flagsOf(fixture.reply(query)) & 15;
  assert.equal(rcode({ name: NAME, class: 'CH' }), RCODE.REFUSED);
  fixture.admit({ name: 'www.example.org', class: 'CH', block: 2 });
  assert.equal(rcode({ name: 'www.example.org', class: 'CH' }), RCODE.NOERROR);
  assert.equal(fixture.ask({ name: 'www.example.org', class: 'ANY' }), OUTCOME.MISS);
});

test('a DS question about a zone’s own name goes to its parent zone', () => {
  const fixture = new AnswererFixture();
  fixture.admit({ name: 'cluster.local', type: 43, block: 3 });
  fixture.admit({ name: 'local', type: 43, block: 3 });
  fixture.admit({ name: 'sub.cluster.local', type: 43, block: 1 });
  for (const name of ['cluster.local', 'local', 'sub.cluster.local']) {
    fixture.reply({ name, type: 43 });
  }
});

test('a zone that is not direct is a miss, but for the resolver', () => {
  const name = 'a.indirect.cluster.local';
  for (const answersIndirect of [false, true]) {
    const fixture = new AnswererFixture({ answersIndirect });
    fixture.admit({ name, block: 4 });
    assert.equal(fixture.ask({ name }) !== OUTCOME.MISS, answersIndirect);
  }
});

test('NOTIFY is a miss, even where the question is cached', () => {
  const fixture = new AnswererFixture();
  fixture.admit({ name: NAME });
  assert.equal(fixture.ask({ name: NAME, flags: FLAG.RD | (4 << 11) }), OUTCOME.MISS);
});

test('UPDATE gets NOTIMP, a malformed query FORMERR: a header alone', () => {
  const fixture = new AnswererFixture();
  const update = encodeQuery({ name: NAME, id: 0x0102, flags: FLAG.RD | (5 << 11) });
  assert.equal(fixture.reply(update).toString('hex'), '0102a9040000000000000000');
  const cut = encodeQuery({ name: NAME, id: 0x0102, flags: FLAG.RD | FLAG.CD }).subarray(0, -1);
  assert.equal(fixture.reply(cut).toString('hex'), '010281110000000000000000');
});

test('EDNS version 1 gets BADVERS, with an OPT of version 0', () => {
  const fixture = new AnswererFixture();
  const reply = fixture.reply({ name: NAME, edns: { version: 1, size: 1400 } });
  const [opt] = readPlainly(reply);
  assert.deepEqual([opt?.type, opt?.rclass, opt?.ttlS], [41, 1400, 0x0100_0000]);
  assert.deepEqual([flagsOf(reply) & 15, reply.readUInt16BE(4)], [0, 1]);
});

test('responses and fragments of a header get nothing', () => {
  const fixture = new AnswererFixture();
  assert.equal(fixture.ask(encodeQuery({ name: NAME, flags: FLAG.QR })), OUTCOME.NOTHING);
  assert.equal(fixture.ask(Buffer.alloc(11)), OUTCOME.NOTHING);
  assert.equal(fixture.ask(Buffer.alloc(0)), OUTCOME.NOTHING);
  assert.equal(fixture.counted(DROPPED_ROW, 'ignoredDatagrams'), 3);
});

/** Queries about names that are not cached, some of them changed a little. */
const anyQuery = fc
  .record({
    name: fc.constantFrom('example.com', 'a.example.org', 'a.b.c.test', '.'),
    flags: fc.nat(0xffff),
    type: fc.nat(300),
    class: fc.constantFrom(1, 3, 255),
    edns: fc.option(fc.record({ size: fc.nat(4096), version: fc.constantFrom(0, 0, 1) }), {
      nil: undefined,
    }),
    changes: fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 3 }),
    cut: fc.constantFrom(0, 0, 0, 1, 5),
  })
  .map(({ changes, cut, edns, ...fields }) => {
    const query = encodeQuery(edns === undefined ? fields : { ...fields, edns });
    for (const [at, octet] of changes) if (at < query.length) query[at] = octet;
    return query.subarray(0, query.length - cut);
  });

test('error replies are never longer than the query, and have OPT only where it had one', () => {
  const fixture = new AnswererFixture();
  fc.assert(
    fc.property(fc.oneof(anyQuery, fc.uint8Array({ maxLength: 200 })), (query) => {
      const reply = fixture.ask(query);
      if (typeof reply === 'number') return;
      assert.ok(reply.length <= query.length);
      assert.deepEqual(reply.subarray(0, 2), Buffer.from(query.subarray(0, 2)));
      assert.ok((flagsOf(reply) & FLAG.QR) !== 0);
      const hasOpt = reply.length > 12 && readPlainly(reply).some(({ type }) => type === 41);
      if (hasOpt) assert.notEqual(Buffer.from(query).readUInt16BE(10), 0);
    }),
    { numRuns: 2000 },
  );
});

function addresses(count: number): RecordFields[] {
  return Array.from({ length: count }, (_, index) => address(NAME, index & 255));
}

test('a large answer is truncated to what the client takes, 512 octets without EDNS', () => {
  const fixture = new AnswererFixture();
  fixture.admit({ name: NAME, records: addresses(100) });
  const cut = (query: Omit<QueryFields, 'name'>) => {
    const reply = fixture.reply({ name: NAME, ...query });
    assert.equal((flagsOf(reply) & FLAG.TC) !== 0, true);
    return [reply.length, readPlainly(reply).length];
  };
  const question = 12 + 19 + 4;
  assert.deepEqual(cut({}), [question + 29 * 16, 29]);
  assert.deepEqual(cut({ edns: { size: 1000 } }), [question + 59 * 16 + 11, 60]);
  assert.deepEqual(
    cut({ edns: { size: 4096 } }),
    [question + 74 * 16 + 11, 75],
    'the zone’s bound',
  );
});

test('over TCP nothing is truncated', () => {
  const fixture = new AnswererFixture({ isStream: true });
  fixture.admit({ name: NAME, records: addresses(100) });
  const reply = fixture.reply({ name: NAME });
  assert.deepEqual([flagsOf(reply) & FLAG.TC, readPlainly(reply).length], [0, 100]);
});

test('an answer that the client takes and the buffer does not hold goes the long way', () => {
  const fixture = new AnswererFixture({ isStream: true });
  const fits = Math.floor((BUFFER_SIZE - 12 - 19 - 4 - 11) / 16);
  fixture.admit({ name: NAME, records: addresses(fits) });
  assert.equal(readPlainly(fixture.reply({ name: NAME })).length, fits);
  fixture.admit({ name: NAME, records: addresses(fits + 1) });
  assert.equal(fixture.ask({ name: NAME }), OUTCOME.MISS);
  // A client that takes less gets what it takes.
  const datagrams = new AnswererFixture();
  datagrams.admit({ name: NAME, records: addresses(fits + 1) });
  assert.ok(datagrams.reply({ name: NAME }).length <= 512);
});

test('counts hits by zone, class, rcode, type, size and duration', () => {
  const fixture = new AnswererFixture();
  fixture.admit({ name: NAME });
  fixture.admit({
    name: 'www.example.org',
    type: 'AAAA',
    block: 2,
    records: [],
    edns: { dnssecOk: true },
    body: { rcode: RCODE.NXDOMAIN },
    entryFlags: ENTRY_FLAG.DENIAL,
    times: { expiresAtMs: fixture.nowMs, staleUntilMs: fixture.nowMs + 1 },
  });
  fixture.ask({ name: NAME }, 100);
  fixture.ask({ name: NAME }, 300);
  fixture.ask({ name: 'www.example.org', type: 'AAAA', edns: { dnssecOk: true } });
  assert.deepEqual(
    [fixture.counted(0, 'cacheHitsSuccess'), fixture.counted(0, 'cacheHitsDenial')],
    [2, 0],
  );
  assert.equal(fixture.counted(0, 'cacheResponsesByRcode', RCODE.NOERROR), 2);
  assert.equal(fixture.counted(0, 'requestsByType', typeIndex(1)), 2);
  assert.equal(fixture.counted(0, 'requestOctets'), 2 * 35);
  assert.equal(fixture.counted(0, 'responseOctets'), 2 * 51);
  assert.deepEqual(
    [fixture.counted(0, 'durationBuckets', 0), fixture.counted(0, 'durationBuckets', 1)],
    [1, 1],
  );
  assert.deepEqual([fixture.counted(0, 'doRequests'), fixture.counted(0, 'servedStale')], [0, 0]);
  assert.deepEqual(
    [fixture.counted(1, 'cacheHitsSuccess'), fixture.counted(1, 'cacheHitsDenial')],
    [0, 1],
  );
  assert.equal(fixture.counted(1, 'cacheResponsesByRcode', RCODE.NXDOMAIN), 1);
  assert.equal(fixture.counted(1, 'requestsByType', typeIndex(28)), 1);
  assert.deepEqual([fixture.counted(1, 'doRequests'), fixture.counted(1, 'servedStale')], [1, 1]);
});

test('counts refusals in the row of what no zone takes, misses not at all', () => {
  const fixture = new AnswererFixture();
  fixture.ask({ name: 'example.com', type: 'MX' });
  fixture.ask({ name: NAME, edns: { version: 1 } });
  fixture.ask({ name: NAME, flags: 5 << 11 });
  fixture.ask(encodeQuery({ name: NAME }).subarray(0, -1));
  for (const rcode of [RCODE.REFUSED, RCODE.BADVERS, RCODE.NOTIMP, RCODE.FORMERR]) {
    assert.equal(fixture.counted(DROPPED_ROW, 'chainlessResponsesByRcode', rcode), 1);
  }
  assert.equal(fixture.counted(DROPPED_ROW, 'requestsByType', typeIndex(15)), 1);
  assert.equal(fixture.counted(DROPPED_ROW, 'requestsByType', typeIndex(1)), 1);
  assert.equal(fixture.counted(DROPPED_ROW, 'requestsByType', typeIndex(0)), 2);
  fixture.ask({ name: NAME });
  for (const row of [0, 1, 2]) assert.equal(fixture.counted(row, 'requestOctets'), 0);
});

test('a batch that is read as a whole has the replies and the counts of its queries one by one', () => {
  const queries = [
    encodeQuery({ name: NAME, id: 1, edns: {} }),
    encodeQuery({ name: 'other.cluster.local', id: 2 }),
    encodeQuery({ name: 'WWW.example.org', id: 3, type: 'AAAA' }),
    encodeQuery({ name: 'example.com', id: 4 }),
    encodeQuery({ name: NAME, id: 5, edns: { version: 1 } }),
    encodeQuery({ name: NAME, id: 6, flags: 5 << 11 }),
    encodeQuery({ name: NAME, id: 7, flags: 4 << 11 }),
    encodeQuery({ name: NAME, id: 8 }).subarray(0, -1),
    encodeQuery({ name: NAME, id: 9 }).subarray(0, 0),
    encodeQuery({ name: 'x.indirect.cluster.local', id: 10 }),
    encodeQuery({ name: NAME, id: 11, flags: FLAG.RD }),
  ];
  const wholes = queries.map((_, index) => [...queries.slice(index), ...queries.slice(0, index)]);
  const fixtures = [new AnswererFixture(), new AnswererFixture()] as const;
  for (const fixture of fixtures) {
    fixture.admit({ name: NAME });
    fixture.admit({ name: NAME, edns: {} });
    fixture.admit({ name: 'www.example.org', type: 'AAAA', block: 2 });
  }
  const [single, whole] = fixtures;
  for (const batch of wholes) {
    const expected = batch.map((query) => single.ask(query));
    assert.deepEqual(whole.askAll(batch), expected);
  }
  const countsOf = ({ memory }: AnswererFixture) =>
    memory.words.slice(memory.countersAt, memory.ringsAt);
  assert.deepEqual(countsOf(whole), countsOf(single));
});

test('hits allocate nothing', async () => {
  // Semi-spaces larger than all that is measured: no collection hides an allocation.
  const flags = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];
  const program = `${import.meta.dirname}/hit-allocations.ts`;
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program]);
  const { perHit, perHitOfWhole, perHitWithObject } = JSON.parse(stdout) as Record<string, number>;
  assert.ok(perHit! < 1, `${perHit} bytes a hit`);
  assert.ok(perHitOfWhole! < 1, `${perHitOfWhole} bytes a hit of a batch that is read as a whole`);
  assert.ok(perHitWithObject! > 8, 'an object a hit would be seen');
});
