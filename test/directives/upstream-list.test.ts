/** The upstreams of `forward`: addresses, schemes, host names and files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ForwardOptions } from '../../src/upstream/options.ts';
import { configOf, failureOf } from './server-block.ts';

function read(lines: string, files: Record<string, string>): ForwardOptions {
  return configOf(lines, files).forward[0]!;
}

/** `transport://host:port%name`. */
function upstreams(words: string, files: Record<string, string> = {}): string[] {
  return read(`forward . ${words}`, files).to.map(
    ({ transport, host, port, serverName, path }) =>
      `${transport}://${host}:${port}${serverName === undefined ? '' : `%${serverName}`}${path ?? ''}`,
  );
}

test('upstreams of every kind', () => {
  const cases: [string, string[]][] = [
    [
      '127.0.0.1:8080 [::1]:53 2003::1',
      ['dns://127.0.0.1:8080', 'dns://::1:53', 'dns://2003::1:53'],
    ],
    [
      'dns://192.0.2.1 dns://[2001:DB8:0::1]:5353',
      ['dns://192.0.2.1:53', 'dns://2001:db8::1:5353'],
    ],
    ['fe80::1%eth0', ['dns://fe80::1:53']],
    ['tls://127.0.0.1 tls://[2400:3200::1]:853', ['tls://127.0.0.1:853', 'tls://2400:3200::1:853']],
    ['tls://127.0.0.1%example.net:854', ['tls://127.0.0.1:854%example.net']],
    ['tls://127.0.0.1%example.net', ['tls://127.0.0.1:853%example.net']],
    ['tls://[2400:3200::1%dns.example]:853', ['tls://2400:3200::1:853%dns.example']],
    ['tls://fe80::1%example.com', ['tls://fe80::1:853%example.com']],
    ['https://127.0.0.1', ['https://127.0.0.1:443/dns-query']],
    ['kube-dns.kube-system.svc.cluster.local', ['dns://kube-dns.kube-system.svc.cluster.local:53']],
    ['tls://dns.example:8853', ['tls://dns.example:8853']],
    ['https://dns.example', ['https://dns.example:443/dns-query']],
    ['192.0.2.1 192.0.2.2 192.0.2.1:53', ['dns://192.0.2.1:53', 'dns://192.0.2.2:53']],
  ];
  for (const [words, expected] of cases) assert.deepEqual(upstreams(words), expected, words);
});

test('files hold nameservers, and keep their place among the upstreams', () => {
  const files = {
    '/etc/resolv.conf':
      '# nameserver 192.0.2.9\nsearch example.org\nnameserver 10.10.255.252\n\tnameserver\t10.10.255.253 # second\noptions ndots:5\n',
    'v6.conf': 'nameserver 0388:d254:7aec:6892:9f7f:e93b:5806:1b0f%en0\r\n',
    '/dev/null': '',
  };
  assert.deepEqual(upstreams('192.0.2.1 /etc/resolv.conf 192.0.2.2 v6.conf', files), [
    'dns://192.0.2.1:53',
    'dns://10.10.255.252:53',
    'dns://10.10.255.253:53',
    'dns://192.0.2.2:53',
    'dns://388:d254:7aec:6892:9f7f:e93b:5806:1b0f:53',
  ]);
  const options = read('forward . /etc/resolv.conf /dev/null', files);
  assert.deepEqual(options.resolvConf, ['/etc/resolv.conf', '/dev/null']);
  assert.equal(
    failureOf('forward . /dev/null', files),
    'Corefile:2:11: forward: no nameservers found: expected at least one',
  );
  assert.equal(
    failureOf('forward . /etc/none', files),
    "Corefile:2:11: forward: '/etc/none': expected a readable file: no such file",
  );
  const warnings: string[] = [];
  configOf('forward . odd 192.0.2.1', { odd: 'nameserver dns.example' }, warnings);
  assert.deepEqual(warnings, [
    "2:11 forward: odd: 'nameserver dns.example': ignored: expected an IP address",
  ]);
});

test('at most 15 upstreams', () => {
  const words = (count: number) =>
    Array.from({ length: count }, (_, n) => `192.0.2.${n + 1}`).join(' ');
  assert.equal(upstreams(words(15)).length, 15);
  assert.match(failureOf(`forward . ${words(16)}`), /16 upstreams: expected at most 15/);
});
