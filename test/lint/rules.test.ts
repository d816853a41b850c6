/** Every rule: a Corefile that it finds, where it points, and one that it leaves alone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FileSource } from '../../src/corefile/file-source.ts';
import { parseCorefile } from '../../src/corefile/parser.ts';
import { readServerBlocks } from '../../src/directives/server-config.ts';
import { NEWER_OPTIONS } from '../../src/lint/difference-rules.ts';
import type { Finding } from '../../src/lint/finding.ts';
import { KUBE_DNS_RULES } from '../../src/lint/kube-dns.ts';
import { lint } from '../../src/lint/lint.ts';
import { ALL_RULES } from '../../src/lint/rules.ts';
import { textSource } from '../../src/lint/source.ts';
import { COREDNS_OPTIONS } from '../directives/coredns-options.ts';

interface Options {
  readonly localIps?: readonly string[];
  readonly resolvConfPath?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

function findingsIn(text: string, options: Options = {}, file = 'Corefile'): Finding[] {
  return lint(textSource(file, text), {
    localIps: options.localIps ?? [],
    resolvConfPath: options.resolvConfPath,
    environment: options.environment ?? {},
  });
}

/** The rule and its places, as `LINE:COLUMN`. */
function placesOf(rule: string, findings: readonly Finding[]): string[] {
  return findings
    .filter((finding) => finding.rule === rule)
    .map(({ at }) => `${at.line}:${at.column}`);
}

/** Nothing to say about it. */
const GOOD = `cluster.local in-addr.arpa ip6.arpa {
  errors
  cache {
    success 9984 30
    denial 9984 5
    serve_stale 1h
  }
  reload
  loop
  bind 169.254.20.10
  forward . 10.96.0.11 {
    force_tcp
  }
  prometheus :9253
  health 169.254.20.10:8080
}
. {
  errors
  cache 30 {
    serve_stale
  }
  reload
  loop
  bind 169.254.20.10
  forward . 198.51.100.53
  prometheus :9253
}
`;

test('a good Corefile', () => assert.deepEqual(findingsIn(GOOD), []));

/** A block for the root, of these lines from the second on. */
function root(...lines: string[]): string {
  return `. {\n${lines.join('\n')}\n}\n`;
}

const FORWARD = 'forward . 198.51.100.53';
const CLUSTER =
  'cluster.local {\nbind 169.254.20.10\ncache\nforward . 10.96.0.11 {\nforce_tcp\n}\n}\n';

interface Case {
  readonly rule: string;
  readonly text: string;
  readonly at: readonly string[];
  readonly options?: Options;
  readonly file?: string;
}

