/**
 * What CoreDNS accepts without looking at it: it gives one warning with its place and what to write, and the rest takes effect.
 * What is accepted is held against the real programs by `test/compat`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerConfig } from '../../src/directives/server-config.ts';
import { configOf, failureOf } from './server-block.ts';

/** Of `lines`, beginning on line 2, the settings and the warnings. */
function read(lines: string): { config: ServerConfig; warnings: string[] } {
  const warnings: string[] = [];
  return { config: configOf(lines, {}, warnings), warnings };
}

/** Alike but for where their words stand and how they are written. */
function assertMeans(lines: string, meant: string, warning: string): void {
  const { config, warnings } = read(lines);
  assert.deepEqual(warnings, [warning], lines);
  assert.deepEqual(settingsOf(config), settingsOf(read(meant).config), lines);
}

function settingsOf({ canonical: _, ...settings }: ServerConfig): unknown {
  return JSON.parse(JSON.stringify(settings, (key, value) => (key === 'at' ? undefined : value)));
}

test('surplus arguments', () => {
  assertMeans(
    'cache {\nsuccess 5000 60 5 6 7\n}',
    'cache {\nsuccess 5000 60 5\n}',
    "3:19 cache: success: '6 7' passed over: write 1 to 3 arguments",
  );
  assertMeans(
    'cache {\ndenial 5000 60 5 6\n}',
    'cache {\ndenial 5000 60 5\n}',
    "3:18 cache: denial: '6' passed over: write 1 to 3 arguments",
  );
  assertMeans(
    'hosts {\nttl 60 s\n}',
    'hosts {\nttl 60\n}',
    "3:8 hosts: ttl: 's' passed over: write one argument",
  );
  assertMeans(
    'dnstap /run/tap.sock full 2 3 4',
    'dnstap /run/tap.sock full 2 3',
    "2:31 dnstap: '4' passed over: write 1 to 4 arguments",
  );
  assertMeans(
    'dnstap listen tls://127.0.0.1:6000 {\ntls crt key ca more\n}',
    'dnstap listen tls://127.0.0.1:6000 {\ntls crt key ca\n}',
    "3:16 dnstap: tls: 'more' passed over: write 2 to 3 arguments",
  );
});

test('options on one line, of which CoreDNS reads a fixed number of words', () => {
  assertMeans(
    'forward . 192.0.2.1 {\nexpire 10s max_fails 3\n}',
    'forward . 192.0.2.1 {\nexpire 10s\nmax_fails 3\n}',
    "3:12 forward: expire: 'max_fails' begins the next option: write it on a line of its own",
  );
  assertMeans(
    'dns64 {\ntranslate_all allow_ipv4\n}',
    'dns64 {\ntranslate_all\nallow_ipv4\n}',
    "3:15 dns64: translate_all: 'allow_ipv4' begins the next option: write it on a line of its own",
  );
  const { config, warnings } = read(
    'hosts {\n192.0.2.1 a.example\nno_reverse fallthrough example.org\n}',
  );
  assert.deepEqual(
    [config.hosts!.isReversed, config.hosts!.fallthrough],
    [false, ['example.org.']],
  );
  assert.deepEqual(config.hosts!.inline, ['192.0.2.1 a.example']);
  assert.equal(warnings.length, 1);
  assert.equal(
    failureOf('dnstap /run/tap.sock {\nskipverify surplus\n}'),
    "Corefile:3:12: dnstap: unknown option 'surplus': expected identity, version, extra, skipverify or tls",
  );
  assert.match(failureOf('forward . 192.0.2.1 {\nforce_tcp expire 10s\n}'), /expected no argument/);
});

