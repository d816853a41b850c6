/**
 * The same Corefiles for CoreDNS and for us, the same queries for both, and one upstream behind them: what comes back is alike in
 * flags, rcode, records, TTLs and EDNS, but for the differences that are listed.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type * as dnsPacket from 'dns-packet';
import { startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { freePorts } from '../support/free-port.ts';
import { FLAG, type QueryFields, type Reply } from '../support/messages.ts';
import { addresses, bare, negative } from '../support/scripted-replies.ts';
import { ScriptedUpstream, type UpstreamQuery } from '../support/scripted-upstream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { CONVERSATIONS, type Conversation } from './conversations.ts';
import { reasonOf } from './differences.ts';
import { namedPeers, type Peer, startPeer } from './peer.ts';

const { peers, skip } = namedPeers();
const OPCODE_BITS = 0x7800;
/** Six seconds is what CoreDNS takes to give up. */
const TIMEOUT_MS = 15_000;

type Records = readonly unknown[];

/** By the first label; other types of a name are empty. */
const ANSWERS: Readonly<Record<string, (query: UpstreamQuery) => dnsPacket.Packet>> = {
  a: (query) => ofType(query, 'A', [{ data: '192.0.2.1' }]),
  few: (query) =>
    ofType(
      query,
      'A',
      ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((data) => ({ data })),
    ),
  six: (query) => ofType(query, 'AAAA', [{ data: '2001:db8::1' }]),
  many: (query) =>
    ofType(
      query,
      'A',
      Array.from({ length: 60 }, (_, index) => ({ data: `192.0.2.${index}` })),
    ),
  zero: (query) => ofType(query, 'A', [{ data: '192.0.2.1', ttl: 0 }]),
  long: (query) => ofType(query, 'A', [{ data: '192.0.2.1', ttl: 100_000 }]),
  mail: (query) =>
    ofType(query, 'MX', [
      { data: { preference: 10, exchange: 'mx.test' } },
      { data: { preference: 20, exchange: 'mx2.test' } },
    ]),
  text: (query) => ofType(query, 'TXT', [{ data: ['one', 'two'] }]),
  service: (query) =>
    ofType(query, 'SRV', [{ data: { priority: 1, weight: 2, port: 3, target: 'a.test' } }]),
  chain: (query) =>
    query.question.type === 'A'
      ? {
          ...addresses(query, '192.0.2.1'),
          answers: [
            { type: 'CNAME', name: query.question.name, ttl: 300, data: 'b.test' },
            { type: 'A', name: 'b.test', ttl: 200, data: '192.0.2.1' },
          ],
        }
      : negative(query, 0, 'test', 60),
  nx: (query) => negative(query, 3, 'test', 60),
  servfail: (query) => bare(query, 2),
  refused: (query) => bare(query, 5),
  notimp: (query) => bare(query, 4),
  authoritative: (query) => {
    const packet = ofType(query, 'A', [{ data: '192.0.2.1' }]);
    return { ...packet, flags: packet.flags! | FLAG.AA | FLAG.AD };
  },
};

function ofType(query: UpstreamQuery, type: string, records: Records): dnsPacket.Packet {
  if (query.question.type !== type) return negative(query, 0, 'test', 60);
  const { name } = query.question;
  const answers = records.map((record) => ({ type, name, ttl: 300, ...(record as object) }));
  return { ...addresses(query, []), answers: answers as dnsPacket.Answer[] };
}

function answer(query: UpstreamQuery): dnsPacket.Packet {
  const [label = ''] = query.question.name.toLowerCase().split('.');
  const made = (ANSWERS[label] ?? ((asked) => negative(asked, 0, 'test', 60)))(query);
  const hasOpt = query.decoded.additionals.some(({ type }) => type === 'OPT');
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options: [] } as unknown;
  const copied = query.decoded.flags & (OPCODE_BITS | FLAG.CD);
  const reply = { ...made, flags: made.flags! | copied };
  return hasOpt ? { ...reply, additionals: [opt as dnsPacket.Answer] } : reply;
}

function textOf(query: QueryFields): string {
  const { name, type = 'A', class: qclass = '', flags, edns } = query;
  const extra = [
    flags === undefined ? '' : `flags ${flags.toString(16)}`,
    edns &&
      `edns ${edns.version ?? 0} ${edns.size ?? ''}${edns.dnssecOk ? ' do' : ''}${edns.options?.map(({ code }) => ` option ${code}`).join('') ?? ''}`,
  ];
  return [`${name}.`, type, qclass, ...extra].filter(Boolean).join(' ');
}

