/**
 * What CoreDNS 1.13.2, 1.14.4 and 1.14.7 accept in each of node-cache's 22 directives: facts read out of the syntax sections of
 * their manual pages and of the words their parsers know. `coredns-options.test.ts` holds our parser against it;
 * `scan-coredns.ts` compares it with a checkout of CoreDNS.
 */
import type { DirectiveName } from '../../src/directives/order.ts';

/** The first release that has it; '1.13.2' is also for what is older. `next` stands on the branch after 1.14.7. */
export type Since =
  | '1.13.2'
  | '1.14.0'
  | '1.14.1'
  | '1.14.3'
  | '1.14.4'
  | '1.14.5'
  | '1.14.6'
  | '1.14.7'
  | 'next';

export interface OptionFacts {
  /** The word or words that come first; '' for the arguments of the directive itself. */
  readonly option: string;
  /** In a line of the directive's block, or behind its name. */
  readonly place: 'block' | 'line';
  /** The arguments as the manual writes them; '' is none. */
  readonly shape: string;
  /** The fewest and the most arguments. */
  readonly count: readonly [min: number, max: number];
  readonly since: Since;
  /** Typical arguments, from the shortest to the longest. */
  readonly accepted: readonly string[];
  /** Arguments of a right count that are wrong. */
  readonly rejected: readonly string[];
  /** Arguments that mean what leaving it out means. */
  readonly default: string | undefined;
  /** The line before the block where it is not the directive's `head`. */
  readonly head: string | undefined;
  /** Other lines of the block that it needs. */
  readonly beside: string;
  /** Counts of arguments that CoreDNS does not look at. */
  readonly passesOver: 'too few' | 'too many' | undefined;
  /** A word that CoreDNS's pages or sources of the directive hold exactly from `since` on; undefined: none does. */
  readonly mark: string | undefined;
}

export interface DirectiveFacts {
  /** The shortest line that is right, with what has to stand before a block. */
  readonly head: string;
  /** A second one in a server block: an error (`once`), more of the same (`repeats`), or only one of them counts. */
  readonly again: 'once' | 'repeats' | 'first' | 'last' | 'adds';
  readonly options: readonly OptionFacts[];
}

const ANY = Number.POSITIVE_INFINITY;

type Rest = Partial<
  Pick<OptionFacts, 'since' | 'rejected' | 'default' | 'head' | 'beside' | 'passesOver' | 'mark'>
>;

function facts(
  place: OptionFacts['place'],
  option: string,
  shape: string,
  count: OptionFacts['count'],
  accepted: readonly string[],
  rest: Rest,
): OptionFacts {
  return {
    option,
    place,
    shape,
    count,
    since: '1.13.2',
    accepted,
    rejected: [],
    default: undefined,
    head: undefined,
    beside: '',
    passesOver: undefined,
    mark: option.split(' ').at(-1) || undefined,
    ...rest,
  };
}

/** Arguments of the directive's own line. */
function line(
  shape: string,
  count: OptionFacts['count'],
  accepted: readonly string[],
  rest: Rest = {},
): OptionFacts {
  return facts('line', '', shape, count, accepted, rest);
}

/** A line of its block. */
function block(
  option: string,
  shape: string,
  count: OptionFacts['count'],
  accepted: readonly string[],
  rest: Rest = {},
): OptionFacts {
  return facts('block', option, shape, count, accepted, rest);
}

/** A word or words behind its name that have arguments of their own. */
function field(
  option: string,
  shape: string,
  count: OptionFacts['count'],
  accepted: readonly string[],
  rest: Rest = {},
): OptionFacts {
  return facts('line', option, shape, count, accepted, rest);
}

function flag(option: string, rest: Rest = {}): OptionFacts {
  return block(option, '', [0, 0], [''], rest);
}

/** A pattern of more octets than CoreDNS takes. */
const LONG_PATTERN = 'a'.repeat(10_001);

