/** `forward`: CoreDNS's tables of what it accepts, and the defaults. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ForwardOptions } from '../../src/upstream/options.ts';
import { configOf, failureOf } from './server-block.ts';

function read(lines: string): ForwardOptions {
  return configOf(lines).forward[0]!;
}

function option(line: string): ForwardOptions {
  return read(`forward . 127.0.0.1 {\n${line}\n}`);
}

test('no option is CoreDNS as it comes', () => {
  assert.deepEqual(read('forward . 127.0.0.1'), {
    from: '.',
    to: [{ transport: 'dns', host: '127.0.0.1', port: 53, serverName: undefined, path: undefined }],
    resolvConf: [],
    except: [],
    protocol: 'client',
    expireMs: 10_000,
    maxFails: 2,
    maxConnectAttempts: 0,
    tls: { caPath: undefined, certPath: undefined, keyPath: undefined, serverName: undefined },
    policy: 'random',
    healthCheckIntervalMs: 500,
    healthCheckRecursionDesired: true,
    healthCheckDomain: '.',
    maxConcurrent: 0,
    next: [],
    nextOnNodata: false,
    failfastAllUnhealthy: false,
    failover: [],
    maxAgeMs: 0,
    maxIdleConns: 0,
    readTimeoutMs: 2_000,
    sourceAddress: undefined,
    dohMethod: 'POST',
    resolvers: [],
  });
});

test('FROM is one zone', () => {
  assert.equal(read('forward Example.ORG:53 ::1').from, 'example.org.');
  const warnings: string[] = [];
  assert.equal(
    configOf('forward 10.9.3.0/18 127.0.0.1', {}, warnings).forward[0]!.from,
    '0.9.10.in-addr.arpa.',
  );
  assert.deepEqual(warnings, [
    "2:9 forward: '10.9.3.0/18' is 64 zones, and only 0.9.10.in-addr.arpa. is forwarded",
  ]);
});

test('several forwards keep their order', () => {
  const { forward } = configOf(
    'forward 1st.example.org 10.0.0.1\ncache\nforward 2nd.example.org 10.0.0.2',
  );
  assert.deepEqual(
    forward.map(({ from }) => from),
    ['1st.example.org.', '2nd.example.org.'],
  );
});

test('every option', () => {
  const cases: [string, Partial<ForwardOptions>][] = [
    [
      'except miek.nl 10.0.0.0/15\nexcept A.org',
      { except: ['miek.nl.', '0.10.in-addr.arpa.', '1.10.in-addr.arpa.', 'a.org.'] },
    ],
    ['force_tcp', { protocol: 'force_tcp' }],
    ['prefer_udp', { protocol: 'prefer_udp' }],
    ['force_tcp\nprefer_udp', { protocol: 'force_tcp' }],
    ['prefer_udp\nforce_tcp', { protocol: 'force_tcp' }],
    ['expire 1s', { expireMs: 1_000 }],
    ['max_age 30s', { maxAgeMs: 30_000 }],
    ['expire 10s\nmax_age 10s', { maxAgeMs: 10_000 }],
    ['max_age 0s', { maxAgeMs: 0 }],
    ['max_idle_conns 10', { maxIdleConns: 10 }],
    ['max_fails 0', { maxFails: 0 }],
    ['max_connect_attempts 5', { maxConnectAttempts: 5 }],
    ['max_concurrent 1000', { maxConcurrent: 1000 }],
    ['read_timeout 500ms', { readTimeoutMs: 500 }],
    ['policy round_robin', { policy: 'round_robin' }],
    ['policy sequential', { policy: 'sequential' }],
    ['health_check 0.5s', { healthCheckIntervalMs: 500, healthCheckDomain: '.' }],
    [
      'health_check 5s no_rec domain Example.org',
      {
        healthCheckIntervalMs: 5_000,
        healthCheckRecursionDesired: false,
        healthCheckDomain: 'example.org.',
      },
    ],
    ['health_check 1s domain .', { healthCheckRecursionDesired: true, healthCheckDomain: '.' }],
    ['next NXDOMAIN servfail', { next: [3, 2] }],
    ['next_on_nodata', { nextOnNodata: true }],
    ['failover SERVFAIL REFUSED', { failover: [2, 5] }],
    ['failfast_all_unhealthy_upstreams', { failfastAllUnhealthy: true }],
    [
      'tls',
      {
        tls: { caPath: undefined, certPath: undefined, keyPath: undefined, serverName: undefined },
      },
    ],
    [
      'tls ca.pem',
      { tls: { caPath: 'ca.pem', certPath: undefined, keyPath: undefined, serverName: undefined } },
    ],
    [
      'tls_servername dns\ntls cert.pem key.pem ca.pem',
      { tls: { caPath: 'ca.pem', certPath: 'cert.pem', keyPath: 'key.pem', serverName: 'dns' } },
    ],
    ['doh_method GET', { dohMethod: 'GET' }],
    ['source_address ::ffff:192.0.2.1', { sourceAddress: '192.0.2.1' }],
    ['source_address 2001:0db8::7344', { sourceAddress: '2001:db8::7344' }],
    [
      'resolver 192.0.2.1 192.0.2.2:5353 [::1]:53 ::1',
      { resolvers: ['192.0.2.1', '192.0.2.2:5353', '[::1]:53', '::1'] },
    ],
  ];
  for (const [lines, expected] of cases) {
    const options = option(lines) as unknown as Record<string, unknown>;
    for (const [key, value] of Object.entries(expected))
      assert.deepEqual(options[key], value, lines);
  }
});

test('what CoreDNS refuses in an option is refused', () => {
  const lines = [
    'blaatl',
    'toString',
    'except',
    'force_tcp x',
    'expire',
    'expire 10',
    'expire -1s',
    'max_age -1s',
    'max_age invalid',
    'expire 30s\nmax_age 10s',
    'max_age 5s',
    'max_idle_conns many',
    'max_idle_conns -1',
    'max_fails -1',
    'max_fails 4294967296',
    'max_connect_attempts many',
    'max_concurrent -4',
    'read_timeout 0s',
    'policy first',
    'health_check',
    'health_check no_rec',
    'health_check -1s',
    'health_check 0.5s rec',
    'health_check 0.5s domain',
    'health_check 0.5s domain example..org',
    'next',
    'next INVALID',
    'next NXDOMAIN INVALID',
    'next_on_nodata x',
    'failover',
    'failover NOERROR',
    'failfast_all_unhealthy_upstreams false',
    'tls a b c d',
    'tls_servername',
    'doh_method get',
    'source_address not-an-ip',
    'source_address',
    'resolver',
    'resolver dns.example',
    'resolver 192.0.2.1:dns',
  ];
  for (const line of lines) {
    assert.match(
      failureOf(`forward . 127.0.0.1 {\n${line}\n}`),
      /^Corefile:\d:\d+: forward: .*expected/,
      line,
    );
  }
});

test('what CoreDNS refuses before the block is refused', () => {
  const cases: [string, RegExp][] = [
    ['forward', /expected at least 2 arguments/],
    ['forward .', /expected at least 2 arguments/],
    [`forward ${'x'.repeat(64)} 127.0.0.1`, /expected ZONE/],
    ['forward . https://1.1.1.1/', /expected no path/],
    ['forward . grpc://1.1.1.1', /grpc:\/\/ is not supported/],
    ['forward . a27.0.0.1', /expected an IP address, a file like resolv.conf or a host name/],
    ['forward . 127.0.0.1:0', /expected a port from 1 to 65535/],
    ['forward . 127.0.0.1:dns', /expected a port from 1 to 65535/],
    ['forward . dns://', /expected an IP address/],
    ['forward . ""', /expected an IP address/],
    [
      'forward . tls://127.0.0.1%example.net:854 {\n tls_servername foo\n}',
      /3:2: forward: tls_servername: expected no name here or none at 127.0.0.1 \('example.net'\)/,
    ],
  ];
  for (const [line, expected] of cases) assert.match(failureOf(line), expected, line);
});
