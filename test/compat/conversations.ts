/** Corefiles, and the queries that they are asked: the peer and we have to say the same. */
import { FLAG, type QueryFields } from '../support/messages.ts';

export interface Ports {
  readonly dns: number;
  readonly upstream: number;
}

export interface Conversation {
  readonly name: string;
  readonly corefile: (ports: Ports) => string;
  readonly files?: Readonly<Record<string, string>>;
  readonly queries: readonly QueryFields[];
  /** Their order is drawn by chance. */
  readonly isShuffled?: boolean;
  /** CoreDNS's directive makes replies of its own without RA, which say that nobody here recurses. */
  readonly lacksRa?: boolean;
}

const EDNS = { size: 1232 };
const DNSSEC = { size: 4096, dnssecOk: true };
const HTTPS = 65;

/** What an ordinary client asks, and what an odd one does. */
const USUAL: readonly QueryFields[] = [
  { name: 'a.test' },
  { name: 'a.test' },
  { name: 'A.TeSt' },
  { name: 'a.test', edns: EDNS },
  { name: 'a.test', edns: DNSSEC },
  { name: 'a.test', flags: 0 },
  { name: 'a.test', flags: FLAG.RD | FLAG.CD },
  { name: 'a.test', flags: FLAG.RD | FLAG.AD },
  { name: 'a.test', flags: FLAG.RD | FLAG.Z },
  { name: 'a.test', type: 'AAAA' },
  { name: 'a.test', type: HTTPS },
  { name: 'chain.test' },
  { name: 'nx.test' },
  { name: 'nx.test', edns: DNSSEC },
  { name: 'empty.test', type: 'MX' },
  { name: 'mail.test', type: 'MX' },
  { name: 'text.test', type: 'TXT' },
  { name: 'service.test', type: 'SRV' },
  { name: 'many.test' },
  { name: 'many.test', edns: EDNS },
  { name: 'many.test', edns: { size: 512 } },
  { name: 'zero.test' },
  { name: 'long.test' },
  { name: 'servfail.test' },
  { name: 'refused.test' },
  { name: 'notimp.test' },
  { name: 'authoritative.test' },
  { name: '', type: 'NS' },
  { name: 'a.test', class: 'CH', type: 'TXT' },
  { name: 'a.test', type: 'ANY' },
  { name: 'a.test', edns: { version: 1 } },
  { name: 'a.test', edns: { options: [{ code: 3, data: new Uint8Array(0) }] } },
  { name: 'a.test', edns: { options: [{ code: 10, data: new Uint8Array(8) }] } },
  { name: 'a.test', flags: 0x2000 },
  { name: 'a.test', flags: 0x2800 },
];

const block =
  (lines: string, zone = '.') =>
  ({ dns }: Ports) =>
    `${zone}:${dns} {\n  bind 127.0.0.1\n  errors\n${lines}\n}\n`;

const withForward = (lines: string) => (ports: Ports) =>
  block(`${lines}\n  forward . 127.0.0.1:${ports.upstream}`)(ports);

const TYPES = ['A', 'AAAA', 'MX', 'TXT'] as const;
const eachType = (name: string, more: Partial<QueryFields> = {}): QueryFields[] =>
  TYPES.map((type) => ({ name, type, ...more }));

