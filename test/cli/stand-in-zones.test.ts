/**
 * What the stand-in's zones hold, against the answers of CoreDNS's kubernetes plugin (its own tests, and the
 * specification "Kubernetes DNS-Based Service Discovery" 1.1.0) and of a resolver behind it.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Answer } from 'dns-packet';
import { reverseName } from '../../src/cli/stand-in/reverse-name.ts';
import { lookUp } from '../../src/cli/stand-in/stand-in.ts';

function ask(name: string, type: string) {
  return lookUp({ name, type, class: 'IN' });
}

/** Records as `owner ttl type data` without the cluster domain, to read a whole answer at a glance. */
function texts(records: readonly Answer[]): string[] {
  return records.map((record) => {
    const data = 'data' in record ? record.data : '';
    const text = typeof data === 'string' ? data : Object.values(data).join(' ');
    const ttl = 'ttl' in record ? record.ttl : '';
    return `${record.name} ${ttl} ${record.type} ${text}`.replaceAll('.cluster.local', '');
  });
}

const CLUSTER_SOA = ['cluster.local 5 SOA ns.dns hostmaster 1795000000 7200 1800 86400 5'];

function assertAnswers(name: string, type: string, expected: readonly string[]): void {
  const reply = ask(name, type);
  assert.equal(reply.rcode, 0);
  assert.deepEqual(texts(reply.answers), expected, `${name} ${type}`);
  assert.deepEqual(reply.authorities, []);
}

function assertNegative(name: string, type: string, rcode: 0 | 3): void {
  const reply = ask(name, type);
  assert.equal(reply.rcode, rcode, `${name} ${type}`);
  assert.deepEqual(reply.answers, []);
  assert.deepEqual(texts(reply.authorities), CLUSTER_SOA);
  assert.equal(reply.authoritative, true);
}

suite('services', () => {
  test('ClusterIPs of both families', () => {
    assertAnswers('web.default.svc.cluster.local', 'A', ['web.default.svc 30 A 10.96.1.1']);
    assertAnswers('web.default.svc.cluster.local', 'AAAA', [
      'web.default.svc 30 AAAA fd00:10:96::1:1',
    ]);
    assertAnswers('kubernetes.default.svc.cluster.local', 'A', [
      'kubernetes.default.svc 30 A 10.96.0.1',
    ]);
    assertAnswers('kube-dns.kube-system.svc.cluster.local', 'A', [
      'kube-dns.kube-system.svc 30 A 10.96.0.10',
    ]);
    assertNegative('kubernetes.default.svc.cluster.local', 'AAAA', 0);
  });

  test('headless: all endpoints, and each by its host name or address', () => {
    assertAnswers('db.default.svc.cluster.local', 'A', [
      'db.default.svc 30 A 10.244.2.1',
      'db.default.svc 30 A 10.244.2.2',
      'db.default.svc 30 A 10.244.2.3',
    ]);
    assertAnswers('db-1.db.default.svc.cluster.local', 'A', [
      'db-1.db.default.svc 30 A 10.244.2.2',
    ]);
    assertAnswers('10-244-3-1.peers.default.svc.cluster.local', 'A', [
      '10-244-3-1.peers.default.svc 30 A 10.244.3.1',
    ]);
    assertNegative('db-9.db.default.svc.cluster.local', 'A', 3);
    assert.equal(ask('thirty.default.svc.cluster.local', 'A').answers.length, 30);
    assert.equal(ask('two-hundred.default.svc.cluster.local', 'A').answers.length, 200);
  });

  test('SRV with the addresses of its targets', () => {
    const named = ask('_postgres._tcp.db.default.svc.cluster.local', 'SRV');
    assert.deepEqual(
      texts(named.answers).at(1),
      '_postgres._tcp.db.default.svc 30 SRV 0 33 5432 db-1.db.default.svc',
    );
    assert.deepEqual(texts(named.additionals).at(1), 'db-1.db.default.svc 30 A 10.244.2.2');
    assert.equal(named.answers.length, 3);

    const dualStack = ask('_http._tcp.web.default.svc.cluster.local', 'SRV');
    assert.deepEqual(texts(dualStack.answers), [
      '_http._tcp.web.default.svc 30 SRV 0 50 80 web.default.svc',
    ]);
    assert.equal(dualStack.additionals.length, 2);

    // Three ports, two of them the number 53: a target and port stand there once.
    assert.equal(ask('kube-dns.kube-system.svc.cluster.local', 'SRV').answers.length, 2);
    assertNegative('_http._udp.web.default.svc.cluster.local', 'SRV', 3);
  });

  test('ExternalName: the CNAME stands before what the target has', () => {
    assertAnswers('outside.default.svc.cluster.local', 'A', [
      'outside.default.svc 30 CNAME www.example.org',
      'www.example.org 60 A 192.0.2.80',
      'www.example.org 60 A 192.0.2.81',
    ]);
    assertAnswers('inside.default.svc.cluster.local', 'A', [
      'inside.default.svc 30 CNAME kubernetes.default.svc',
      'kubernetes.default.svc 30 A 10.96.0.1',
    ]);
    assertAnswers('nowhere.default.svc.cluster.local', 'A', [
      'nowhere.default.svc 30 CNAME missing.example.org',
    ]);
    assertAnswers('outside.default.svc.cluster.local', 'CNAME', [
      'outside.default.svc 30 CNAME www.example.org',
    ]);
    assertNegative('outside.default.svc.cluster.local', 'SRV', 0);
    assertNegative('x.outside.default.svc.cluster.local', 'A', 3);
  });
});