const FOUND: readonly Case[] = [
  { rule: 'invalid-manifest', file: 'a.yaml', text: 'data:\n  Corefile: "x\n', at: ['3:1'] },
  { rule: 'no-corefile', file: 'a.yaml', text: 'kind: ConfigMap\ndata:\n  a: b\n', at: ['1:1'] },
  { rule: 'syntax', text: '. {\n  cache\n', at: ['1:3'] },
  { rule: 'syntax', text: 'import ./nothing-here\n', at: ['1:1'] },
  { rule: 'no-server-block', text: '# nothing\n', at: ['1:1'] },
  { rule: 'invalid-zone', text: `${GOOD}a..b {\n}\nc:99999 {\n}\n`, at: ['28:1', '30:1'] },
  { rule: 'unknown-directive', text: root('cahce', FORWARD), at: ['2:1'] },
  {
    rule: 'coredns-directive',
    text: root('kubernetes cluster.local', 'ready'),
    at: ['2:1', '3:1'],
  },
  {
    rule: 'invalid-directive',
    text: root('cache -1', 'forward . x_y..z', 'errors'),
    at: ['2:7', '3:11'],
  },
  { rule: 'zone-conflict', text: `${GOOD}.:53 {\nbind 169.254.20.10\n}\n`, at: ['28:1'] },
  { rule: 'ignored', text: root('reload', 'reload 5s'), at: ['3:1'] },
  {
    rule: 'force-tcp-external',
    text: root('forward . /etc/resolv.conf {', '  force_tcp', '}'),
    at: ['3:3'],
  },
  {
    rule: 'force-tcp-external',
    text: root('forward . 169.254.169.253 {', 'force_tcp', '}'),
    at: ['3:1'],
  },
  {
    rule: 'force-tcp-external',
    text: root('forward . 172.31.0.2 {', 'force_tcp', '}'),
    at: ['3:1'],
  },
  {
    rule: 'force-tcp-external',
    text: root('forward . __PILLAR__UPSTREAM__SERVERS__ { force_tcp }'),
    at: ['2:43'],
  },
  { rule: 'upstream-loopback', text: root('forward . 198.51.100.53 127.0.0.53'), at: ['2:25'] },
  { rule: 'upstream-loopback', text: root('forward . ::1'), at: ['2:11'] },
  {
    rule: 'upstream-self',
    text: root('bind 169.254.20.10', 'forward . 169.254.20.10'),
    at: ['3:11'],
  },
  { rule: 'nothing-answers', text: root('cache'), at: ['1:1'] },
  { rule: 'resolv-conf-unknown', text: root('forward . /etc/resolv.conf'), at: ['2:1'] },
  { rule: 'cluster-over-udp', text: 'acme.local {\nforward . 10.96.0.11\n}\n', at: ['2:1'] },
  {
    rule: 'no-health-checks',
    text: root('forward . 192.0.2.1 {', 'max_fails 0', '}'),
    at: ['3:1'],
  },
  { rule: 'cache-missing', text: root(FORWARD), at: ['1:1'] },
  { rule: 'denial-cache-small', text: root('cache {', 'denial 1024', '}', FORWARD), at: ['3:1'] },
  {
    rule: 'denial-cache-small',
    text: root('cache {', 'disable denial', '}', FORWARD),
    at: ['3:1'],
  },
  { rule: 'servfail-long', text: root('cache {', 'servfail 1m', '}', FORWARD), at: ['3:1'] },
  {
    rule: 'client-subnet-cached',
    text: root('cache', 'rewrite edns0 subnet set 24 56', FORWARD),
    at: ['3:1'],
  },
  { rule: 'serve-stale-missing', text: root('cache', FORWARD), at: ['2:1'] },
  { rule: 'bind-wildcard', text: root(FORWARD), at: ['1:1'] },
  { rule: 'bind-wildcard', text: root('bind 0.0.0.0', FORWARD), at: ['2:6'] },
  { rule: 'health-wildcard', text: root('health', FORWARD), at: ['2:1'] },
  { rule: 'health-wildcard', text: root('health :8099', FORWARD), at: ['2:8'] },
  { rule: 'health-port', text: root('health 169.254.20.10:8099', FORWARD), at: ['2:8'] },
  { rule: 'health-placeholder', text: root('health __PILLAR__LOCAL__DNS__:8080'), at: ['2:8'] },
  { rule: 'endpoint-clash', text: root('health :9353'), at: ['2:8'] },
  { rule: 'endpoint-clash', text: root('prometheus :9253', 'health 192.0.2.1:9253'), at: ['3:8'] },
  {
    rule: 'prometheus-addresses',
    text: `${root('prometheus :1')}a {\nprometheus :2\n}\n`,
    at: ['5:12'],
  },
  { rule: 'prometheus-missing', text: `${root('prometheus')}a {\n}\n`, at: ['4:1'] },
  { rule: 'port-not-53', text: '.:5353 a:53 {\n}\n', at: ['1:1'] },
  { rule: 'root-zone-missing', text: CLUSTER, at: ['1:1'] },
  { rule: 'reverse-zone-missing', text: CLUSTER + root(FORWARD), at: ['1:1'] },
  { rule: 'bufsize-large', text: root('bufsize 4096'), at: ['2:1'] },
  { rule: 'environment-unset', text: root('forward . {$A} {%A%} 192.0.2.1'), at: ['2:11'] },
  { rule: 'errors-missing', text: root(FORWARD), at: ['1:1'] },
  { rule: 'reload-missing', text: root(FORWARD), at: ['1:1'] },
  { rule: 'log-costs', text: root('log'), at: ['2:1'] },
  { rule: 'debug-on', text: root('debug'), at: ['2:1'] },
  { rule: 'placeholder-left', text: '__PILLAR__DNS__DOMAIN__:53 {\n}\n', at: ['1:1'] },
  {
    rule: 'force-tcp-indentation',
    text: root('forward . __PILLAR__UPSTREAM__SERVERS__ {', 'force_tcp', '}'),
    at: ['3:1'],
  },
  {
    rule: 'newer-option',
    text: root('cache {', 'serve_stale', 'serve_stale_policy prefer_positive', '}'),
    at: ['4:1'],
  },
  { rule: 'newer-option', text: root('cache {', 'serve_stale 1h immediate 30s', '}'), at: ['3:1'] },
  {
    rule: 'newer-option',
    text: root('forward . https://192.0.2.1 {', 'read_timeout 3s', '}'),
    at: ['2:11', '3:1'],
  },
  { rule: 'runtime-metrics', text: root('prometheus {', 'runtime_metrics', '}'), at: ['3:1'] },
];