test('zones and names that are none', () => {
  const shape = 'expected ZONE[:PORT] or ADDRESS/PREFIX[:PORT]';
  for (const [lines, meant, at] of [
    ['cache 30 example.org ""', 'cache 30 example.org', '2:22 cache'],
    ['hosts /etc/hosts a..b example.org', 'hosts /etc/hosts example.org', '2:18 hosts'],
    ['metadata example.org :', 'metadata example.org', '2:22 metadata'],
    ['template IN A example.org ""', 'template IN A example.org', '2:27 template'],
    ['hosts {\nfallthrough example.org .a\n}', 'hosts {\nfallthrough example.org\n}', '3:25 hosts'],
    ['forward . 192.0.2.1 {\nexcept a..b\n}', 'forward . 192.0.2.1', '3:8 forward'],
  ] as const) {
    const { config, warnings } = read(lines);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, new RegExp(`^${at}: '.*' passed over: `));
    assert.ok(warnings[0]!.endsWith(shape));
    assert.deepEqual(settingsOf(config), settingsOf(read(meant).config), lines);
  }
  // None is left: the directive is for no name, not for those of the block.
  assert.deepEqual(read('cache 30 ""').config.cache!.zones, []);
  assert.deepEqual(read('cache 30 tls://example.org:99999').config.cache!.zones, ['example.org.']);
  assertMeans(
    'log example.org a..b {combined}',
    'log example.org {combined}',
    "2:17 log: 'a..b' passed over: expected a domain name",
  );
  assertMeans(
    'cache {\ndisable denial example.org a..b\n}',
    'cache {\ndisable denial example.org\n}',
    "3:28 cache: 'a..b' passed over: expected a domain name",
  );
  assert.equal(read('log ""').config.log[0]!.zone, '.');
});

test('blocks where CoreDNS looks for none', () => {
  const problem = 'the block is passed over: it takes none, leave it out';
  assertMeans('bufsize 1000 {\nx y\n}', 'bufsize 1000', `2:1 bufsize: ${problem}`);
  assertMeans('reload 10s {\nx\n}', 'reload 10s', `2:1 reload: ${problem}`);
  assertMeans('metadata {\n}', 'metadata', `2:1 metadata: ${problem}`);
  assert.match(failureOf('metadata {\nx\n}'), /unexpected block: it takes none/);
});

test('options without an argument that does something', () => {
  assertMeans(
    'bind lo {\nexcept\n}',
    'bind lo',
    '3:1 bind: except has no effect: write at least one address or interface',
  );
  assertMeans(
    'loadbalance {\nprefer\n}',
    'loadbalance',
    '3:1 loadbalance: prefer has no effect: write at least one ADDRESS/PREFIX',
  );
});

test('numbers as Go reads them', () => {
  const ttlsOf = (lines: string) => read(lines).config.cache!.success;
  assert.equal(ttlsOf('cache 4294967295').ttlMaxS, 2 ** 31 - 1);
  assert.equal(ttlsOf('cache {\nsuccess 5000 60 4294967295\n}').ttlMinS, 2 ** 31 - 1);
  assert.ok(configOf('cache {\nprefetch 9223372036854775807\n}'));
  assert.match(failureOf('cache {\nprefetch 9223372036854775808\n}'), /expected an integer/);
  const subnetOf = (bits: string) => {
    const [rule] = read(`rewrite edns0 subnet set ${bits} 56`).config.rewrite;
    return JSON.stringify(rule).match(/"ipv4Bits":(\d+)/)?.[1];
  };
  for (const text of ['24', '0x18', '0b1_1000', '0o30', '030', '2_4']) {
    assert.equal(subnetOf(text), '24', text);
  }
  for (const text of ['0x', '08', '0b2', '2__4', '_24', '+24', '24_']) {
    assert.match(
      failureOf(`rewrite edns0 subnet set ${text} 56`),
      /expected a prefix length/,
      text,
    );
  }
  assertMeans(
    'errors {\nconsolidate 0s x\n}',
    'errors {\nconsolidate 1ms x\n}',
    "3:13 errors: consolidate: '0s' is taken for 1ms: write a longer period",
  );
});