suite('the rest of the zone', () => {
  test('pods by their address', () => {
    assertAnswers('10-244-1-7.default.pod.cluster.local', 'A', [
      '10-244-1-7.default.pod 30 A 10.244.1.7',
    ]);
    assertAnswers('fd00--7.default.pod.cluster.local', 'AAAA', [
      'fd00--7.default.pod 30 AAAA fd00::7',
    ]);
    assertNegative('10-244-1-700.default.pod.cluster.local', 'A', 3);
    assertNegative('10-244-1-7.nowhere.pod.cluster.local', 'A', 3);
  });

  test('empty non-terminals are NODATA, what is missing is NXDOMAIN', () => {
    for (const name of ['', 'svc.', 'pod.', 'default.svc.', 'empty.svc.', 'default.pod.']) {
      assertNegative(`${name}cluster.local`, 'A', 0);
    }
    for (const name of ['dns', 'nope', 'nope.svc', 'nope.default.svc', 'x.y.z.web.default.svc']) {
      assertNegative(`${name}.cluster.local`, 'A', 3);
    }
    // The search path's first guess for an external name.
    assertNegative('example.org.default.svc.cluster.local', 'A', 3);
  });

  test('apex, name server and schema version', () => {
    assert.deepEqual(texts(ask('cluster.local', 'SOA').answers), CLUSTER_SOA);
    assertAnswers('cluster.local', 'NS', ['cluster.local 30 NS kube-dns.kube-system.svc']);
    assertAnswers('ns.dns.cluster.local', 'A', ['ns.dns 30 A 10.96.0.10']);
    assertAnswers('dns-version.cluster.local', 'TXT', ['dns-version 28800 TXT 1.1.0']);
    assertNegative('dns-version.cluster.local', 'A', 3);
    assertNegative('nope.default.svc.cluster.local', 'TXT', 0);
  });

  test('reverse names of ClusterIPs and endpoints', () => {
    const targets: [string, string][] = [
      ['10.96.0.10', 'kube-dns.kube-system.svc'],
      ['10.244.2.3', 'db-2.db.default.svc'],
      ['fd00:10:96::1:1', 'web.default.svc'],
      ['fd00:10:244::3:1', 'fd00-10-244--3-1.peers.default.svc'],
    ];
    for (const [address, target] of targets) {
      const name = reverseName(address);
      assertAnswers(name, 'PTR', [`${name} 30 PTR ${target}`]);
    }
    assert.equal(ask(reverseName('10.1.2.3'), 'PTR').rcode, 3);
  });
});

test('reverse names, after the examples of RFC 1035 and RFC 3596', () => {
  assert.equal(reverseName('192.0.2.10'), '10.2.0.192.in-addr.arpa');
  assert.equal(
    reverseName('4321:0:1:2:3:4:567:89ab'),
    'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa',
  );
  assert.match(reverseName('::1'), /^1(\.0){31}\.ip6\.arpa$/);
});

suite('the outside world', () => {
  test('records of example.org, not authoritative', () => {
    const reply = ask('example.org', 'A');
    assert.deepEqual(texts(reply.answers), ['example.org 300 A 192.0.2.1']);
    assert.ok(!reply.authoritative && reply.recursionAvailable);
    assertAnswers('example.org', 'MX', [
      'example.org 3600 MX 10 mail.example.org',
      'example.org 3600 MX 20 mail2.example.org',
    ]);
    assertAnswers('ttl-zero.example.org', 'A', ['ttl-zero.example.org 0 A 192.0.2.100']);
  });

  test('CNAME chains, to an end, to nothing and in a circle', () => {
    assertAnswers('alias.example.org', 'AAAA', [
      'alias.example.org 300 CNAME hop.example.org',
      'hop.example.org 10 CNAME www.example.org',
      'www.example.org 60 AAAA 2001:db8::80',
    ]);
    const dangling = ask('dangling.example.org', 'A');
    assert.equal(dangling.rcode, 3);
    assert.equal(dangling.answers.length, 1);
    assert.equal(dangling.authorities[0]?.name, 'example.org');
    assert.equal(ask('loop.example.org', 'A').rcode, 2);
  });

  test('negative answers carry the SOA of the zone that knows', () => {
    const cases: [string, string, number, string][] = [
      ['www.example.org', 'MX', 0, 'example.org'],
      ['missing.example.org', 'A', 3, 'example.org'],
      ['missing.example.net', 'A', 3, '.'],
      ['.', 'A', 0, '.'],
    ];
    for (const [name, type, rcode, origin] of cases) {
      const reply = ask(name, type);
      assert.equal(reply.rcode, rcode, name);
      assert.equal(reply.authorities[0]?.name, origin, name);
    }
    assert.equal(ask('.', 'NS').answers.length, 13);
  });
});