describe('found', () => {
  for (const { rule, text, at, options, file } of FOUND) {
    test(`${rule}: ${text.split('\n').slice(0, 4).join(' | ')}`, () => {
      assert.deepEqual(placesOf(rule, findingsIn(text, options, file)), at);
    });
  }

  test('every rule has a case, and every finding its level', () => {
    const names = ALL_RULES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    const covered = new Set(FOUND.map(({ rule }) => rule));
    const elsewhere = KUBE_DNS_RULES.map(({ name }) => name); // kube-dns.test.ts
    assert.deepEqual(
      names.filter((name) => !covered.has(name) && !elsewhere.includes(name)),
      [],
    );
    const levels = new Map(ALL_RULES.map(({ name, level }) => [name, level]));
    for (const { text, options, file } of FOUND) {
      for (const { rule, level } of findingsIn(text, options, file))
        assert.equal(level, levels.get(rule));
    }
  });
});

test('it will run exactly where the daemon reads it whole', () => {
  const files: FileSource = {
    read: (path) =>
      path === '/etc/resolv.conf'
        ? { code: 'read', text: 'nameserver 192.0.2.53' }
        : { code: 'failed', reason: 'none' },
    glob: () => [],
  };
  const texts = [GOOD, ...FOUND.filter(({ file }) => file === undefined).map(({ text }) => text)];
  for (const text of texts.filter((candidate) => !candidate.includes('__'))) {
    let runs = true;
    try {
      const environment = {};
      const blocks = parseCorefile(text, { file: 'Corefile', environment, files });
      readServerBlocks(blocks, { defaultPort: 53, files, warn: () => {} });
      runs = blocks.length > 0;
    } catch {
      runs = false;
    }
    assert.equal(
      findingsIn(text).every(({ level }) => level !== 'error'),
      runs,
      text,
    );
  }
});

test('NEWER_OPTIONS holds exactly what came after CoreDNS 1.14.4', () => {
  const expected: Record<string, Record<string, string>> = {};
  for (const [directive, { options }] of Object.entries(COREDNS_OPTIONS)) {
    for (const { option, place, since, mark } of options) {
      // Arguments that an older option got later are told by their mark, and have a rule of their own.
      const isNew = place === 'block' && (since > '1.14.4' || since === 'next');
      if (!isNew || mark === 'RESPONSE_TTL') continue;
      expected[directive] = { ...expected[directive], [option]: since };
    }
  }
  assert.deepEqual(NEWER_OPTIONS, expected);
});

const LEFT_ALONE: readonly [rule: string, text: string, options?: Options][] = [
  ['force-tcp-external', root('forward . 10.96.0.11 {', 'force_tcp', '}')],
  ['force-tcp-external', root('forward . /etc/resolv.conf')],
  ['upstream-self', root('bind 169.254.20.10', 'forward . 169.254.20.10:5353')],
  ['denial-cache-small', root('cache {', 'success 1024', 'denial 1024', '}', FORWARD)],
  ['denial-cache-small', root('cache 30', FORWARD)],
  ['health-port', root('health')],
  ['health-port', root('health 169.254.20.10:8080')],
  ['health-placeholder', root('health 169.254.20.10:8080')],
  ['endpoint-clash', root('prometheus 192.0.2.2:9253', 'health 192.0.2.1:9253')],
  ['reverse-zone-missing', `${CLUSTER}${root('forward . 10.96.0.11')}`],
  ['reverse-zone-missing', `${CLUSTER}10.0.0.0/8 {\n}\n${root(FORWARD)}`],
  ['environment-unset', root('forward . {$A}'), { environment: { A: '192.0.2.1' } }],
  ['newer-option', root('cache {', 'serve_stale 1h verify 100ms', '}')],
  ['upstream-loopback', root('forward . /etc/resolv.conf')],
];

describe('left alone', () => {
  for (const [rule, text, options] of LEFT_ALONE) {
    test(`${rule}: ${text.split('\n').slice(0, 4).join(' | ')}`, () => {
      assert.deepEqual(placesOf(rule, findingsIn(text, options)), []);
    });
  }
});