export const CONVERSATIONS: readonly Conversation[] = [
  { name: 'forward alone', corefile: withForward(''), queries: USUAL },
  { name: 'cache and forward', corefile: withForward('  cache'), queries: USUAL },
  {
    name: 'the stock block',
    corefile: ({ dns, upstream }) =>
      `.:${dns} {\n bind 127.0.0.1\n errors\n cache 30\n loop\n reload\n forward . 127.0.0.1:${upstream} {\n force_tcp\n }\n}`,
    queries: USUAL,
  },
  {
    name: 'cache with TTLs',
    corefile: withForward('  cache 20 {\n success 1000 10 8\n denial 1000 6 3\n }'),
    queries: [
      { name: 'a.test' },
      { name: 'zero.test' },
      { name: 'long.test' },
      { name: 'nx.test' },
      { name: 'empty.test', type: 'MX' },
      { name: 'servfail.test' },
      { name: 'a.test' },
      { name: 'zero.test' },
      { name: 'long.test' },
      { name: 'nx.test' },
    ],
  },
  {
    name: 'cache, keepttl',
    corefile: withForward('  cache {\n keepttl\n }'),
    queries: [{ name: 'long.test' }, { name: 'long.test' }, { name: 'a.test' }],
  },
  {
    name: 'cache for a zone, denial disabled',
    corefile: withForward('  cache 30 test {\n disable denial\n }'),
    queries: [{ name: 'a.test' }, { name: 'a.other' }, { name: 'nx.test' }, { name: 'nx.test' }],
  },
  {
    name: 'bufsize',
    corefile: withForward('  bufsize 512\n  cache'),
    queries: [
      { name: 'many.test', edns: EDNS },
      { name: 'many.test', edns: DNSSEC },
      { name: 'many.test' },
    ],
  },
  {
    name: 'forward but for a zone',
    corefile: (ports) =>
      block(`  forward . 127.0.0.1:${ports.upstream} {\n except nx.test\n prefer_udp\n }`)(ports),
    queries: [{ name: 'a.test' }, { name: 'nx.test' }, { name: 'b.nx.test' }],
  },
  {
    name: 'forward for a zone',
    corefile: (ports) => block(`  forward test 127.0.0.1:${ports.upstream}`)(ports),
    queries: [{ name: 'a.test' }, { name: 'a.elsewhere' }],
  },
  {
    name: 'forward: failover',
    corefile: (ports) =>
      block(`  forward . 127.0.0.1:${ports.upstream} {\n failover SERVFAIL\n }`)(ports),
    queries: [{ name: 'servfail.test' }],
  },
  {
    name: 'an upstream that is not there',
    corefile: block('  cache\n  forward . 127.0.0.1:1 {\n max_fails 0\n }'),
    queries: [{ name: 'a.test' }, { name: 'a.test', edns: EDNS }],
  },
  {
    name: 'zones',
    corefile: (ports) =>
      ['test', 'sub.test', 'other.example']
        .map((zone) =>
          block(`  template IN TXT {\n answer "{{ .Name }} 60 IN TXT ${zone}"\n }`, zone)(ports),
        )
        .join(''),
    queries: [
      'a.test',
      'test',
      'a.sub.test',
      'sub.test',
      'xsub.test',
      'other.example',
      'a.unknown',
      '',
    ].flatMap((name) => [
      { name, type: 'TXT' },
      { name, type: 43 },
      { name, class: 'CH', type: 'TXT' },
    ]),
  },
  {
    name: 'nobody answers',
    corefile: block(''),
    queries: [{ name: 'a.test' }, { name: 'a.test', edns: EDNS }],
  },
  { name: 'cache alone', corefile: block('  cache'), queries: [{ name: 'a.test' }] },
  {
    name: 'whoami',
    corefile: block('  whoami'),
    queries: [
      ...eachType('a.test'),
      { name: 'A.test', edns: DNSSEC },
      { name: '' },
      { name: 'a.test', class: 'CH' },
    ],
  },
  {
    name: 'whoami behind a cache',
    corefile: block('  cache\n  whoami'),
    queries: [{ name: 'a.test' }, { name: 'a.test', edns: EDNS }],
  },
  {
    name: 'hosts',
    corefile: block(
      '  hosts ./hosts test 2.0.192.in-addr.arpa {\n 192.0.2.8 eight.test\n ttl 77\n fallthrough else.test\n }',
    ),
    files: {
      hosts: '192.0.2.7 seven.test Seven-Too.test\n2001:db8::7 seven.test\n192.0.2.9 seven.test\n',
    },
    queries: [
      ...eachType('seven.test'),
      ...eachType('SEVEN-too.test'),
      ...eachType('eight.test'),
      { name: 'nine.test' },
      { name: 'x.else.test' },
      { name: 'a.example' },
      { name: '7.2.0.192.in-addr.arpa', type: 'PTR' },
      { name: '99.2.0.192.in-addr.arpa', type: 'PTR' },
      { name: 'seven.test', edns: DNSSEC },
      { name: 'seven.test', type: 'ANY' },
    ],
  },
  {
    name: 'hosts without fallthrough, before forward',
    corefile: withForward('  cache\n  hosts ./hosts'),
    files: { hosts: '192.0.2.7 seven.test\n' },
    queries: [
      { name: 'seven.test' },
      { name: 'seven.test' },
      { name: 'seven.test', type: 'AAAA' },
      { name: 'a.test' },
    ],
  },
  {
    name: 'template',
    corefile: withForward(`  cache
  template IN A ip.test {
    match ^ip-(?P<a>[0-9]+)-(?P<b>[0-9]+)[.]ip[.]test[.]$
    answer "{{ .Name }} 60 IN A 192.0.{{ .Group.a }}.{{ .Group.b }}"
    fallthrough
  }
  template IN ANY gone.test {
    rcode NXDOMAIN
    authority "gone.test. 60 IN SOA ns.gone.test. admin.gone.test. 1 2 3 4 5"
  }
  template IN TXT say.test {
    answer "{{ .Name }} 0 TXT \\"{{ .Type }} {{ .Class }} {{ .Zone }} {{ index .Match 0 }} {{ len .Match }}\\""
    additional "ns.say.test 30 A 192.0.2.1"
  }
  template IN MX broken.test {
    answer "{{ .Name }} MX {{ index .Match 9 }}"
  }
  template IN MX odd.test {
    answer "{{ .Name }} MX nowhere"
  }
  template IN A strict.test {
    match ^only[.]
    answer "{{ .Name }} A 192.0.2.1"
  }
  template IN A link.test {
    answer "{{ .Name }} 30 CNAME a.test."
  }`),
    queries: [
      { name: 'ip-2-3.ip.test' },
      { name: 'IP-2-3.ip.test' },
      { name: 'ip-2-3.ip.test', edns: DNSSEC },
      { name: 'ip-999-3.ip.test' },
      { name: 'x.ip.test' },
      { name: 'ip-2-3.ip.test', type: 'AAAA' },
      ...eachType('x.gone.test'),
      { name: 'Hello.say.test', type: 'TXT' },
      { name: 'say.test', type: 'TXT' },
      { name: 'x.broken.test', type: 'MX' },
      { name: 'x.odd.test', type: 'MX' },
      { name: 'only.strict.test' },
      { name: 'other.strict.test' },
      { name: 'x.link.test' },
      { name: 'x.link.test', type: 'ANY' },
      { name: 'x.gone.test', class: 'CH' },
    ],
  },
  {
    name: 'rewrite of names',
    corefile: withForward(`  rewrite name exact old.test a.test
  rewrite name suffix .new.test .test answer auto
  rewrite stop {
    name regex (.*)\\.re\\.test {1}.test
    answer name (.*)\\.test {1}.re.test
  }
  rewrite name prefix pre- a
  rewrite name substring middle a`),
    queries: [
      ...eachType('old.test'),
      { name: 'OLD.test' },
      { name: 'a.new.test' },
      { name: 'chain.new.test' },
      { name: 'nx.new.test' },
      { name: 'a.re.test' },
      { name: 'chain.re.test' },
      { name: 'pre-.test' },
      { name: 'middle.test' },
      { name: 'chain.test' },
      { name: 'old.test', edns: DNSSEC },
    ],
  },
  {
    name: 'rewrite of names, behind a cache',
    corefile: withForward('  cache\n  rewrite name old.test a.test'),
    queries: [{ name: 'old.test' }, { name: 'old.test' }, { name: 'a.test' }],
  },
  {
    name: 'rewrite of the rest',
    corefile: withForward(`  rewrite type ANY A
  rewrite class CH IN
  rewrite continue ttl suffix .test 5-20
  rewrite ttl exact long.test 99
  rewrite rcode exact servfail.test SERVFAIL NOERROR
  rewrite cname exact b.test. a.test.`),
    queries: [
      { name: 'a.test', type: 'ANY' },
      { name: 'a.test', class: 'CH' },
      { name: 'a.test' },
      { name: 'long.test' },
      { name: 'zero.test' },
      { name: 'servfail.test' },
      { name: 'chain.test' },
    ],
  },
  {
    name: 'dns64',
    lacksRa: true,
    corefile: withForward('  dns64 {\n allow_ipv4\n }\n  cache'),
    queries: [
      { name: 'a.test', type: 'AAAA' },
      { name: 'a.test', type: 'AAAA' },
      { name: 'six.test', type: 'AAAA' },
      { name: 'nx.test', type: 'AAAA' },
      { name: 'chain.test', type: 'AAAA' },
      { name: 'empty.test', type: 'AAAA' },
      { name: 'a.test' },
      { name: 'a.test', type: 'AAAA', edns: DNSSEC },
      { name: 'a.test', type: 'AAAA', flags: FLAG.RD | FLAG.CD },
      { name: 'servfail.test', type: 'AAAA' },
    ],
  },
  {
    name: 'dns64, translate_all',
    corefile: withForward('  dns64 2001:db8:64::/96 {\n translate_all\n allow_ipv4\n }'),
    queries: [
      { name: 'a.test', type: 'AAAA' },
      { name: 'six.test', type: 'AAAA' },
    ],
  },
  {
    name: 'loadbalance',
    isShuffled: true,
    corefile: withForward('  loadbalance\n  cache'),
    queries: [
      { name: 'few.test' },
      { name: 'chain.test' },
      { name: 'mail.test', type: 'MX' },
      { name: 'few.test', edns: EDNS },
    ],
  },
  {
    name: 'loadbalance, prefer',
    isShuffled: true,
    corefile: withForward('  loadbalance {\n prefer 192.0.2.2/32\n }'),
    queries: [{ name: 'few.test' }],
  },
  {
    name: 'what is passed over',
    corefile: withForward(`  cache "" {
    success 5000 60 5 surplus
  }
  hosts {
    192.0.2.9 in.test
    ttl 60 s
    no_reverse fallthrough a..b test
  }
  template IN TXT a..b {
    answer "{{ .Name }} TXT never"
  }`),
    queries: [
      { name: 'in.test' },
      { name: '9.2.0.192.in-addr.arpa', type: 'PTR' },
      { name: 'text.test', type: 'TXT' },
      { name: 'long.test' },
      { name: 'zero.test' },
      { name: 'zero.test' },
      { name: 'nx.test' },
    ],
  },
  {
    name: 'metadata, log, trace, debug',
    corefile: withForward('  metadata\n  log\n  debug\n  timeouts {\n read 3s\n }\n  cache'),
    queries: [{ name: 'a.test' }, { name: 'nx.test' }, { name: 'a.test', edns: EDNS }],
  },
];
