/**
 * What is not answered from a look-up, octet by octet and alike over UDP and TCP: errors that the header and the question
 * alone decide, and what gets no reply (RFC 1035 §4.1.1, RFC 6891 §6.1.3; CoreDNS takes miekg/dns's accept function).
 */
import assert from 'node:assert/strict';
import { TcpClient, UdpClient } from '../support/dns-client.ts';
import { encodeName, encodeQuery, FLAG, type QueryInput } from '../support/messages.ts';
import { onEachBackend, type Stage, type StagePorts } from './stage.ts';

const COREFILE = ({ dns, upstream }: StagePorts) => `
example.org:${dns} {
  bind 127.0.0.1
  cache
  forward . 127.0.0.1:${upstream}
}`;

const ID = [0x12, 0x34];
const CACHED = 'cached.example.org';
const QUESTION = [...encodeName('a.example.org'), 0, 1, 0, 1];
const COUNTS = { none: [0, 0, 0, 0, 0, 0, 0, 0], question: [0, 1, 0, 0, 0, 0, 0, 0] };

/** The reply over UDP and over TCP, which must be the same. */
async function replyTo(stage: Stage, query: QueryInput): Promise<number[]> {
  const udp = await UdpClient.open(stage.daemon.address);
  const tcp = await TcpClient.connect(stage.daemon.address);
  try {
    const [overUdp, overTcp] = [await udp.ask(query), await tcp.ask(query)];
    assert.deepEqual(overTcp.octets, overUdp.octets);
    return [...overUdp.octets];
  } finally {
    await udp.close();
    tcp.close();
  }
}

onEachBackend('a query that is not answered', { corefile: COREFILE }, async (t, stage) => {
  for (const [what, opcode] of [
    ['IQUERY', 1],
    ['STATUS', 2],
    ['UPDATE', 5],
    ['15', 15],
  ] as const) {
    await t.test(`opcode ${what}: NOTIMP, the header alone`, async () => {
      const flags = (opcode << 3) | 1;
      const query = Uint8Array.from([...ID, flags, 0, ...COUNTS.question, ...QUESTION]);
      assert.deepEqual(await replyTo(stage, query), [...ID, 0x80 | flags, 4, ...COUNTS.none]);
    });
  }

  for (const [what, counts, rest] of [
    ['no question', COUNTS.none, []],
    ['two questions', [0, 2, 0, 0, 0, 0, 0, 0], [...QUESTION, ...QUESTION]],
    ['two answers', [0, 1, 0, 2, 0, 0, 0, 0], QUESTION],
    ['three additional records', [0, 1, 0, 0, 0, 0, 0, 3], QUESTION],
    ['half a question', COUNTS.question, QUESTION.slice(0, -3)],
    ['a label beyond the end', COUNTS.question, [60, 1, 2]],
    ['a pointer in the question', COUNTS.question, [0xc0, 12, 0, 1, 0, 1]],
    ['an OPT beyond the end', [0, 1, 0, 0, 0, 0, 0, 1], [...QUESTION, 0, 0, 41, 4]],
  ] as const) {
    await t.test(`${what}: FORMERR, the header alone`, async () => {
      const query = Uint8Array.from([...ID, 1, 0x10, ...counts, ...rest]);
      assert.deepEqual(await replyTo(stage, query), [...ID, 0x81, 0x11, ...COUNTS.none]);
    });
  }

  await t.test('EDNS version 1: BADVERS, also for what is in the cache', async () => {
    await stage.ask({ name: CACHED, edns: {} });
    const query = encodeQuery({ name: CACHED, id: 0x1234, edns: { version: 1 } });
    const question = [...encodeName(CACHED), 0, 1, 0, 1];
    const opt = [0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0];
    const counts = [0, 1, 0, 0, 0, 0, 0, 1];
    const expected = [...ID, 0x81, 0, ...counts, ...question, ...opt];
    assert.deepEqual(await replyTo(stage, query), expected);
  });

  await t.test('a name of no server block: REFUSED with the question', async () => {
    const query = { name: 'Example.NET', id: 0x1234 };
    const question = [...encodeName('Example.NET'), 0, 1, 0, 1];
    const expected = [...ID, 0x81, 5, ...COUNTS.question, ...question];
    assert.deepEqual(await replyTo(stage, query), expected);
    const opt = [0, 0, 41, 4, 208, 0, 0, 128, 0, 0, 0];
    const withOpt = [...ID, 0x81, 5, 0, 1, 0, 0, 0, 0, 0, 1, ...question, ...opt];
    assert.deepEqual(await replyTo(stage, { ...query, edns: { dnssecOk: true } }), withOpt);
  });

  await t.test('none of them reached the upstream', () => {
    // NS is what a health probe asks; a late answer is asked for again.
    const others = stage.upstream.queries.filter(({ question }) => question.type !== 'NS');
    const names = new Set(others.map(({ question }) => question.name.toLowerCase()));
    assert.deepEqual([...names], [CACHED]);
  });
});