export const COREDNS_OPTIONS: Readonly<Record<DirectiveName, DirectiveFacts>> = {
  metadata: {
    head: 'metadata',
    again: 'once',
    options: [line('[ZONES...]', [0, ANY], ['', 'example.org', 'example.org in-addr.arpa'])],
  },
  timeouts: {
    head: 'timeouts',
    again: 'adds',
    options: [
      line('', [0, 0], [], { rejected: ['', '{\n}'] }),
      block('read', 'DURATION', [1, 1], ['10', '10s', '24h'], {
        rejected: ['999ms', '0', '24h1s', 'soon'],
        default: '3s',
        beside: 'idle 10s',
      }),
      block('write', 'DURATION', [1, 1], ['5', '1s'], {
        rejected: ['25h'],
        default: '5s',
        beside: 'idle 10s',
      }),
      block('idle', 'DURATION', [1, 1], ['60', '1m'], {
        rejected: ['-1s'],
        default: '10s',
        beside: 'read 3s',
      }),
      block('maxtcpqueries', 'MAXIMUM', [1, 1], ['128', '-1'], {
        since: '1.14.7',
        rejected: ['0', '-2', 'many', '1.5'],
        default: '-1',
        beside: 'idle 10s',
      }),
    ],
  },
  reload: {
    head: 'reload',
    again: 'first',
    options: [
      line('[INTERVAL] [JITTER]', [0, 2], ['', '10s', '2s 1s', '30s 0s'], {
        rejected: ['1s', '10', '10s 500ms', '10s soon'],
        default: undefined,
      }),
    ],
  },
  bufsize: {
    head: 'bufsize',
    again: 'first',
    options: [line('[SIZE]', [0, 1], ['', '512', '4096'], { rejected: ['511', '4097', 'large'] })],
  },
  bind: {
    head: 'bind 127.0.0.1',
    again: 'repeats',
    options: [
      line('ADDRESS|IFACE...', [1, ANY], ['127.0.0.1', 'lo ::1', '127.0.0.1 127.0.0.2 lo']),
      block('except', 'ADDRESS|IFACE...', [1, ANY], ['127.0.0.2', 'fe80::1 eth0'], {
        passesOver: 'too few',
      }),
    ],
  },
  debug: { head: 'debug', again: 'first', options: [line('', [0, 0], [''])] },
  trace: {
    head: 'trace',
    again: 'last',
    options: [
      line(
        '[ENDPOINT-TYPE] [ENDPOINT]',
        [0, 2],
        ['', 'localhost:9411', 'http://tracer:9411/api/v2/spans', 'datadog tracer:8126'],
        { rejected: ['jaeger localhost:6831'], default: 'zipkin localhost:9411' },
      ),
      block('every', 'AMOUNT', [1, 1], ['100', '1'], { rejected: ['-1', 'x'], default: '1' }),
      block('service', 'NAME', [1, 1], ['node-dns'], { default: 'coredns' }),
      block('client_server', '[true|false]', [0, 1], ['', 'true'], {
        rejected: ['maybe'],
        default: 'false',
      }),
      block('datadog_analytics_rate', 'RATE', [0, 1], ['', '0.5'], {
        head: 'trace datadog localhost:8126',
        rejected: ['1.1', '-0.1', 'x'],
        default: '0',
      }),
      block('zipkin_max_backlog_size', 'SIZE', [1, 1], ['500'], {
        rejected: ['x'],
        default: '1000',
      }),
      block('zipkin_max_batch_size', 'SIZE', [1, 1], ['50'], { rejected: ['x'], default: '100' }),
      block('zipkin_max_batch_interval', 'DURATION', [1, 1], ['2s'], {
        rejected: ['2'],
        default: '1s',
      }),
    ],
  },
  health: {
    head: 'health',
    again: 'last',
    options: [
      line('[ADDRESS]', [0, 1], ['', ':8080', '127.0.0.1:8080', '[::1]:8081'], {
        rejected: ['localhost', '8080'],
        default: ':8080',
      }),
      block('lameduck', 'DURATION', [1, 1], ['5s'], { rejected: ['5', 'x'], default: '0s' }),
    ],
  },
  pprof: {
    head: 'pprof',
    again: 'once',
    options: [
      line('[ADDRESS]', [0, 1], ['', ':6053', '127.0.0.1:6060'], {
        rejected: ['localhost'],
        default: 'localhost:6053',
      }),
      block('block', '[RATE]', [0, 1], ['', '20'], { rejected: ['x'] }),
    ],
  },
  prometheus: {
    head: 'prometheus',
    again: 'once',
    options: [
      line('[ADDRESS]', [0, 1], ['', ':9253', '169.254.20.10:9253'], {
        rejected: ['localhost', '9153'],
        default: 'localhost:9153',
      }),
      flag('runtime_metrics', { since: '1.14.3' }),
      block('tls', 'CONFIG_FILE', [1, 1], ['/etc/web.yml'], { since: '1.14.3' }),
    ],
  },
  errors: {
    head: 'errors',
    again: 'once',
    options: [
      line('[stdout]', [0, 1], ['', 'stdout'], { rejected: ['errors.log'], default: 'stdout' }),
      flag('stacktrace'),
      block(
        'consolidate',
        'DURATION REGEXP [LEVEL]',
        [2, 4],
        [
          '30s ".* i/o timeout$"',
          '5m "^Failed" warning',
          '1s x debug',
          '5m "^Failed" info show_first',
        ],
        {
          rejected: [
            '30 timeout',
            '30s "("',
            '30s timeout fatal',
            '30s timeout info error',
            '30s timeout show_first info',
            `30s ${LONG_PATTERN}`,
          ],
        },
      ),
      block(
        'consolidate',
        'DURATION REGEXP [LEVEL] show_first',
        [2, 4],
        ['30s timeout show_first'],
        {
          since: '1.14.0',
          mark: 'show_first',
        },
      ),
    ],
  },
  log: {
    head: 'log',
    again: 'repeats',
    options: [
      line(
        '[NAMES...] [FORMAT]',
        [0, ANY],
        ['', 'example.org', '. {combined}', 'example.org example.net "{remote} {name} {/label}"'],
        { default: '. {common}' },
      ),
      block('class', 'CLASSES...', [1, ANY], ['all', 'denial error', 'success denial error all'], {
        rejected: ['none', 'denial none'],
        default: 'all',
      }),
    ],
  },
  dnstap: {
    head: 'dnstap /run/dnstap.sock',
    again: 'repeats',
    options: [
      line(
        'SOCKET [full] [WRITEBUFFER] [QUEUE]',
        [1, 4],
        [
          '/run/dnstap.sock',
          'unix:///run/dnstap.sock full',
          'tcp://192.0.2.1:6000 full 2',
          'tls://collector.example:6000 full 1024 4096',
        ],
        {
          passesOver: 'too many',
          rejected: [
            '/run/dnstap.sock full 0',
            '/run/dnstap.sock full 1025',
            '/run/dnstap.sock full x',
            '/run/dnstap.sock full 1 0',
            '/run/dnstap.sock full 1 4097',
            '/run/dnstap.sock full 1 x',
          ],
        },
      ),
      field(
        'listen',
        'SOCKET [full] [IGNORED] [IGNORED]',
        [1, 4],
        ['unix:///run/dnstap.sock', 'tcp://127.0.0.1:6000 full', '/run/dnstap.sock full 2 1'],
        {
          since: '1.14.4',
          passesOver: 'too many',
          rejected: ['/run/dnstap.sock full 0', '/run/dnstap.sock full 1 4097'],
          mark: 'isListener',
        },
      ),
      block('identity', 'IDENTITY', [1, 1], ['node-1']),
      block('version', 'VERSION', [1, 1], ['dns-1']),
      block('extra', 'EXTRA', [1, 1], ['upstream', '{/forward/upstream}'], { default: '""' }),
      flag('skipverify', { head: 'dnstap tls://192.0.2.1:6000 full' }),
      block('tls', 'CERT KEY [CA]', [2, 3], ['/tls/crt /tls/key', '/tls/crt /tls/key /tls/ca'], {
        since: '1.14.4',
        passesOver: 'too many',
        mark: 'certFile',
        head: 'dnstap listen tls://127.0.0.1:6000',
      }),
    ],
  },
  dns64: {
    head: 'dns64',
    again: 'last',
    options: [
      line('[PREFIX]', [0, 1], ['', '64:ff9b::/96', '2001:db8:64::/48'], {
        rejected: ['64:ff9b::', '192.0.2.0/24', '2001:db8::/33', '2001:db8::/24', '2001:db8::/104'],
        default: '64:ff9b::/96',
      }),
      block('prefix', 'PREFIX', [1, 1], ['2001:db8:64::/96'], {
        rejected: ['192.0.2.0/24', '2001:db8::/30'],
        default: '64:ff9b::/96',
      }),
      flag('translate_all'),
      flag('allow_ipv4'),
    ],
  },
  loadbalance: {
    head: 'loadbalance',
    again: 'last',
    options: [
      line('[round_robin]', [0, 1], ['', 'round_robin'], {
        rejected: ['fair'],
        default: 'round_robin',
      }),
      field('weighted', 'WEIGHTFILE', [1, 1], ['/etc/weights']),
      block('reload', 'DURATION', [1, 1], ['10s', '0s'], {
        head: 'loadbalance weighted /etc/weights',
        rejected: ['10', 'x'],
        default: '30s',
      }),
      block('prefer', 'CIDR...', [1, ANY], ['10.0.0.0/8', '10.0.0.0/8 2001:db8::/32'], {
        passesOver: 'too few',
        rejected: ['10.0.0.1', '10.0.0.0/33'],
      }),
    ],
  },
  cache: {
    head: 'cache',
    again: 'once',
    options: [
      line('[TTL] [ZONES...]', [0, ANY], ['', '30', '30 example.org', 'example.org example.net'], {
        rejected: ['0', '-1'],
      }),
      block('success', 'CAPACITY [TTL] [MINTTL]', [1, 3], ['5000', '5000 3600', '5000 3600 10'], {
        passesOver: 'too many',
        rejected: ['x', '5000 0', '5000 30 -1'],
        default: '9984 3600 5',
      }),
      block('denial', 'CAPACITY [TTL] [MINTTL]', [1, 3], ['2500', '2500 60', '2500 60 0'], {
        passesOver: 'too many',
        rejected: ['x', '5000 0', '5000 30 -1'],
        default: '9984 1800 5',
      }),
      block(
        'prefetch',
        'AMOUNT [[DURATION] [PERCENTAGE%]]',
        [1, 3],
        ['10', '10 10m', '10 1m 25%'],
        { rejected: ['-1', '10 10', '10 1m 9%', '10 1m 91%', '10 1m 25'], default: '0' },
      ),
      block('serve_stale', '[DURATION] [immediate|verify]', [0, 5], ['', '2h', '2h verify'], {
        rejected: ['20', '-1m', '1h sometimes'],
        default: '0',
      }),
      block('serve_stale', '[DURATION] verify [VERIFY_TIMEOUT]', [0, 5], ['1h verify 100ms'], {
        since: '1.14.4',
        mark: 'VERIFY_TIMEOUT',
        rejected: ['1h verify soon', '1h verify -1ms'],
      }),
      block(
        'serve_stale',
        '[DURATION] [immediate [RESPONSE_TTL [FAILURE_RECHECK]] | verify [VERIFY_TIMEOUT [RESPONSE_TTL [FAILURE_RECHECK]]]]',
        [0, 5],
        ['1h immediate 30s', '1h immediate 30s 30s', '1h verify 0 30s', '1h verify 100ms 30s 5m'],
        {
          since: '1.14.7',
          mark: 'RESPONSE_TTL',
          rejected: [
            '1h immediate 500ms',
            '1h immediate 30s 6m',
            '1h immediate 30s 30s 30s',
            '1h verify 100ms 30s -1s',
          ],
        },
      ),
      block('serve_stale_policy', 'prefer_positive', [1, 1], ['prefer_positive'], {
        since: '1.14.7',
        beside: 'serve_stale',
        rejected: ['prefer_negative'],
      }),
      block('servfail', 'DURATION', [1, 1], ['0', '30s', '5m'], {
        rejected: ['6m', '20', '-1s'],
        default: '5s',
      }),
      block(
        'disable',
        'success|denial [ZONES...]',
        [1, ANY],
        ['success', 'denial example.org a.b'],
        {
          rejected: ['all'],
        },
      ),
      flag('keepttl'),
    ],
  },
  rewrite: {
    head: 'rewrite type ANY HINFO',
    again: 'repeats',
    options: [
      line('{ FIELD ARGUMENTS... }', [0, 0], ['{\ntype ANY HINFO\n}'], { rejected: ['', '{\n}'] }),
      line('FIELD ARGUMENTS...', [3, ANY], ['type ANY HINFO'], {
        rejected: ['opcode QUERY NOTIFY', 'answer name a.org b.org'],
      }),
      field('stop', 'FIELD ARGUMENTS...', [3, ANY], ['name a.org b.org']),
      field('continue', 'FIELD ARGUMENTS...', [3, ANY], ['name a.org b.org']),
      field('type', 'FROM TO', [2, 2], ['ANY HINFO', 'a aaaa'], { rejected: ['ANY NOTYPE'] }),
      field('class', 'FROM TO', [2, 2], ['CH IN'], { rejected: ['CH XX'] }),
      field(
        'name',
        '[exact|prefix|suffix|substring|regex] FROM TO [[answer] auto|name FROM TO|value FROM TO]...',
        [2, ANY],
        [
          'a.example.org b.example.org',
          'exact a.org b.org',
          'exact a.org b.org answer value (.*)\\.b\\.org {1}.a.org',
          'prefix a- b- answer auto',
          'suffix .a.org .b.org',
          'suffix .a.org. .b.org. answer auto',
          'substring a b',
          'substring a b answer auto',
          'regex (.*)-(us)\\.a\\.org {1}.{2}.b.org',
          'regex (.*)\\.a\\.org {1}.b.org answer name (.*)\\.b\\.org {1}.a.org',
          'regex (.*)\\.a\\.org {1}.b.org answer name (.*)\\.b {1}.a value (.*)\\.c {1}.d',
          'regex (.*)\\.a\\.org {1}.b.org answer auto answer value (.*)\\.c {1}.d',
        ],
        {
          rejected: [
            'fuzzy a.org b.org',
            'suffix .a.org .b.org answer',
            'suffix .a.org .b.org auto',
            'suffix .a.org .b.org answer some',
            'regex ( a.org',
            'regex (.*) {1}.{2}.a.org',
            'regex (.*) {1}.a.org answer name (.*)',
            'regex (.*) {1}.a.org answer auto answer name (.*) {1}',
            `regex ${LONG_PATTERN} a.org`,
          ],
        },
      ),
      field(
        'ttl',
        'FROM SECONDS|MIN-MAX',
        [2, 2],
        ['a.org 30', 'a.org 30-300', 'a.org -30', 'a.org 30-'],
        {
          rejected: ['a.org x', 'a.org 300-30', 'a.org 4294967296'],
        },
      ),
      field('ttl exact', 'FROM SECONDS|MIN-MAX', [2, 2], ['a.org 30']),
      field('ttl prefix', 'FROM SECONDS|MIN-MAX', [2, 2], ['a 30-60']),
      field('ttl suffix', 'FROM SECONDS|MIN-MAX', [2, 2], ['.a.org 30']),
      field('ttl substring', 'FROM SECONDS|MIN-MAX', [2, 2], ['a 30']),
      field('ttl regex', 'FROM SECONDS|MIN-MAX', [2, 2], ['(.*)\\.a\\.org 30'], {
        rejected: ['( 30', `${LONG_PATTERN} 30`],
      }),
      field('rcode', 'NAME FROM TO', [3, 3], ['a.org SERVFAIL NXDOMAIN'], {
        rejected: ['a.org SERVFAIL NORCODE', 'a.org NORCODE NXDOMAIN'],
      }),
      field('rcode exact', 'NAME FROM TO', [3, 3], ['a.org SERVFAIL NXDOMAIN']),
      field('rcode prefix', 'NAME FROM TO', [3, 3], ['a NXDOMAIN SERVFAIL']),
      field('rcode suffix', 'NAME FROM TO', [3, 3], ['.a.org NXDOMAIN NOERROR']),
      field('rcode substring', 'NAME FROM TO', [3, 3], ['a NXDOMAIN SERVFAIL']),
      field('rcode regex', 'NAME FROM TO', [3, 3], ['(.*)\\.a\\.org SERVFAIL NXDOMAIN'], {
        rejected: ['( SERVFAIL NXDOMAIN'],
      }),
      field(
        'cname',
        '[exact|prefix|suffix|substring|regex] FROM TO',
        [2, 3],
        [
          'a.cdn.example b.cdn.example',
          'exact a.cdn.example b.cdn.example',
          'prefix a- b-',
          'suffix .a.example. .b.example.',
          'substring a b',
          'regex (.*)\\.cdn\\.example\\. {1}.b.example.',
        ],
        { rejected: ['fuzzy a b', 'regex ( a.org'] },
      ),
      ...['set', 'append', 'replace'].flatMap((action) => [
        field(
          `edns0 local ${action}`,
          'CODE DATA [revert]',
          [2, 3],
          ['0xffee abcd', '65518 0x61626364', '0xffee {qname} revert'],
          { rejected: ['code abcd', '0xffee 0xzz', '0xffee {qwhat}'] },
        ),
        field(`edns0 nsid ${action}`, '[revert]', [0, 1], ['', 'revert']),
        field(
          `edns0 subnet ${action}`,
          'V4LENGTH V6LENGTH [revert]',
          [2, 3],
          ['24 56', '24 56 revert'],
          {
            rejected: ['33 56', '24 129', 'x 56'],
          },
        ),
      ]),
      field('edns0 local unset', 'CODE', [1, 1], ['0xffee']),
      field('edns0 nsid unset', '', [0, 0], ['']),
      field('edns0 subnet unset', '', [0, 0], ['']),
    ],
  },
  template: {
    head: 'template IN A',
    again: 'repeats',
    options: [
      line(
        'CLASS TYPE [ZONE...]',
        [2, ANY],
        ['IN A', 'ANY ANY', 'IN AAAA example.org example.net'],
        {
          rejected: ['XX A', 'IN NOTYPE'],
        },
      ),
      block('match', 'REGEX...', [1, ANY], ['.*', '"^ip-(?P<a>[0-9]+)[.]example[.]$" "^a[.]"'], {
        rejected: ['(', LONG_PATTERN],
      }),
      ...['answer', 'additional', 'authority'].map((section) =>
        block(section, 'RR...', [1, ANY], ['"{{ .Name }} 60 IN A 192.0.2.1"'], {
          rejected: ['"{{ .Name "'],
        }),
      ),
      block('rcode', 'CODE', [1, 1], ['NXDOMAIN', 'SERVFAIL'], {
        rejected: ['NORCODE'],
        default: 'NOERROR',
      }),
      block('ederror', 'CODE [REASON]', [1, 2], ['15', '21 "Blocked here"'], {
        rejected: ['x', '-1', '65536'],
      }),
      block('fallthrough', '[ZONE...]', [0, ANY], ['', 'example.org in-addr.arpa']),
      block('upstream', '[IGNORED...]', [0, ANY], ['']),
      block('var', 'NAME EXPRESSION...', [2, ANY], ['a "1 + 1"'], {
        since: 'next',
        mark: 'varEnv',
      }),
      block('expr', 'EXPRESSION...', [1, ANY], ['"true"'], { since: 'next' }),
    ],
  },
  hosts: {
    head: 'hosts /etc/hosts',
    again: 'once',
    options: [
      line(
        '[FILE [ZONES...]]',
        [0, ANY],
        ['', '/etc/hosts', '/etc/hosts example.org example.net'],
        {
          default: '/etc/hosts',
        },
      ),
      block('192.0.2.1', '[NAME...]', [0, ANY], ['a.example.org', 'a.example.org b.example.org'], {
        mark: 'inline',
      }),
      block('ttl', 'SECONDS', [1, 1], ['60', '65535'], {
        passesOver: 'too many',
        rejected: ['0', '-1', '65536', 'x'],
        default: '3600',
      }),
      flag('no_reverse', { passesOver: 'too many' }),
      block('reload', 'DURATION', [1, 1], ['10s', '0s'], { rejected: ['-1s', 'x'], default: '5s' }),
      block('fallthrough', '[ZONES...]', [0, ANY], ['', 'example.org in-addr.arpa']),
      flag('fallthrough_unsupported', { since: '1.14.7', beside: 'fallthrough' }),
    ],
  },
  loop: { head: 'loop', again: 'once', options: [line('', [0, 0], [''])] },
  forward: {
    head: 'forward . 192.0.2.1',
    again: 'repeats',
    options: [
      line(
        'FROM TO...',
        [2, 16],
        [
          '. 192.0.2.1',
          '. /etc/resolv.conf',
          'example.org 192.0.2.1:5353 [2001:db8::1]:53 2001:db8::1 dns://192.0.2.2',
          '. tls://192.0.2.53 tls://192.0.2.54%dns.example tls://192.0.2.54%dns.example:8853',
          '10.0.0.0/24 192.0.2.1',
          `. ${Array.from({ length: 15 }, (_, index) => `192.0.2.${index}`).join(' ')}`,
        ],
        { rejected: ['. 192.0.2.1:port', '. /no/such/file'] },
      ),
      line('FROM https://HOST', [2, ANY], ['. https://192.0.2.53'], {
        since: '1.14.5',
        mark: 'doh_method',
      }),
      line('FROM HOSTNAME', [2, ANY], ['. dns.example.org dns.example.org:5353'], {
        since: '1.14.4',
      }),
      block('except', 'IGNORED_NAMES...', [1, ANY], ['example.org', 'example.org 10.0.0.0/8']),
      flag('force_tcp'),
      flag('prefer_udp'),
      block('expire', 'DURATION', [1, 1], ['30s'], { rejected: ['-1s', '30'], default: '10s' }),
      block('max_age', 'DURATION', [1, 1], ['10m'], {
        since: '1.14.3',
        rejected: ['-1s', '30', '1s'],
        default: '0s',
      }),
      block('max_idle_conns', 'INTEGER', [1, 1], ['10'], {
        since: '1.14.1',
        rejected: ['-1', 'x'],
        default: '0',
      }),
      block('read_timeout', 'DURATION', [1, 1], ['5s'], {
        since: '1.14.5',
        rejected: ['0s', '-1s', '5'],
        default: '2s',
      }),
      block('max_fails', 'INTEGER', [1, 1], ['0', '3'], {
        rejected: ['-1', '4294967296'],
        default: '2',
      }),
      block('max_connect_attempts', 'INTEGER', [1, 1], ['3'], { rejected: ['-1'], default: '0' }),
      block('doh_method', 'GET|POST', [1, 1], ['GET', 'POST'], {
        since: '1.14.5',
        rejected: ['PUT', 'get'],
        default: 'POST',
      }),
      block(
        'tls',
        '[CERT KEY] [CA]',
        [0, 3],
        ['', '/tls/ca', '/tls/crt /tls/key', '/tls/crt /tls/key /tls/ca'],
      ),
      block('tls_servername', 'NAME', [1, 1], ['dns.example'], {
        head: 'forward . tls://192.0.2.53',
      }),
      block(
        'policy',
        'random|round_robin|sequential',
        [1, 1],
        ['random', 'round_robin', 'sequential'],
        {
          rejected: ['fastest'],
          default: 'random',
        },
      ),
      block(
        'health_check',
        'DURATION [no_rec] [domain FQDN]',
        [1, ANY],
        ['5s', '5s no_rec', '1s domain example.org', '1s no_rec domain example.org'],
        { rejected: ['5', '-1s', '5s norec', '5s domain'], default: '500ms domain .' },
      ),
      block('max_concurrent', 'MAX', [1, 1], ['1000'], { rejected: ['-1', 'x'], default: '0' }),
      block('next', 'RCODE...', [1, ANY], ['NXDOMAIN', 'SERVFAIL REFUSED'], {
        rejected: ['NORCODE'],
      }),
      flag('next_on_nodata', { since: '1.14.4' }),
      block('failover', 'RCODE...', [1, ANY], ['SERVFAIL', 'ServFail REFUSED'], {
        rejected: ['NOERROR', 'NORCODE'],
      }),
      flag('failfast_all_unhealthy_upstreams'),
      block('source_address', 'IP', [1, 1], ['192.0.2.10', '2001:db8::10'], {
        since: '1.14.6',
        rejected: ['here'],
      }),
      block(
        'resolver',
        'IP[:PORT]...',
        [1, ANY],
        ['192.0.2.9', '192.0.2.9:5353 [2001:db8::9]:53'],
        {
          since: '1.14.4',
          rejected: ['dns.example'],
        },
      ),
    ],
  },
  whoami: { head: 'whoami', again: 'first', options: [line('', [0, 0], [''])] },
};
