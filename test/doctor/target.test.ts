/** What is examined, and where that is known from. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { daemonProcess, fakeNode, running, STATUS } from './fake-node.ts';

const COREFILE = `acme.local:1053 {
  forward . 192.0.2.1 192.0.2.2
}
cluster.local:1053 in-addr.arpa:1053 {
  forward . 192.0.2.1 {
    force_tcp
  }
}
.:1053 {
  forward . tls://192.0.2.3 192.0.2.1
}
`;

test('nothing is known: what the stock manifest has', (t) => {
  const { target } = fakeNode(t);
  assert.deepEqual(target.localIps, ['169.254.20.10']);
  assert.match(target.origin, /manifest/);
  assert.equal(target.dnsPort, 53);
  assert.deepEqual(target.upstreams, []);
  assert.equal(target.clusterDomain, undefined);
});

test("options come before the process's flags, and those before the daemon's listeners", (t) => {
  const files = daemonProcess(
    7,
    ['-localip=192.0.2.9,fd00::a', '-conf=/x', '-setupiptables=false'],
    [],
  );
  const daemon = running();
  const byOption = fakeNode(t, { files, daemon, options: { localIps: ['192.0.2.8'] } }).target;
  assert.deepEqual(byOption.localIps, ['192.0.2.8']);
  const byFlags = fakeNode(t, { files, daemon }).target;
  assert.deepEqual(byFlags.localIps, ['192.0.2.9', 'fd00::a']);
  assert.deepEqual([byFlags.setsUpInterface, byFlags.setsUpRules], [true, false]);
  const byStatus = fakeNode(t, { daemon }).target;
  assert.deepEqual([byStatus.localIps, byStatus.origin], [['169.254.20.10'], 'the running daemon']);
  assert.equal(byStatus.clusterDomain, 'cluster.local');
});

test('processes: ours, and the program that we replace; others with such a flag are none', (t) => {
  const files = {
    ...daemonProcess(7, ['-localip', '192.0.2.9'], []),
    '8/cmdline': '/usr/bin/node-cache\0--localip\x00192.0.2.9\0',
    '9/cmdline': 'grep\0-localip\0',
    '10/cmdline': '',
    'self/cmdline': 'x',
  };
  const { processes } = fakeNode(t, { files }).target;
  const named = processes.map(({ pid, program }) => `${pid} ${program}`).sort();
  assert.deepEqual(named, ['7 zerohop', '8 node-cache']);
});

test("the Corefile's upstreams, each once; the cluster's own are known as such", (t) => {
  const corefilePath = join(temporaryDirectory(t), 'Corefile');
  writeFileSync(corefilePath, COREFILE);
  const { target } = fakeNode(t, { options: { corefilePath } });
  assert.equal(target.dnsPort, 1053);
  assert.equal(target.clusterDomain, 'cluster.local');
  const upstreams = target.upstreams.map(({ host, port, transport, isClusterDns }) => {
    return `${transport} ${host} ${port} ${isClusterDns}`;
  });
  assert.deepEqual(upstreams, [
    'dns 192.0.2.1 53 true',
    'dns 192.0.2.2 53 false',
    'tls 192.0.2.3 853 false',
  ]);
  const named = fakeNode(t, { options: { corefilePath, clusterDomain: 'k8s.test' } }).target;
  assert.equal(named.clusterDomain, 'k8s.test');
});

test("without it the running daemon's, IPv6 too", (t) => {
  const [block] = STATUS.blocks;
  const [forward] = block!.forwards;
  const [upstream] = forward!.upstreams;
  const upstreams = [
    { ...upstream!, to: '[fd00::53]:5353' },
    { ...upstream!, to: 'nonsense' },
  ];
  const blocks = [{ ...block!, forwards: [{ ...forward!, upstreams }] }];
  const { target } = fakeNode(t, { daemon: running({ blocks }) });
  assert.deepEqual(
    target.upstreams.map(({ host, port }) => [host, port]),
    [['fd00::53', 5353]],
  );
});
