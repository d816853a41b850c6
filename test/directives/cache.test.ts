/** `cache`: CoreDNS's table of what it accepts, and what the defaults are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CachePolicy } from '../../src/cache/policy.ts';
import { configOf, configsOf, failureOf } from './server-block.ts';

const DEFAULTS: CachePolicy = {
  zones: ['.'],
  success: { capacity: 9984, ttlMaxS: 3600, ttlMinS: 5, disabledZones: [] },
  denial: { capacity: 9984, ttlMaxS: 1800, ttlMinS: 5, disabledZones: [] },
  prefetch: undefined,
  stale: undefined,
  servfailMs: 5000,
  keepTtl: false,
};

function read(lines: string): CachePolicy {
  return configOf(lines).cache!;
}

function option(line: string): CachePolicy {
  return read(`cache {\n${line}\n}`);
}

test('no option is CoreDNS as it comes', () => {
  assert.deepEqual(read('cache'), DEFAULTS);
  assert.deepEqual(read('cache {}'), DEFAULTS);
  assert.equal(configOf('errors').cache, undefined);
});

test('a first number is the TTL of both classes, the rest are zones', () => {
  const policy = read('cache 30 Example.ORG 10.0.0.0/15');
  assert.deepEqual(policy.zones, ['example.org.', '0.10.in-addr.arpa.', '1.10.in-addr.arpa.']);
  assert.deepEqual([policy.success.ttlMaxS, policy.denial.ttlMaxS], [30, 30]);
  assert.deepEqual(read('cache aaa example.nl').zones, ['aaa.', 'example.nl.']);
  const [config] = configsOf('a.org:1053 10.0.0.0/15 {\n cache\n}');
  assert.deepEqual(config!.cache!.zones, ['a.org.', '0.10.in-addr.arpa.', '1.10.in-addr.arpa.']);
});

test('success and denial have capacity, TTL and least TTL', () => {
  const policy = read('cache 25 {\n success 5000 1800 30\n denial 2500\n}');
  assert.deepEqual(policy.success, {
    capacity: 4864,
    ttlMaxS: 1800,
    ttlMinS: 30,
    disabledZones: [],
  });
  assert.deepEqual(policy.denial, { capacity: 2304, ttlMaxS: 25, ttlMinS: 5, disabledZones: [] });
  assert.equal(option('denial 10 15 0').denial.ttlMinS, 0);
});

test('a capacity is divided among 256 shards of at least 4', () => {
  const cases: [number, number][] = [
    [10000, 9984],
    [9984, 9984],
    [10, 1024],
    [0, 1024],
    [-1, 1024],
    [1279, 1024],
    [1280, 1280],
  ];
  for (const [written, expected] of cases) {
    assert.equal(option(`success ${written}`).success.capacity, expected);
  }
});

test('prefetch has a pause and a percentage', () => {
  assert.deepEqual(option('prefetch 10').prefetch, {
    amount: 10,
    durationMs: 60_000,
    percentage: 10,
  });
  assert.deepEqual(option('prefetch 1 10m 90%').prefetch, {
    amount: 1,
    durationMs: 600_000,
    percentage: 90,
  });
  assert.equal(option('prefetch 0').prefetch, undefined);
});

test('serve_stale in every form of CoreDNS up to 1.14.7', () => {
  const stale = (line: string) => {
    const policy = option(line).stale;
    return (
      policy && [
        policy.durationMs,
        policy.mode,
        policy.verifyTimeoutMs,
        policy.responseTtlS,
        policy.recheckMs,
      ]
    );
  };
  const cases: [string, unknown][] = [
    ['serve_stale', [3_600_000, 'immediate', 0, 0, 0]],
    ['serve_stale 1h20m', [4_800_000, 'immediate', 0, 0, 0]],
    ['serve_stale 0', undefined],
    ['serve_stale 0 VERIFY', undefined],
    ['serve_stale 1h VERIFY 250ms', [3_600_000, 'verify', 250, 0, 0]],
    ['serve_stale 1h immediate 30s 30s', [3_600_000, 'immediate', 0, 30, 30_000]],
    ['serve_stale 1h immediate 4294967295s', [3_600_000, 'immediate', 0, 4294967295, 0]],
    ['serve_stale 1h verify 0 1m', [3_600_000, 'verify', 0, 60, 0]],
    ['serve_stale 1h verify 100ms 30s 5m', [3_600_000, 'verify', 100, 30, 300_000]],
  ];
  for (const [line, expected] of cases) assert.deepEqual(stale(line), expected, line);
});

test('serve_stale_policy stands anywhere beside serve_stale', () => {
  assert.equal(option('serve_stale').stale!.preferPositive, false);
  assert.equal(
    option('serve_stale\nserve_stale_policy prefer_positive').stale!.preferPositive,
    true,
  );
  assert.equal(
    option('serve_stale_policy PREFER_POSITIVE\nserve_stale').stale!.preferPositive,
    true,
  );
});

test('servfail, disable and keepttl', () => {
  assert.equal(option('servfail 0').servfailMs, 0);
  assert.equal(option('servfail 5m').servfailMs, 300_000);
  assert.deepEqual(option('disable denial').denial.disabledZones, ['.']);
  const policy = option('disable success A.org b.org\ndisable denial c.org\nsuccess 2048\nkeepttl');
  assert.deepEqual(policy.success, {
    capacity: 2048,
    ttlMaxS: 3600,
    ttlMinS: 5,
    disabledZones: ['a.org.', 'b.org.'],
  });
  assert.deepEqual(policy.denial.disabledZones, ['c.org.']);
  assert.equal(policy.keepTtl, true);
});

test('what CoreDNS refuses is refused', () => {
  const lines = [
    'success',
    'denial aaa',
    'positive 15',
    'success 10 0',
    'success 10 -1',
    'success 10 20 -1',
    'prefetch',
    'prefetch -1',
    'prefetch 0 blurp',
    'prefetch 1 10m 9%',
    'prefetch 1 10m 91%',
    'prefetch 1 10m 50',
    'prefetch 1 10m 50% x',
    'serve_stale 20',
    'serve_stale -20m',
    'serve_stale aa',
    'serve_stale 1m nono',
    'serve_stale 0 after nono',
    'serve_stale 1h immediate 100ms',
    'serve_stale 1h immediate 4294967296s',
    'serve_stale 1h immediate -1s',
    'serve_stale 1h immediate garbage',
    'serve_stale 1h immediate 30s extra',
    'serve_stale 1h immediate 30s 30s extra',
    'serve_stale 1h immediate 30s 5m1s',
    'serve_stale 1h verify -1ms',
    'serve_stale 1h verify garbage',
    'serve_stale 1h verify 100ms 500ms',
    'serve_stale 1h verify 100ms 30s -1s',
    'serve_stale 1h verify 100ms 30s 30s extra',
    'serve_stale_policy prefer_positive',
    'serve_stale\nserve_stale_policy',
    'serve_stale\nserve_stale_policy invalid',
    'serve_stale\nserve_stale_policy prefer_positive extra',
    'serve_stale\nserve_stale_policy prefer_positive\nserve_stale_policy prefer_positive',
    'servfail',
    'servfail 6m',
    'servfail 20',
    'servfail -1s',
    'servfail 1m invalid',
    'disable',
    'disable invalid example.org',
    'keepttl x',
    'toString',
  ];
  for (const line of lines)
    assert.match(failureOf(`cache {\n${line}\n}`), /^Corefile:[345]:\d+: cache: .*expected/, line);
});

test('errors name the place and what was expected', () => {
  assert.equal(failureOf('cache 0'), "Corefile:2:7: cache: '0': expected an integer of at least 1");
  assert.match(failureOf('cache -1 example.nl'), /'-1': expected an integer of at least 1/);
  assert.equal(
    failureOf('cache\nerrors\ncache'),
    'Corefile:4:1: cache: expected once in a server block: it stands at Corefile:2 too',
  );
  assert.equal(
    failureOf('cache {\n servfail 20\n}'),
    "Corefile:3:11: cache: '20': expected a duration with its unit, such as 30s, 5m or 100ms",
  );
  assert.equal(
    failureOf('cache {\n servfail 6m\n}'),
    "Corefile:3:11: cache: '6m': expected a duration of at least 0s and at most 300s",
  );
  assert.match(failureOf('cache {\n success x\n}'), /'x': expected an integer$/);
  assert.match(failureOf('cache {\n keepttl {\n }\n}'), /keepttl: unexpected block: it takes none/);
});