onEachBackend('what gets no reply', { corefile: COREFILE }, async (t, stage) => {
  const ignored: Readonly<Record<string, Uint8Array>> = {
    'a response': encodeQuery({ name: 'a.example.org', id: 1, flags: FLAG.QR }),
    'eleven octets': encodeQuery({ name: 'a.example.org', id: 2 }).subarray(0, 11),
    'one octet': Uint8Array.of(0),
    'no octet': new Uint8Array(0),
  };
  for (const [what, octets] of Object.entries(ignored)) {
    await t.test(`over UDP: ${what}; the next query is answered`, async (t) => {
      const client = await UdpClient.open(stage.daemon.address);
      t.after(() => client.close());
      client.send(octets, { name: 'a.example.org', id: 3 });
      assert.equal((await client.receive()).id, 3);
      assert.equal((await client.ask({ name: 'b.example.org', id: 4 })).id, 4);
      assert.equal(client.received.length, 2);
    });
    await t.test(`over TCP: ${what}; the next query is answered`, async (t) => {
      const client = await TcpClient.connect(stage.daemon.address);
      t.after(() => client.close());
      client.send(octets, { name: 'a.example.org', id: 3 });
      assert.equal((await client.receive()).id, 3);
      assert.equal(client.received.length, 1);
    });
  }
});

onEachBackend('what is overlooked', { corefile: COREFILE }, async (t, stage) => {
  await t.test('the Z bit is not echoed, nor are AA, TC, RA and AD', async () => {
    const flags = FLAG.RD | FLAG.Z | FLAG.AA | FLAG.TC | FLAG.AD;
    stage.script('z.example.org', () => ({ flags: 0 }));
    for (const _ of ['miss', 'second']) {
      const reply = await stage.ask({ name: 'z.example.org', flags });
      assert.equal(reply.octets.readUInt16BE(2), FLAG.QR | FLAG.RD);
    }
    await stage.ask({ name: 'y.example.org' });
    const hit = await stage.ask({ name: 'y.example.org', flags });
    assert.equal(hit.octets.readUInt16BE(2), FLAG.QR | FLAG.RD | FLAG.RA | FLAG.AA);
  });

  await t.test('octets behind the last record', async (t) => {
    const query = Buffer.concat([encodeQuery({ name: 'a.example.org' }), Buffer.alloc(20, 1)]);
    const client = await UdpClient.open(stage.daemon.address);
    t.after(() => client.close());
    assert.equal((await client.ask(query)).rcode, 'NOERROR');
  });

  await t.test('a record that is no OPT in additional, such as TSIG', async (t) => {
    const record = [0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 2, 1, 2];
    const query = Uint8Array.from([...ID, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, ...QUESTION, ...record]);
    const client = await UdpClient.open(stage.daemon.address);
    t.after(() => client.close());
    assert.equal((await client.ask(query)).rcode, 'NOERROR');
  });
});