/** One line an aspect, so that a difference shows by itself. */
function linesOf(
  reply: Reply | Error,
  { isShuffled = false, lacksRa = false }: Conversation,
): string[] {
  if (reply instanceof Error) return ['no reply'];
  const { answers, authorities, additionals } = reply.decoded;
  const section = (name: string, records: readonly dnsPacket.Answer[]) => {
    const lines = records
      .filter(({ type }) => type !== 'OPT')
      .map((record) => `${name} ${recordText(record)}`);
    return isShuffled ? lines.sort() : lines;
  };
  const opt = additionals.find(({ type }) => type === 'OPT') as unknown as
    | {
        udpPayloadSize: number;
        extendedRcode: number;
        ednsVersion: number;
        flag_do: boolean;
        options: { code: number }[];
      }
    | undefined;
  const flags = (Object.keys(FLAG) as (keyof typeof FLAG)[]).filter(
    (flag) => !(lacksRa && flag === 'RA') && reply.hasFlag(flag),
  );
  return [
    `${reply.decoded.opcode} ${reply.rcode} ${flags.join(' ')}`,
    `question ${reply.decoded.questions.map(({ name, type, class: qclass }) => `${name} ${type} ${qclass}`).join()}`,
    ...section('answer', answers),
    ...section('authority', authorities),
    ...section('additional', additionals),
    opt === undefined
      ? 'no opt'
      : `opt ${opt.udpPayloadSize} ${opt.extendedRcode} ${opt.ednsVersion} ${opt.flag_do ? 'do' : ''} ${opt.options.map(({ code }) => code).join()}`,
  ];
}

function recordText(record: dnsPacket.Answer): string {
  const { name, type, class: qclass, ttl, data } = record as unknown as Record<string, unknown>;
  const value = JSON.stringify(data, (_key, inner) =>
    inner?.type === 'Buffer' ? Buffer.from(inner.data).toString('latin1') : inner,
  );
  // whoami tells the client's port.
  const text = type === 'SRV' ? value.replace(/"port":\d{5}/, '"port":"any"') : value;
  // Ours has the letters of the question, since it is compressed against it.
  return `${String(name).toLowerCase()} ${ttl} ${qclass} ${type} ${text}`;
}

async function ask(port: number, talk: Conversation): Promise<string[][]> {
  const found: string[][] = [];
  for (const query of talk.queries) {
    const reply = await udpAsk({ port }, query, { timeoutMs: TIMEOUT_MS }).catch(
      (error: Error) => error,
    );
    found.push(linesOf(reply, talk));
  }
  return found;
}

async function compare(t: TestContext, peer: Peer, talk: Conversation): Promise<void> {
  const upstream = await ScriptedUpstream.start(t, answer);
  const [dns] = (await freePorts(1)) as [number];
  const theirs = await startPeer(
    t,
    peer,
    talk.corefile({ dns, upstream: upstream.port }),
    talk.files,
  );
  if ('refused' in theirs) return assert.fail(`refused: ${theirs.refused}`);
  const said = await ask(dns, talk);
  await theirs.stop();
  const directory = temporaryDirectory(t);
  for (const [name, text] of Object.entries(talk.files ?? {})) {
    writeFileSync(join(directory, name), text);
  }
  const daemon = await startDaemon(t, {
    corefile: (ports) =>
      talk
        .corefile({ dns: ports.dns, upstream: upstream.port })
        .replaceAll(' ./', ` ${directory}/`),
  });
  const ours = await ask(daemon.ports.dns, talk);
  await daemon.kill();
  const differing = talk.queries.flatMap((query, index) => {
    const label = `${talk.name}: ${textOf(query)}`;
    const [one, other] = [said[index]!, ours[index]!];
    if (one.join('\n') === other.join('\n') || reasonOf(label) !== undefined) return [];
    const theirLines = one.filter((line) => !other.includes(line));
    const ourLines = other.filter((line) => !one.includes(line));
    return [
      `${label}\n  ${peer.name}: ${theirLines.slice(0, 4).join(' | ')}\n  we: ${ourLines.slice(0, 4).join(' | ')}`,
    ];
  });
  assert.equal(differing.join('\n'), '');
}

test('answers as the peer does', { skip }, async (t) => {
  for (const peer of peers) {
    for (const talk of CONVERSATIONS) {
      await t.test(`${peer.name} with CoreDNS ${peer.version}: ${talk.name}`, (t) =>
        compare(t, peer, talk),
      );
    }
  }
});
