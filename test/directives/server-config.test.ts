/** A whole Corefile as settings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CorefileError } from '../../src/corefile/ast.ts';
import { DIRECTIVE_ORDER } from '../../src/directives/order.ts';
import { configsOf, failureOf } from './server-block.ts';

const STOCK = `cluster.local:53 {
    errors
    cache {
            success 9984 30
            denial 9984 5
    }
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . 10.96.0.11 {
            force_tcp
    }
    prometheus :9253
    health 169.254.20.10:8080
    }
in-addr.arpa:53 {
    errors
    cache 30
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . 10.96.0.11 {
            force_tcp
    }
    prometheus :9253
    }
.:53 {
    errors
    cache 30
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . /etc/resolv.conf
    prometheus :9253
    }
`;
const RESOLV_CONF = { '/etc/resolv.conf': 'nameserver 192.0.2.53\n' };

test("the stock Corefile of node-cache's manifest", () => {
  const [cluster, reverse, root] = configsOf(STOCK, RESOLV_CONF);
  assert.deepEqual(
    [cluster, reverse, root].map((config) => config!.zones[0]!.zone),
    ['cluster.local.', 'in-addr.arpa.', '.'],
  );
  assert.deepEqual(cluster!.health, {
    address: { host: '169.254.20.10', port: 8080 },
    lameduckMs: 0,
  });
  assert.equal(cluster!.forward[0]!.protocol, 'force_tcp');
  assert.deepEqual([cluster!.cache!.success.ttlMaxS, cluster!.cache!.denial.ttlMaxS], [30, 5]);
  assert.equal(root!.forward[0]!.to[0]!.host, '192.0.2.53');
  assert.deepEqual(root!.forward[0]!.resolvConf, ['/etc/resolv.conf']);
  assert.equal(root!.loop, true);
});

test('settings are plain data', () => {
  const configs = configsOf(STOCK, RESOLV_CONF);
  assert.deepEqual(structuredClone(configs), configs);
});

test('the canonical text changes exactly with the words', () => {
  const canonical = (corefile: string) => configsOf(corefile)[0]!.canonical;
  assert.equal(canonical('.:53 {\n\tcache   30 # s\n}'), canonical('\n.:53\n{\ncache "30"\n}'));
  assert.notEqual(canonical('. {\n cache 30\n}'), canonical('. {\n cache 31\n}'));
});

test('unknown directives', () => {
  const known = [...DIRECTIVE_ORDER].sort().join(', ');
  assert.equal(
    failureOf('errors\nkubernetes'),
    `Corefile:3:1: Unknown directive 'kubernetes': expected one of ${known}`,
  );
  assert.match(failureOf('toString'), /Unknown directive 'toString'/);
});

test("the order is that of CoreDNS's chain", () => {
  assert.equal(
    DIRECTIVE_ORDER.join(' '),
    'metadata timeouts reload bufsize bind debug trace health pprof prometheus errors log dnstap dns64 loadbalance cache rewrite template hosts loop forward whoami',
  );
});

test('any words are settings or a CorefileError', () => {
  const name = fc.constantFrom(...DIRECTIVE_ORDER);
  const word = fc.oneof(
    fc.constantFrom(
      ...[
        '.',
        '0',
        '-1',
        '30',
        '1s',
        '10%',
        'x',
        ':53',
        '[::1]:53',
        'success',
        'verify',
        '{common}',
        'a..b',
        'tls://1.2.3.4%x',
      ],
    ),
    fc.string().map((text) => JSON.stringify(text)),
  );
  const optionName = fc.constantFrom(
    ...[
      'success',
      'prefetch',
      'serve_stale',
      'disable',
      'consolidate',
      'class',
      'except',
      'health_check',
      'next',
      'read',
      'lameduck',
      'tls',
      'resolver',
    ],
  );
  const words = fc.array(word, { maxLength: 4 }).map((texts) => texts.join(' '));
  const option = fc.tuple(optionName, words).map(([first, rest]) => `${first} ${rest}`);
  const block = fc.array(option, { maxLength: 2 }).map((options) => `{\n${options.join('\n')}\n}`);
  const line = fc.tuple(name, words, fc.option(block, { nil: '' })).map((parts) => parts.join(' '));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 3 }), (lines) => {
      try {
        configsOf(`. {\n${lines.join('\n')}\n}`);
      } catch (error) {
        assert(error instanceof CorefileError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});
