/**
 * The world outside the cluster as a resolver behind kube-dns would tell it: a small `example.org` with records of
 * every shape that a cache has to treat differently, the root's NS set (health checks ask for it), and NXDOMAIN with
 * the root's SOA for all else. Not authoritative, recursion available, TTLs do not count down.
 */
import type { Answer } from 'dns-packet';
import { type Question, RCODE, type Rcode } from './query.ts';
import type { Reply } from './reply.ts';

const ORIGIN = 'example.org';

const EXAMPLE_SOA: Answer = {
  type: 'SOA',
  name: ORIGIN,
  ttl: 3600,
  data: {
    mname: `ns1.${ORIGIN}`,
    rname: `hostmaster.${ORIGIN}`,
    serial: 2026112200,
    refresh: 7200,
    retry: 3600,
    expire: 1_209_600,
    minimum: 300,
  },
};

/** The values of the real root zone. */
const ROOT_SOA: Answer = {
  type: 'SOA',
  name: '.',
  ttl: 86_400,
  data: {
    mname: 'a.root-servers.net',
    rname: 'nstld.verisign-grs.com',
    serial: 2026112200,
    refresh: 1800,
    retry: 900,
    expire: 604_800,
    minimum: 86_400,
  },
};

const ROOT_NS: readonly Answer[] = [...'abcdefghijklm'].map((letter) => ({
  type: 'NS',
  name: '.',
  ttl: 518_400,
  data: `${letter}.root-servers.net`,
}));

/** An owner is relative to `example.org`, `''` is the origin itself. */
function owner(label: string): string {
  return label === '' ? ORIGIN : `${label}.${ORIGIN}`;
}

function a(label: string, ttl: number, ...addresses: string[]): Answer[] {
  return addresses.map((data) => ({ type: 'A', name: owner(label), ttl, data }));
}

function aaaa(label: string, ttl: number, ...addresses: string[]): Answer[] {
  return addresses.map((data) => ({ type: 'AAAA', name: owner(label), ttl, data }));
}

function cname(label: string, ttl: number, target: string): Answer {
  return { type: 'CNAME', name: owner(label), ttl, data: target };
}

const RECORDS: readonly Answer[] = [
  EXAMPLE_SOA,
  ROOT_SOA,
  ...ROOT_NS,
  { type: 'NS', name: ORIGIN, ttl: 86_400, data: owner('ns1') },
  ...a('', 300, '192.0.2.1'),
  ...aaaa('', 300, '2001:db8::1'),
  { type: 'MX', name: ORIGIN, ttl: 3600, data: { preference: 10, exchange: owner('mail') } },
  { type: 'MX', name: ORIGIN, ttl: 3600, data: { preference: 20, exchange: owner('mail2') } },
  { type: 'TXT', name: ORIGIN, ttl: 600, data: 'v=spf1 mx -all' },
  ...a('ns1', 86_400, '192.0.2.53'),
  ...a('www', 60, '192.0.2.80', '192.0.2.81'),
  ...aaaa('www', 60, '2001:db8::80'),
  ...a('mail', 3600, '192.0.2.25'),
  ...a('mail2', 3600, '192.0.2.26'),
  // A chain whose TTLs differ: a cache keeps it for the shortest.
  cname('alias', 300, owner('hop')),
  cname('hop', 10, owner('www')),
  cname('dangling', 300, owner('missing')),
  cname('loop', 300, owner('loop')),
  ...a('ttl-zero', 0, '192.0.2.100'),
  ...a('ttl-one', 1, '192.0.2.101'),
  ...a('ttl-day', 86_400, '192.0.2.102'),
  ...a('ttl-huge', 0x7fff_ffff, '192.0.2.103'),
  // Fits in 1232 octets; does not fit in 512.
  { type: 'TXT', name: owner('text'), ttl: 300, data: strings(4, 200) },
  // Fits in no usual UDP size, only in TCP.
  { type: 'TXT', name: owner('long-text'), ttl: 300, data: strings(24, 250) },
];

function strings(count: number, octets: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index).padStart(octets, 'x'));
}

/** CoreDNS stops after 8 too; only a loop gets there. */
const CHAIN_MAX = 8;

/** The reply to any question that is not the cluster's. */
export function lookUpExternal(question: Question): Reply {
  const answers: Answer[] = [];
  let { name } = question;
  for (let hops = 0; hops < CHAIN_MAX; hops++) {
    const records = RECORDS.filter((record) => record.name === name);
    const matching = records.filter(({ type }) => type === question.type);
    const alias = records.find((record) => record.type === 'CNAME');
    if (matching.length > 0 || alias === undefined) {
      answers.push(...matching);
      if (matching.length > 0) return reply(RCODE.NOERROR, answers, []);
      return reply(records.length > 0 ? RCODE.NOERROR : RCODE.NXDOMAIN, answers, [soaFor(name)]);
    }
    answers.push(alias);
    name = alias.type === 'CNAME' ? alias.data : name;
  }
  return reply(RCODE.SERVFAIL, [], []);
}

function soaFor(name: string): Answer {
  return name === ORIGIN || name.endsWith(`.${ORIGIN}`) ? EXAMPLE_SOA : ROOT_SOA;
}

function reply(rcode: Rcode, answers: Answer[], authorities: Answer[]): Reply {
  const flags = { authoritative: false, recursionAvailable: true };
  return { rcode, ...flags, answers, authorities, additionals: [] };
}
