/** The command line: node-cache's flags and defaults, what it refuses, and our own flags. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Flags, readCommandLine } from '../../src/control/flags.ts';

const LOCAL = ['-localip', '169.254.20.10'];

function flagsOf(...args: string[]): Flags {
  const line = readCommandLine([...LOCAL, ...args]);
  assert(line.code === 'run', JSON.stringify(line));
  return line.flags;
}

function problemOf(...args: string[]): string {
  const line = readCommandLine([...LOCAL, ...args]);
  assert(line.code === 'usage', JSON.stringify(line));
  assert.equal(line.exitCode, 2);
  const [problem, ...usage] = line.text.split('\n');
  assert.equal(usage[0], 'Usage of node-cache:');
  return problem!;
}

const DEFAULTS: Flags = {
  localIps: ['169.254.20.10'],
  dnsPort: 53,
  setupInterface: true,
  interfaceName: 'nodelocaldns',
  setupIptables: true,
  skipTeardown: false,
  syncIntervalMs: 60_000,
  healthPort: 8080,
  metricsListenAddress: '0.0.0.0:9353',
  prometheusListenAddress: ':9253',
  baseCorefilePath: '/etc/coredns/Corefile.base',
  corefilePath: '/etc/Corefile',
  kubeDnsConfigMapPath: '',
  upstreamService: 'kube-dns',
  upstreamIps: [],
  reloadWithSignal: false,
  pidfilePath: '',
  quiet: false,
  responderCount: 1,
  udpBackend: 'auto',
  cacheBytes: 0,
  logFormat: 'text',
  slowQueryMs: 1000,
  statusNames: false,
  interceptionBackend: 'auto',
  fallbackService: 'kube-dns-endpoints.kube-system.svc',
  readyUpstreamMs: 30_000,
  endBudgetMs: 5000,
  controlSocketPath: '/run/zerohop/control.sock',
};

test('defaults', () => assert.deepEqual(flagsOf(), DEFAULTS));

test("the stock manifest's arguments", () => {
  const line = readCommandLine([
    ...['-localip', '169.254.20.10,10.96.0.10', '-conf', '/etc/Corefile.x'],
    ...['-upstreamsvc', 'kube-dns-upstream', '-pidfile', '/tmp/node-cache.pid'],
  ]);
  const flags = {
    ...DEFAULTS,
    localIps: ['169.254.20.10', '10.96.0.10'],
    corefilePath: '/etc/Corefile.x',
    upstreamService: 'kube-dns-upstream',
    pidfilePath: '/tmp/node-cache.pid',
  };
  assert.deepEqual(line, { code: 'run', flags });
});

describe('each flag', () => {
  const cases: [string[], Partial<Flags>][] = [
    [['-setupinterface=false'], { setupInterface: false }],
    [['-interfacename', 'dns0'], { interfaceName: 'dns0' }],
    [['-slow-query', '250ms'], { slowQueryMs: 250 }],
    [['-slow-query', '0s'], { slowQueryMs: 0 }],
    [['-status-names'], { statusNames: true }],
    [['-setupiptables=false'], { setupIptables: false }],
    [['-skipteardown'], { skipTeardown: true }],
    [['-skipteardown=true'], { skipTeardown: true }],
    [['-health-port=8099'], { healthPort: 8099 }],
    [['-metrics-listen-address', '127.0.0.1:1'], { metricsListenAddress: '127.0.0.1:1' }],
    [['-prometheus-listen-address=:1'], { prometheusListenAddress: ':1' }],
    [['-basecorefile', '/b'], { baseCorefilePath: '/b' }],
    [['-corefile', '/c'], { corefilePath: '/c' }],
    [['-corefile', '/c', '-conf', '/d'], { corefilePath: '/d' }],
    [['-kubednscm', '/k'], { kubeDnsConfigMapPath: '/k' }],
    [['-upstream-ip', '10.96.0.10,FD00:0::A'], { upstreamIps: ['10.96.0.10', 'fd00::a'] }],
    [['-reloadwithsignal'], { reloadWithSignal: true }],
    [['-quiet'], { quiet: true }],
    [['-dns.port', '1053'], { dnsPort: 1053 }],
    [['-p', '1053'], { dnsPort: 1053 }],
    [['-p=1', '-dns.port=2', '-p=3'], { dnsPort: 3 }],
    [['-responders', '4'], { responderCount: 4 }],
    [['-udp-backend', 'dgram'], { udpBackend: 'dgram' }],
    [['-cache-memory', '1000'], { cacheBytes: 1000 }],
    [['-cache-memory', '64Mi'], { cacheBytes: 64 * 2 ** 20 }],
    [['-cache-memory=1Gi'], { cacheBytes: 2 ** 30 }],
    [['-log-format=json'], { logFormat: 'json' }],
    [['-control-socket='], { controlSocketPath: '' }],
    [['-control-socket', '/s'], { controlSocketPath: '/s' }],
  ];
  for (const [args, expected] of cases) {
    test(args.join(' '), () => assert.deepEqual(flagsOf(...args), { ...DEFAULTS, ...expected }));
  }
});

test('the interval is in seconds, whichever way it is said', () => {
  const cases: [string, number][] = [
    ['60', 60_000],
    ['30', 30_000],
    ['60ns', 60_000],
    ['30s', 30_000],
    ['1m30s', 90_000],
    ['1.5s', 1_500],
  ];
  for (const [text, expected] of cases) {
    assert.equal(flagsOf('-syncinterval', text).syncIntervalMs, expected, text);
  }
});

test('values that are none', () => {
  const cases: [string, string, string][] = [
    ['syncinterval', 'often', 'parse error'],
    ['syncinterval', '0', 'value out of range'],
    ['syncinterval', '-5s', 'value out of range'],
    ['syncinterval', '500ms', 'value out of range'],
    ['syncinterval', '600h', 'value out of range'],
    ['responders', '0', 'value out of range'],
    ['responders', '-1', 'value out of range'],
    ['responders', '65', 'value out of range'],
    ['responders', '1.5', 'parse error'],
    ['udp-backend', 'tcp', 'expected auto, mmsg or dgram'],
    ['cache-memory', '64MB', 'parse error'],
    ['cache-memory', '-1', 'parse error'],
    ['cache-memory', '5Gi', 'value out of range'],
    ['log-format', 'xml', 'expected text or json'],
  ];
  for (const [name, text, reason] of cases) {
    const problem = problemOf(`-${name}=${text}`);
    assert.equal(problem, `invalid value "${text}" for flag -${name}: ${reason}`);
  }
  assert.equal(problemOf('-setupebtables'), 'flag provided but not defined: -setupebtables');
  assert.equal(problemOf('-conf'), 'flag needs an argument: -conf');
});

test('help is no failure', () => {
  for (const arg of ['-h', '-help', '--help']) {
    const line = readCommandLine([arg]);
    assert(line.code === 'usage');
    assert.equal(line.exitCode, 0);
    assert.match(line.text, /^Usage of node-cache:\n.*\n\n {2}-basecorefile string\n/);
    assert.match(line.text, /\n {2}-syncinterval duration\n.*\(default 60s\)\n/);
  }
});

test('version and plugins need no address, and version comes first', () => {
  assert.deepEqual(readCommandLine(['-version']), { code: 'version' });
  assert.deepEqual(readCommandLine(['-plugins', '-version']), { code: 'version' });
  assert.deepEqual(readCommandLine(['-plugins', '-localip', 'x']), { code: 'plugins' });
});

describe('fatal', () => {
  const cases: [string[], string][] = [
    [[], 'invalid localip specified - ""'],
    [['-localip='], 'invalid localip specified - ""'],
    [['-localip', '192.0.2.1,'], 'invalid localip specified - ""'],
    [['-localip', '192.0.2.1, 192.0.2.2'], 'invalid localip specified - " 192.0.2.2"'],
    [['-localip', '192.0.2.01'], 'invalid localip specified - "192.0.2.01"'],
    [['-localip', 'fe80::1%eth0'], 'invalid localip specified - "fe80::1%eth0"'],
    [[...LOCAL, '-upstream-ip', '10.96.0.10,'], 'invalid upstream-ip specified - ""'],
    [['-localip', '192.0.2.1,eth0'], 'invalid localip specified - "eth0"'],
    [[...LOCAL, 'more', '-quiet'], 'extra command line arguments: [more -quiet]'],
    [['-version', 'false'], 'extra command line arguments: [false]'],
    [[...LOCAL, '-dns.port', 'domain'], 'invalid port specified - "domain"'],
    [[...LOCAL, '-dns.port', '65536'], 'invalid port specified - "65536"'],
    [[...LOCAL, '-health-port', 'http'], 'invalid healthcheck port specified - "http"'],
  ];
  for (const [args, message] of cases) {
    test(args.join(' '), () => {
      assert.deepEqual(readCommandLine(args), { code: 'fatal', message, exitCode: 1 });
    });
  }
});

test('addresses of both families, in their one spelling', () => {
  const args = ['-localip', '169.254.20.10,FD00:0::0A,::ffff:192.0.2.1'];
  const line = readCommandLine(args);
  assert(line.code === 'run');
  assert.deepEqual(line.flags.localIps, ['169.254.20.10', 'fd00::a', '192.0.2.1']);
});
