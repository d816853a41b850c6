/**
 * Which server block answers: the longest zone that the name is in, of several keys any; for DS the parent's side (RFC 4035
 * §3.1.4.1); REFUSED where there is none. Each block has an upstream of its own, so that its answer tells.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startDaemon } from '../support/daemon.ts';
import { udpAsk } from '../support/dns-client.ts';
import { encodeQuery, type QueryFields } from '../support/messages.ts';
import { bare } from '../support/scripted-replies.ts';
import { ScriptedUpstream, type UpstreamQuery } from '../support/scripted-upstream.ts';

const BLOCKS = {
  parent: 'example.org',
  child: 'sub.example.org',
  several: 'one.test two.test',
  reverse: '10.1.2.0/23 2001:db8::/32',
  bind: 'bind',
} as const;

type BlockName = keyof typeof BLOCKS;

interface Case {
  readonly what: string;
  readonly query: QueryFields;
  /** Undefined: REFUSED. */
  readonly by: BlockName | undefined;
  /** Default: NOERROR, or REFUSED where it is nobody's. */
  readonly rcode?: string;
}

const CASES: readonly Case[] = [
  { what: 'the zone itself', query: { name: 'example.org' }, by: 'parent' },
  { what: 'a name below', query: { name: 'a.b.example.org' }, by: 'parent' },
  { what: 'letters of any case', query: { name: 'A.ExAmPlE.ORG' }, by: 'parent' },
  { what: 'the longest zone', query: { name: 'a.sub.example.org' }, by: 'child' },
  {
    what: "a zone cut, for a type that is the child's",
    query: { name: 'sub.example.org', type: 'NS' },
    by: 'child',
  },
  { what: 'DS at the zone cut', query: { name: 'sub.example.org', type: 43 }, by: 'parent' },
  { what: 'DS below the zone cut', query: { name: 'a.sub.example.org', type: 43 }, by: 'child' },
  {
    what: 'DS where the parent is elsewhere',
    query: { name: 'one.test', type: 43 },
    by: 'several',
  },
  { what: 'the first key of a block', query: { name: 'a.one.test' }, by: 'several' },
  { what: 'the second key of a block', query: { name: 'a.two.test' }, by: 'several' },
  {
    what: 'an address in a CIDR key',
    query: { name: '9.2.1.10.in-addr.arpa', type: 'PTR' },
    by: 'reverse',
  },
  {
    what: 'an address in its other half',
    query: { name: '9.3.1.10.in-addr.arpa', type: 'PTR' },
    by: 'reverse',
  },
  {
    what: 'an address beside it',
    query: { name: '9.4.1.10.in-addr.arpa', type: 'PTR' },
    by: undefined,
  },
  {
    what: 'an IPv6 address',
    query: { name: '1.0.8.b.d.0.1.0.0.2.ip6.arpa', type: 'PTR' },
    by: 'reverse',
  },
  { what: 'class CH', query: { name: 'version.bind', type: 'TXT', class: 'CH' }, by: 'bind' },
  { what: 'a name that only ends alike', query: { name: 'notexample.org' }, by: undefined },
  { what: 'a dot that is no separator', query: { name: ['a.example.org'] }, by: undefined },
  { what: 'a block with nothing in it', query: { name: 'a.nothing.test' }, by: undefined },
  {
    what: 'a block without anybody who has answers',
    query: { name: 'a.nobody.test' },
    by: undefined,
    rcode: 'SERVFAIL',
  },
  { what: 'the parent of all', query: { name: 'org' }, by: undefined },
  { what: 'the root', query: { name: '' }, by: undefined },
];

/** The question: its name in lower case, type and class. */
function questionOf(octets: Buffer): string {
  let end = 12;
  while (octets[end] !== 0) end += octets[end]! + 1;
  return octets.toString('latin1', 12, end + 5).toLowerCase();
}

suite('the block of a question', { concurrency: true }, () => {
  for (const backend of ['mmsg', 'dgram'] as const) {
    test(backend, async (t) => {
      const names = Object.keys(BLOCKS) as BlockName[];
      const upstreams = new Map<BlockName, ScriptedUpstream>();
      for (const name of names) {
        upstreams.set(name, await ScriptedUpstream.start(t, (query) => bare(query, 0)));
      }
      const corefile = ({ dns }: { dns: number }) =>
        names
          .map((name) => {
            const keys = BLOCKS[name].split(' ').map((key) => `${key}:${dns}`);
            const to = upstreams.get(name)!.port;
            return `${keys.join(' ')} {\n bind 127.0.0.1\n forward . 127.0.0.1:${to}\n}\n`;
          })
          .concat(
            `nothing.test:${dns} {\n bind 127.0.0.1\n}\n`,
            `nobody.test:${dns} {\n bind 127.0.0.1\n errors\n}\n`,
          )
          .join('');
      const daemon = await startDaemon(t, { backend, corefile });
      for (const { what, query, by, rcode } of CASES) {
        await t.test(what, async () => {
          const reply = await udpAsk(daemon.address, query);
          // Health checks, and late questions that are asked again, may come at any time.
          const question = questionOf(encodeQuery(query));
          const isSame = ({ octets }: UpstreamQuery) => questionOf(octets) === question;
          const asked = names.filter((name) => upstreams.get(name)!.queries.some(isSame));
          assert.deepEqual(asked, by === undefined ? [] : [by]);
          assert.equal(reply.rcode, rcode ?? (by === undefined ? 'REFUSED' : 'NOERROR'));
        });
      }
    });
  }
});
